// The confined half of the scanner: the only program of this project that is linked with libclamav.
//
// It is started by a scan session with its control socket as descriptor 3 and says nothing to anybody else.
// Its standard error is for a person who debugs it. See docs/architecture.md, "Processes".
internal import CLinux
internal import EngineProtocol
internal import Glibc
internal import LinuxSystem
internal import SystemPackage

Confinement.beginEngine()

guard CommandLine.arguments.count == 1, fcntl(3, F_GETFD) >= 0 else {
    FileDescriptor.standardError.tell(
        "nodeguard-engine is started by nodeguard, with a socket as descriptor 3; to scan, run: nodeguard scan-now PATH"
    )
    exit(64)
}

var engine = Engine(control: MessageSocket(owning: FileDescriptor(rawValue: 3)))
exit(engine.run())

extension FileDescriptor {
    /// Writes one line; nobody is left to tell where that fails.
    func tell(_ line: String) {
        _ = try? writeAll((line + "\n").utf8)
    }
}
