// journal-probe: a program for the tests, never shipped.
//   check         asks whether the journal of the mount namespace it runs in takes entries
//   send SECONDS  sends the events on its standard input, one a line, to that journal, each within that time
//   metrics FILE  writes a snapshot as metrics file
// It prints what the error says, and ends with 3 for an absent journal, 4 for a busy one, 1 for anything else.
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
        try MetricsFile(path: FilePath(CommandLine.arguments[2])).write(MetricsSnapshot(version: "new"))
    default:
        print("journal-probe check | send SECONDS | metrics FILE")
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
