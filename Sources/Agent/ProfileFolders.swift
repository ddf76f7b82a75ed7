public import LinuxSystem
public import SystemPackage

extension Executables {
    /// Where profiles are read from, in this order: the packaged ones, then those of this machine's owner beside the
    /// configuration, in `profiles/`.
    ///
    /// The packaged ones are in `../share/nodeguard/profiles` of the installed program. A program in a build folder,
    /// `.build/PLATFORM/debug/nodeguard`, finds those of its sources.
    public static func profileFolders(configuration main: FilePath) throws(SystemCallError) -> [FilePath] {
        let program = try nodeguard().removingLastComponent()
        let prefix = program.removingLastComponent()
        let build = prefix.removingLastComponent()
        let packaged =
            build.lastComponent == ".build"
            ? build.removingLastComponent().appending("config/profiles") : prefix.appending("share/nodeguard/profiles")
        return [packaged, main.removingLastComponent().appending("profiles")]
    }
}
