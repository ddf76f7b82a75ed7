public import LinuxSystem
public import SystemPackage

/// Where this program and its engine are.
public enum Executables {
    /// This program, as the kernel names it: safe even where a relative path started it.
    public static func nodeguard() throws(SystemCallError) -> FilePath {
        try readLink("/proc/self/exe")
    }

    /// The engine: beside this program in a build folder, in `../libexec/nodeguard/` where it is installed.
    ///
    /// No environment variable names it: who can set one must not choose what judges files.
    public static func engine() throws(SystemCallError) -> FilePath {
        let folder = try nodeguard().removingLastComponent()
        let places = [
            folder.appending("nodeguard-engine"),
            folder.removingLastComponent().appending("libexec/nodeguard/nodeguard-engine"),
        ]
        for place in places where isExecutable(place) { return place }
        throw SystemCallError(
            "access", "find the scan engine (reinstall nodeguard) at",
            places.map { printable($0) }.joined(separator: " or "),
            errno: .noSuchFileOrDirectory)
    }
}
