// Sets one file aside like a scan session does, and kills itself with SIGKILL before the step it is told, at the visit it
// is told: what is left behind then is what a crash leaves.
//
// quarantine-probe STATE FILE STEP VISIT | quarantine-probe STATE recover
import Glibc
import Journal
import LinuxSystem
import Scanner
import SystemPackage

let arguments = CommandLine.arguments
let quarantine = try Quarantine(state: FilePath(arguments[1]))
if arguments[2] == "recover" {
    for recovered in try quarantine.recover() {
        print(recovered.id, recovered.manifest.path)
        try quarantine.confirm(recovered)
    }
    exit(0)
}
var left = Int(arguments[4])!
let step = Quarantine.Step(rawValue: arguments[3])
quarantine.before { next in
    guard next == step else { return }
    left -= 1
    if left == 0 { kill(getpid(), SIGKILL) }
}
try setAside(FilePath(arguments[2]), quarantine)

func setAside(_ path: FilePath, _ quarantine: Quarantine) throws {
    let file = try Opening.readable(Opening.start(at: path))
    let before = try FileStatus.of(file)
    let protected = try ProtectedPlaces(ValidatorFiles())
    let candidate = try QuarantineCandidate(file, before: before, path: path, protected: protected)
    let aside = try quarantine.setAside(candidate, signatures: ["Test"], target: nil, scanID: .random())
    try quarantine.confirm(aside)
}
