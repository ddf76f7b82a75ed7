// journal-probe: a program for the tests, never shipped.
//   check         asks whether the journal of the mount namespace it runs in takes entries
//   send SECONDS  sends the events on its standard input, one a line, to that journal, each within that time
//   metrics FILE [SNAPSHOT]  writes a snapshot as metrics file; one as the state folder keeps it, or an empty one
// It prints what the error says, and ends with 3 for an absent journal, 4 for a busy one, 1 for anything else.
import FoundationEssentials
import Glibc
import Journal
import SystemPackage

var sent = 0
do {
    switch CommandLine.arguments.dropFirst().first {
    case "check":
        try JournaldSink().check()
    case "send":
        let sink = JournaldSink(patience: .seconds(Int(CommandLine.arguments[2]) ?? 0))
        while let line = readLine(strippingNewline: true) {
            try sink.send(Event(jsonLine: Array(line.utf8)))
            sent += 1
        }
        print("sent \(sent)")
    case "metrics":
        var snapshot = MetricsSnapshot(version: "new")
        if CommandLine.arguments.count > 3 {
            snapshot = try JSONDecoder().decode(
                MetricsSnapshot.self, from: Data(contentsOf: URL(filePath: CommandLine.arguments[3])))
        }
        try MetricsFile(path: FilePath(CommandLine.arguments[2])).write(snapshot)
    default:
        print("journal-probe check | send SECONDS | metrics FILE [SNAPSHOT]")
        exit(64)
    }
} catch {
    print(error)
    print("sent \(sent)")
    switch error as? JournaldError {
    case .absent: exit(3)
    case .busy: exit(4)
    default: exit(1)
    }
}
