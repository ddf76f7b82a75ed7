// varlink-probe: a Varlink server for the tests, never shipped. One thread around poll(2), as the agent is.
//   varlink-probe PATH [NAME=NUMBER]...
// The names are those of limits (times in milliseconds), and `allowed`, a user who may call besides root.
// It prints `ready`, and ends with SIGTERM.
import Glibc
import LinuxSystem
import SystemPackage
import Varlink

let description = """
    # What the tests call.
    interface org.example.probe

    # Who called: the process, its user and group.
    type Caller (pid: int, uid: int, gid: int)

    # Gives back the text, as often as is wanted.
    method Echo(text: string, times: ?int) -> (text: string)
    method WhoAmI() -> (caller: Caller)
    # Counts from 1. With `more` each number is a reply; without, only the last is.
    method Count(until: int) -> (number: int)
    # Has its answer when somebody calls Release.
    method Hold() -> (released: bool)
    method Release() -> (held: int)
    # Sends numbers for ever; those that are missing were dropped. Who reads nothing has `patience` milliseconds.
    method Flood(patience: ?int) -> (number: int)
    # Goes wrong.
    method Fail(how: (error, forgotten, endless, long, longError)) -> (number: float)
    # Is counted, for oneway calls.
    method Note() -> ()
    method Status() -> (
      connections: int, steps: int, acceptFailures: int,
      gone: int, dropped: int, noted: int, held: int
    )

    error Failed (reason: string)

    """

struct Echo: Codable {
    let text: String
    var times: Int?
}

struct Caller: Encodable {
    struct Person: Encodable {
        let pid: Int32
        let uid, gid: UInt32
    }
    let caller: Person
}

struct Patience: Decodable { var patience: Int? }
struct Until: Decodable { let until: Int }
struct Number<Value: Encodable>: Encodable { let number: Value }
struct How: Decodable {
    enum Kind: String, Decodable { case error, forgotten, endless, long, longError }
    let how: Kind
}

final class Program {
    var status = ["steps": 0, "gone": 0, "dropped": 0, "noted": 0]
    var held: [VarlinkCall] = []
    weak var server: VarlinkServer?

    var methods: [VarlinkMethod] {
        [
            VarlinkMethod("Echo") { call throws(VarlinkError) in
                let echo = try call.parameters(as: Echo.self)
                guard (0...1 << 22).contains(echo.times ?? 1) else { throw .invalidParameter("times") }
                call.reply(["text": String(repeating: echo.text, count: echo.times ?? 1)])
            },
            VarlinkMethod("WhoAmI") { call in
                call.reply(Caller(caller: .init(pid: call.peer.pid, uid: call.peer.uid, gid: call.peer.gid)))
            },
            VarlinkMethod("Count") { call throws(VarlinkError) in
                let until = try call.parameters(as: Until.self).until
                guard (1...10000).contains(until) else { throw .invalidParameter("until") }
                for number in 1..<until { _ = call.send(["number": number]) }
                call.reply(["number": until])
            },
            VarlinkMethod("Hold") { [unowned self] call in
                held.append(call)
                call.onGone = { [unowned self, unowned call] in
                    status["gone"]! += 1
                    held.removeAll { $0 === call }
                }
            },
            VarlinkMethod("Release") { [unowned self] call in
                let all = held
                held = []
                for call in all { call.reply(["released": true]) }
                call.reply(["held": all.count])
            },
            VarlinkMethod("Flood") { [unowned self] call throws(VarlinkError) in
                guard call.wantsMore else { throw .expectedMore }
                let patience = try call.parameters(as: Patience.self).patience
                if let patience { call.stalled = .milliseconds(patience) }
                flood(call)
            },
            VarlinkMethod("Fail") { call throws(VarlinkError) in
                switch try call.parameters(as: How.self).how {
                case .error:
                    throw VarlinkError("org.example.probe.Failed", parameters: ["reason": "as \"wanted\"\u{1b}[1m"])
                case .forgotten: break
                case .endless: call.reply(Number(number: Double.infinity))
                case .long: call.reply(["text": String(repeating: "x", count: 2 << 20)])
                case .longError:
                    throw VarlinkError(
                        "org.example.probe.Failed", parameters: ["reason": String(repeating: "x", count: 2 << 20)])
                }
            },
            VarlinkMethod("Note") { [unowned self] call in
                status["noted"]! += 1
                call.reply()
            },
            VarlinkMethod("Status") { [unowned self] call in
                var all = status
                all["connections"] = server?.connectionCount
                all["acceptFailures"] = server?.acceptFailures
                all["held"] = held.count
                call.reply(all)
            },
        ]
    }

    private func flood(_ call: VarlinkCall) {
        var number = 0
        // Held by the call's own closures until the client has gone.
        let goOn = { [unowned self] in
            repeat { number += 1 } while call.send(["number": number]) == .sent
            status["dropped"]! += 1
        }
        call.onRoom = goOn
        call.onGone = { [unowned self] in status["gone"]! += 1 }
        goOn()
    }
}

func run() throws {
    var limits = VarlinkLimits()
    var allowed: Set<UInt32> = [0, geteuid()]
    for argument in CommandLine.arguments.dropFirst(2) {
        let parts = argument.split(separator: "=")
        guard parts.count == 2, let number = Int(parts[1]) else { throw Errno.invalidArgument }
        switch parts[0] {
        case "connections": limits.connections = number
        case "connectionsForRoot": limits.connectionsForRoot = number
        case "idle": limits.idle = .milliseconds(number)
        case "halfMessage": limits.halfMessage = .milliseconds(number)
        case "stalled": limits.stalled = .milliseconds(number)
        case "allowed": allowed.insert(UInt32(number))
        default: throw Errno.invalidArgument
        }
    }
    let signals = try SignalDescriptor([SIGTERM])
    let program = Program()
    let server = try VarlinkServer(
        VarlinkService(vendor: "nodeguard", product: "varlink-probe", version: "1", url: "https://example.org/"),
        interfaces: [VarlinkInterface(description: description, methods: program.methods)],
        at: StreamListener(at: FilePath(CommandLine.arguments[1])), allowed: allowed, limits: limits)
    program.server = server
    _ = try FileDescriptor.standardOutput.writeAll("ready\n".utf8)
    while true {
        let ready = try waitForEvents(server.watched + [Watched(signals.rawValue)], until: server.nextDeadline)
        program.status["steps"]! += 1
        if ready.contains(where: { $0.descriptor == signals.rawValue }) { return }
        server.handle(ready)
    }
}

do {
    try run()
} catch {
    _ = try FileDescriptor.standardError.writeAll("varlink-probe: \(error)\n".utf8)
    exit(1)
}
