import CTestSupport
import Glibc
public import SystemPackage

/// How a program ended.
public enum ProgramEnd: Equatable, Sendable {
    /// It returned from main or called exit(3), with this status.
    case exited(Int32)
    /// This signal ended it.
    case signalled(Int32)
}

/// What a program left behind: how it ended and what it wrote.
public struct ProgramResult: Equatable, Sendable {
    /// How it ended.
    public let end: ProgramEnd
    /// The bytes of its standard output.
    public let stdout: [UInt8]
    /// The bytes of its standard error.
    public let stderr: [UInt8]

    /// The exit status, or nil where a signal ended the program.
    public var status: Int32? {
        if case .exited(let status) = end { status } else { nil }
    }

    /// Standard output as text; bytes that are not UTF-8 become U+FFFD.
    public var output: String { String(decoding: stdout, as: UTF8.self) }

    /// Standard error as text; bytes that are not UTF-8 become U+FFFD.
    public var errors: String { String(decoding: stderr, as: UTF8.self) }
}

/// A program that could not be started, or did not end in time.
public struct ProgramFailure: Error, CustomStringConvertible {
    /// What happened, to which program.
    public let description: String

    /// A failure; what happened, to which program.
    public init(description: String) { self.description = description }
}

/// Runs a program to its end and gives back how it ended and everything it wrote.
///
/// - Parameters:
///   - arguments: the program and its arguments. A name without a slash is looked for in this process's PATH.
///   - environment: the whole environment of the program; nil hands on the one of this process.
///   - input: the bytes on its standard input; nil: standard input is `/dev/null`.
///   - folder: its working directory; nil: the one of this process.
///   - deadline: seconds after which the program is killed and the call throws. It only keeps a hanging program
///     from hanging the tests: no test may depend on it.
///
/// The program gets no other descriptor than the standard three, no blocked signal and no ignored one.
public func runProgram(
    _ arguments: [String], environment: [String: String]? = nil, input: [UInt8]? = nil, in folder: FilePath? = nil,
    deadline: Int = 120
) throws -> ProgramResult {
    let program = try RunningProgram(arguments, environment: environment, input: input, in: folder)
    return try program.finish(deadline: deadline)
}

/// A program that was started and runs beside the test. It is killed when the last reference to it goes.
///
/// Not to be used from two threads at once.
public final class RunningProgram {
    /// Its process id; stays valid until ``finish(deadline:)`` returned.
    public let pid: Int32
    private let name: String
    private let output: FileDescriptor
    private let errors: FileDescriptor
    private var result: ProgramResult?
    private var collected: (output: [UInt8], errors: [UInt8]) = ([], [])

    /// Starts a program; see ``runProgram(_:environment:input:in:deadline:)`` for the parameters.
    public init(
        _ arguments: [String], environment: [String: String]? = nil, input: [UInt8]? = nil, in folder: FilePath? = nil
    ) throws {
        name = arguments.joined(separator: " ")
        let stdin = try standardInput(input)
        defer { try? stdin.close() }
        let (outputEnd, outputStart) = try pipe()
        defer { try? outputStart.close() }
        let (errorsEnd, errorsStart) = try pipe()
        defer { try? errorsStart.close() }
        output = outputEnd
        errors = errorsEnd
        do {
            pid = try spawn(
                arguments, environment: environment, folder: folder,
                descriptors: [stdin, outputStart, errorsStart])
        } catch {
            try? outputEnd.close()
            try? errorsEnd.close()
            throw error
        }
    }

    deinit {
        try? output.close()
        try? errors.close()
        if result == nil {
            kill(pid, SIGKILL)
            _ = waitpid(pid, nil, 0)
        }
    }

    /// Sends a signal to the program.
    public func signal(_ number: Int32) {
        if result == nil { kill(pid, number) }
    }

    /// Reads until the program's standard output contains `text`, and gives back all output until then.
    ///
    /// Throws when the output ends before, or after `deadline` seconds.
    @discardableResult
    public func waitForOutput(_ text: String, deadline: Int = 120) throws -> String {
        try read(until: { self.contains(self.collected.output, text) }, deadline: deadline)
        guard contains(collected.output, text) else { throw ended(before: text) }
        return String(decoding: collected.output, as: UTF8.self)
    }

    /// The same for standard error.
    @discardableResult
    public func waitForErrors(_ text: String, deadline: Int = 120) throws -> String {
        try read(until: { self.contains(self.collected.errors, text) }, deadline: deadline)
        guard contains(collected.errors, text) else { throw ended(before: text) }
        return String(decoding: collected.errors, as: UTF8.self)
    }

    /// Waits for the end of the program and of both its outputs.
    public func finish(deadline: Int = 120) throws -> ProgramResult {
        if let result { return result }
        try read(until: { false }, deadline: deadline)
        var status: Int32 = 0
        // Both outputs are at their end: only a program that closed them and goes on could be waited for here.
        while unsafe waitpid(pid, &status, 0) < 0 {
            guard errno == EINTR else {
                throw ProgramFailure(description: "waitpid for \(name): \(Errno(rawValue: errno))")
            }
        }
        // The macros WIFEXITED and so on of <sys/wait.h>, which Swift cannot import.
        let signal = status & 0x7f
        let ended = ProgramResult(
            end: signal == 0 ? .exited((status >> 8) & 0xff) : .signalled(signal),
            stdout: collected.output, stderr: collected.errors)
        result = ended
        return ended
    }

    private func ended(before text: String) -> ProgramFailure {
        ProgramFailure(
            description: "\(name) ended its output without \"\(text)\"; it wrote: "
                + String(decoding: collected.output + collected.errors, as: UTF8.self))
    }

    private func contains(_ bytes: [UInt8], _ text: String) -> Bool {
        let wanted = Array(text.utf8)
        guard bytes.count >= wanted.count else { return false }
        return (0...bytes.count - wanted.count).contains { bytes[$0...].starts(with: wanted) }
    }

    /// Reads both outputs as they come, until `done` or until both are at their end.
    private func read(until done: () -> Bool, deadline: Int) throws {
        let end = ContinuousClock.now.advanced(by: .seconds(deadline))
        var open = [output, errors]
        var buffer = [UInt8](repeating: 0, count: 65536)
        while !open.isEmpty && !done() {
            let left = ContinuousClock.now.duration(to: end).components.seconds
            var watched = open.map { pollfd(fd: $0.rawValue, events: Int16(POLLIN), revents: 0) }
            let ready = unsafe poll(&watched, nfds_t(watched.count), Int32(max(0, left)) * 1000)
            if ready < 0 && errno == EINTR { continue }
            guard ready > 0 else {
                kill(pid, SIGKILL)
                throw ProgramFailure(
                    description: "\(name) did not end within \(deadline) s and was killed; it wrote: "
                        + String(decoding: collected.output + collected.errors, as: UTF8.self))
            }
            for one in watched where one.revents != 0 {
                let descriptor = FileDescriptor(rawValue: one.fd)
                let count = try unsafe buffer.withUnsafeMutableBytes { try unsafe descriptor.read(into: $0) }
                if count == 0 {
                    open.removeAll { $0 == descriptor }
                } else if descriptor == output {
                    collected.output += buffer[..<count]
                } else {
                    collected.errors += buffer[..<count]
                }
            }
        }
    }
}

/// The path of a program that this package builds (`nodeguard`, `nodeguard-engine`): it lies beside the test bundle.
public func builtProgram(_ name: String) throws -> String {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let length = unsafe buffer.withUnsafeMutableBytes {
        unsafe readlink("/proc/self/exe", $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
    }
    guard length > 0 else { throw ProgramFailure(description: "readlink /proc/self/exe: \(Errno(rawValue: errno))") }
    let bundle = FilePath(String(decoding: buffer[..<length], as: UTF8.self))
    let program = bundle.removingLastComponent().appending(name)
    guard unsafe program.withPlatformString({ unsafe access($0, X_OK) }) == 0 else {
        throw ProgramFailure(
            description: "\(program) is not there: add it to the dependencies of the test target in Package.swift")
    }
    return program.string
}

/// An unlinked file with the input in it: unlike a pipe it never blocks, and never raises SIGPIPE.
private func standardInput(_ input: [UInt8]?) throws -> FileDescriptor {
    guard let input else { return try unsafe FileDescriptor.open("/dev/null", .readOnly, options: .closeOnExec) }
    let descriptor = FileDescriptor(rawValue: unsafe memfd_create("standard input", nodeguard_MFD_CLOEXEC))
    guard descriptor.rawValue >= 0 else { throw ProgramFailure(description: "memfd_create: \(Errno(rawValue: errno))") }
    try descriptor.writeAll(input)
    try descriptor.seek(offset: 0, from: .start)
    return descriptor
}

/// A pipe that no other program started at the same moment inherits: (end to read, end to write).
private func pipe() throws -> (FileDescriptor, FileDescriptor) {
    var ends: [Int32] = [-1, -1]
    guard unsafe pipe2(&ends, O_CLOEXEC) == 0 else {
        throw ProgramFailure(description: "pipe2: \(Errno(rawValue: errno))")
    }
    return (FileDescriptor(rawValue: ends[0]), FileDescriptor(rawValue: ends[1]))
}

/// posix_spawn(3) with the given descriptors as standard input, output and error.
private func spawn(
    _ arguments: [String], environment: [String: String]?, folder: FilePath?, descriptors: [FileDescriptor]
) throws -> pid_t {
    guard let program = arguments.first else { throw ProgramFailure(description: "no program to run") }

    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    // Descriptors 0, 1 and 2 of this process are open, so none of the given ones is overwritten before its turn.
    for (number, descriptor) in descriptors.enumerated() {
        unsafe posix_spawn_file_actions_adddup2(&actions, descriptor.rawValue, Int32(number))
    }
    unsafe posix_spawn_file_actions_addclosefrom_np(&actions, 3)
    if let folder {
        _ = unsafe folder.withPlatformString { unsafe posix_spawn_file_actions_addchdir_np(&actions, $0) }
    }

    var attributes = posix_spawnattr_t()
    unsafe posix_spawnattr_init(&attributes)
    defer { unsafe posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    unsafe sigemptyset(&none)
    var all = sigset_t()
    unsafe sigfillset(&all)
    unsafe posix_spawnattr_setsigmask(&attributes, &none)
    unsafe posix_spawnattr_setsigdefault(&attributes, &all)
    unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

    let variables = environment.map { $0.map { "\($0.key)=\($0.value)" }.sorted() }
    var pid: pid_t = 0
    let failure = unsafe withCStrings(arguments) { argv in
        if let variables {
            unsafe withCStrings(variables) { unsafe posix_spawnp(&pid, program, &actions, &attributes, argv, $0) }
        } else {
            unsafe posix_spawnp(&pid, program, &actions, &attributes, argv, environ)
        }
    }
    guard failure == 0 else {
        throw ProgramFailure(description: "cannot start \(program): \(Errno(rawValue: failure))")
    }
    return pid
}

/// Calls `body` with a C array of C strings that ends with NULL.
private func withCStrings<Result>(
    _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) throws -> Result
) rethrows -> Result {
    var pointers = unsafe strings.map { unsafe strdup($0) } + [nil]
    defer { unsafe pointers.forEach { unsafe free($0) } }
    return try unsafe pointers.withUnsafeMutableBufferPointer { try unsafe body($0.baseAddress!) }
}
