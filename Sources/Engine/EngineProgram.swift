internal import CLinux
public import EngineProtocol
internal import Glibc
internal import LinuxSystem
public import SystemPackage

/// The engine as a program: what `nodeguard-engine` runs, and what the tests run with faults put into it.
public enum EngineProgram {
    /// What a worker does with one file: `look` is libclamav's.
    public typealias Inspect = (_ file: FileDescriptor, _ look: () -> Verdict) -> Verdict

    /// Serves the session whose control socket is descriptor 3, until it is gone. Returns the exit status.
    ///
    /// - Parameter inspect: called in a confined worker, for each file.
    public static func run(inspect: @escaping Inspect = { _, look in look() }) -> Int32 {
        guard CommandLine.arguments.count == 1, fcntl(3, F_GETFD) >= 0 else {
            FileDescriptor.standardError.tell(
                "nodeguard-engine is started by nodeguard, with a socket as descriptor 3; to scan, run: nodeguard scan-now PATH"
            )
            return 64
        }
        do {
            try Confinement.begin()
        } catch {
            FileDescriptor.standardError.tell("nodeguard-engine \(error)")
            return 1
        }
        var supervisor = Supervisor(control: MessageSocket(owning: FileDescriptor(rawValue: 3)), inspect: inspect)
        return supervisor.run()
    }
}

extension FileDescriptor {
    /// Writes one line; nobody is left to tell where that fails.
    func tell(_ line: String) {
        _ = try? writeAll((line + "\n").utf8)
    }
}
