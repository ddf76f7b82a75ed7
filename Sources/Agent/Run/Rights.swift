internal import LinuxSystem

/// What the agent's process may do: less than what its children start with.
enum Rights {
    /// From now on the calling thread, and every thread it starts, has no other effective capability than to administer the
    /// network. What is permitted stays: a scan session needs to read every file, and is a child of this process
    /// (capabilities(7): a program of root's starts with everything that was permitted).
    ///
    /// A process without capabilities keeps none; that is no error.
    static func keepForAgent() {
        keepEffectiveCapabilities([.networkAdministration])
    }
}
