// faulty-engine: the engine as it is shipped, with faults put into its workers. For the tests, never shipped.
//
// What a worker does is written at the end of the file that it looks at: "nodeguard-fates NUMBER FATE FATE…", a number of
// the file's own and what happens at the first look, the second, and so on; nothing happens where the list is over.
// "attempt-X" tries to do X and tells as its verdict what came of it, see Tests/CTestSupport/attempts.h.
import CLinux
import CTestSupport
import Engine
import EngineProtocol
import Glibc
import SystemPackage

let fates = Fates()

exit(
    EngineProgram.run { file, look in
        guard let fate = fates.next(of: file) else { return look() }
        switch fate {
        case "none": return look()
        case "segv": nodeguard_crash()
        case "kill": raise(SIGKILL)
        case "call": _ = unsafe nodeguard_attempt("socket")
        case "loop": while true {}
        case "sleep": sleep(100_000)
        case "memory": nodeguard_take_all_memory()
        case "nonsense":
            let nonsense = [UInt8](repeating: 0xa5, count: 1000)
            for _ in 0..<8 { _ = unsafe nodeguard_send(3, nonsense, nonsense.count, -1, Int32(MSG_DONTWAIT)) }
            // It is ended for it. Until then it takes no other file, whose look would be lost.
            sleep(100_000)
        case "torrent":
            let line = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
            for number in Int32(0)...2 { for _ in 0..<16 { _ = unsafe write(number, line, line.count) } }
        case "scratch": _ = nodeguard_fill_folder()
        default:
            let name = String(fate.dropFirst("attempt-".count))
            let error = unsafe nodeguard_attempt(name)
            if error == 0 { return .infected(first: "Attempt.Worked.\(name)") }
            return .incomplete(.engineError, "\(name): \(Errno(rawValue: error))")
        }
        return look()
    })
