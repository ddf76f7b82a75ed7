internal import Glibc
internal import LinuxSystem
internal import Sandbox
internal import SystemPackage

/// Open files, the rights that are hardest to see. The fear: a worker that finds the session's terminal, the control
/// socket, or the file that another worker scans, by trying numbers.
enum Descriptors {
    /// The engine keeps its standard error, for whoever debugs it, and the control socket, which is descriptor 3.
    static func begin() throws(ConfinementError) {
        let null = unsafe open("/dev/null", O_RDWR | O_CLOEXEC)
        guard null >= 0 else { throw ConfinementError("open", "open", "/dev/null") }
        for descriptor in Int32(0)...1 {
            guard dup2(null, descriptor) >= 0 else {
                throw ConfinementError("dup2", "let go of descriptor", "\(descriptor)")
            }
        }
        try closeDescriptors(from: 4)
    }

    /// A worker keeps its own socket, as descriptor 3, and `/dev/null` three times.
    static func beginWorker(socket: Int32) throws(ConfinementError) {
        guard dup2(socket, 3) >= 0, dup2(0, 2) >= 0 else { throw ConfinementError("dup2", "keep only its socket") }
        try closeDescriptors(from: 4)
    }
}
