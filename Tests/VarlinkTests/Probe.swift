import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Varlink

/// A varlink-probe that runs, in a folder of its own.
final class Probe {
    let folder: TemporaryFolder
    let program: RunningProgram
    let path: FilePath

    /// - Parameter options: as the program takes them; `under` is a command that runs it.
    init(_ options: String..., under command: [String] = [], in folder: TemporaryFolder? = nil) throws {
        self.folder = try folder ?? TemporaryFolder()
        path = self.folder.path.appending("socket")
        program = try RunningProgram(command + [builtProgram("varlink-probe"), path.string] + options)
        try program.waitForOutput("ready")
    }

    func client() throws -> VarlinkClient { try VarlinkClient(connectedTo: path, within: .seconds(60)) }

    /// How many descriptors it has.
    var descriptors: Int {
        get throws { try FolderEntriesOf("/proc/\(program.pid)/fd").count }
    }

    /// The memory that it uses now, in KiB.
    var memory: Int {
        get throws {
            let status = try text(of: FilePath("/proc/\(program.pid)/status"))
            let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
            return Int(line!.split(separator: " ")[1])!
        }
    }

    /// Ends it as an agent ends.
    func stop() throws -> ProgramResult {
        program.signal(SIGTERM)
        return try program.finish()
    }
}

private func FolderEntriesOf(_ path: String) throws -> [String] {
    try runProgram(["/bin/ls", path]).output.split(separator: "\n").map(String.init)
}

func text(of file: FilePath) throws -> String {
    let descriptor = try FileDescriptor.open(file, .readOnly, options: .closeOnExec)
    return String(decoding: try descriptor.closeAfter { try readToEnd(descriptor) }, as: UTF8.self)
}

struct Text: Codable, Equatable {
    var text: String
    var times: Int?
}

struct Status: Decodable {
    let connections, steps, acceptFailures, gone, dropped, noted, held: Int
}

struct Number: Decodable { let number: Int }

/// In the unit of ``Probe/memory``.
let mebibyte = 1024

let patience = Duration.seconds(60)

extension VarlinkClient {
    func echo(_ text: String) throws -> String {
        try call("org.example.probe.Echo", Text(text: text), returning: Text.self, within: patience).text
    }

    func status() throws -> Status {
        try call("org.example.probe.Status", returning: Status.self, within: patience)
    }

    /// Asks for the status until it is as wanted.
    @discardableResult
    func waitForStatus(_ what: String, _ isWanted: (Status) -> Bool) throws -> Status {
        try waitFor(what) {
            let status = try self.status()
            return isWanted(status) ? status : nil
        }
    }
}

/// Nothing happened within the patience of the tests.
struct Silence: Error {}

/// The connection that waits.
func accepted(_ listener: borrowing StreamListener) throws -> StreamSocket {
    guard let socket = try listener.accept() else { throw Silence() }
    return socket
}

/// A client that does as a test says, whatever the protocol says.
final class RawClient {
    private let socket: StreamSocket
    private var input: [UInt8] = []
    private(set) var isClosed = false

    init(_ probe: Probe) throws {
        socket = try StreamSocket(connectedTo: probe.path, within: patience)
    }

    var descriptor: Int32 { socket.rawValue }

    /// Sends all of it; false where the server has closed the connection.
    func send(_ bytes: [UInt8]) throws -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let sent = try sendSome(rest) else { return false }
            rest = rest.dropFirst(sent)
            if sent == 0 { try wait(.writable) }
        }
        return true
    }

    /// Sends what there is room for; nil where the server has closed the connection.
    func sendSome(_ bytes: ArraySlice<UInt8>) throws -> Int? {
        do throws(Errno) {
            return try socket.send(bytes)
        } catch .brokenPipe {
            isClosed = true
            return nil
        }
    }

    func send(_ text: String) throws -> Bool { try send(Array(text.utf8) + [0]) }

    /// The next message, or nil where the server has closed the connection.
    func receive() throws -> String? {
        while true {
            if let message = try receiveSome() { return message }
            if isClosed { return nil }
            try wait(.readable)
        }
    }

    /// A message, if it is there.
    func receiveSome() throws -> String? {
        while true {
            if let end = input.firstIndex(of: 0) {
                defer { input.removeFirst(end + 1) }
                return String(decoding: input[..<end], as: UTF8.self)
            }
            switch try socket.receive(upTo: 4096) {
            case .bytes(let bytes): input += bytes
            case .nothingYet: return nil
            case .closed:
                isClosed = true
                return nil
            }
        }
    }

    /// Says that nothing more will be sent.
    func endInput() { shutdown(socket.rawValue, Int32(SHUT_WR)) }

    func wait(_ events: PollEvents) throws {
        guard try !waitForEvents([Watched(socket.rawValue, events)], until: .now.advanced(by: patience)).isEmpty else {
            throw Silence()
        }
    }
}

let echo = #"{"method":"org.example.probe.Echo","parameters":{"text":"hello"}}"#
let echoed = #"{"parameters":{"text":"hello"}}"#
let flood = #"{"method":"org.example.probe.Flood","more":true}"#
let hold = #"{"method":"org.example.probe.Hold"}"#

/// That many messages of this text.
func repeated(_ text: String, _ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    for _ in 0..<count {
        bytes += text.utf8
        bytes.append(0)
    }
    return bytes
}
