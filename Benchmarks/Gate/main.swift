// How fast the gate shuts, what its rules cost a packet, and what its loop costs while nothing happens. Needs root; makes
// network namespaces of its own.
//
//     swift run -c release gate-benchmark [TRIALS]
//
// Every number stands beside what it is to be compared with, measured in the same minute: absolute ones tell little of
// another machine.
import Glibc
import SystemPackage
import TestSupport

let trials = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1])! : 200

try measureShutting(trials: trials)
try measurePackets(rounds: max(3, min(15, trials / 10)))
try measurePods()
try measureIdle(seconds: trials >= 200 ? 60 : 10)

/// A number for a table.
func shown(_ value: Double) -> String {
    let hundredths = (value * 100).rounded() / 100
    return "\(hundredths)"
}

/// The value below which a part of the sorted values lies.
func quantile(_ sorted: [Double], _ part: Double) -> Double {
    sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))]
}
