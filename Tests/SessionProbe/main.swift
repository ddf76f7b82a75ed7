// session-probe: a scan session with an engine of the test's choice. For the tests, never shipped.
//   session-probe ENGINE    takes an order on its standard input, as `nodeguard scan-session` does, and tells its events
// At the end it says on standard error how many descriptors it had before and has now, and how many children.
import FoundationEssentials
import Glibc
import Journal
import LinuxSystem
import Scanner
import SystemPackage

func openDescriptors() -> Int {
    (0..<Int32(1024)).count { fcntl($0, F_GETFD) >= 0 }
}

let before = openDescriptors()
var status: Int32 = 0
do {
    let order = try JSONDecoder().decode(SessionOrder.self, from: Data(readToEnd(.standardInput)))
    try Session.run(order, engine: FilePath(CommandLine.arguments[1])) { event in
        try FileDescriptor.standardOutput.writeAll(event.jsonLine())
    }
} catch {
    _ = try? FileDescriptor.standardError.writeAll("failed: \(error)\n".utf8)
    status = 3
}
let children = waitpid(-1, nil, WNOHANG) < 0 && errno == ECHILD ? "none" : "some"
_ = try? FileDescriptor.standardError.writeAll(
    "descriptors before \(before), after \(openDescriptors()); children \(children)\n".utf8)
exit(status)
