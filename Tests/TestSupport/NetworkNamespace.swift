import CTestSupport
import Glibc
public import LinuxSystem
import SystemPackage

/// A network namespace of the test's own, gone when the last reference to it is. Needs root.
///
/// Nothing a test does in it touches the machine's network or another test's.
public final class NetworkNamespace: Sendable {
    /// Its name, for `ip netns` and `ip link set … netns`.
    public let name: String

    /// A new one, with its loopback up and nothing else in it.
    public init() throws {
        name = "nodeguard-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try Self.command(["ip", "netns", "add", name])
        try shell("ip link set lo up")
    }

    deinit {
        _ = try? runProgram(["ip", "netns", "delete", name])
    }

    /// Runs shell commands in it, and throws at the first that fails.
    @discardableResult
    public func shell(_ script: String) throws -> String {
        try Self.command(["ip", "netns", "exec", name, "sh", "-euc", script])
    }

    /// Runs `body` on a thread that has entered the namespace, and waits for it.
    public func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) throws -> Result {
        let path = FilePath("/run/netns/\(name)")
        return try onThread {
            let namespace = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
            defer { try? namespace.close() }
            guard setns(namespace.rawValue, nodeguard_CLONE_NEWNET) == 0 else {
                throw ProgramFailure(description: "cannot enter \(path): \(Errno(rawValue: errno))")
            }
            return try body()
        }
    }

    /// A tun interface in it, with a carrier for as long as the descriptor is open; gone when that is closed.
    public func openTunnel(_ name: String) throws -> OwnedDescriptor {
        let number = try run {
            let descriptor = unsafe nodeguard_open_tun(name)
            guard descriptor >= 0 else {
                throw ProgramFailure(description: "cannot make tun interface \(name): \(Errno(rawValue: errno))")
            }
            return descriptor
        }
        return OwnedDescriptor(owning: FileDescriptor(rawValue: number))
    }

    @discardableResult
    private static func command(_ arguments: [String]) throws -> String {
        let result = try runProgram(arguments)
        guard result.status == 0 else {
            throw ProgramFailure(
                description: "\(arguments.joined(separator: " ")) ended with \(result.end): \(result.errors)")
        }
        return result.output
    }
}

/// Runs `body` on a thread of its own and waits for it: what it does to its thread ends with it.
public func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws -> Value {
    let errand = Errand(body)
    let running = try BackgroundThread { errand.run() }
    running.join()
    return try errand.result!.get()
}

/// A thread that runs beside the test until its body returns.
public final class BackgroundThread {
    private let thread: pthread_t
    private var isJoined = false

    /// Starts it.
    public init(_ body: @escaping @Sendable () -> Void) throws {
        let start = ThreadStart(body)
        var thread = pthread_t()
        let failure = unsafe pthread_create(
            &thread, nil,
            { argument in
                unsafe Unmanaged<ThreadStart>.fromOpaque(argument!).takeRetainedValue().body()
                return nil
            }, Unmanaged.passRetained(start).toOpaque())
        guard failure == 0 else { throw ProgramFailure(description: "pthread_create: \(Errno(rawValue: failure))") }
        self.thread = thread
    }

    /// Waits until its body has returned.
    public func join() {
        if !isJoined { pthread_join(thread, nil) }
        isJoined = true
    }

    deinit {
        join()
    }
}

private final class ThreadStart: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

/// Written by one thread, read by another after it has joined the first.
private final class Errand<Value: Sendable>: @unchecked Sendable {
    private let body: @Sendable () throws -> Value
    var result: Result<Value, any Error>?
    init(_ body: @escaping @Sendable () throws -> Value) { self.body = body }
    func run() { result = Result { try body() } }
}
