import CTestSupport
import Glibc
import LinuxSystem
import Synchronization
import SystemPackage

/// The time of the clock that every process of the machine shares, in nanoseconds (CLOCK_MONOTONIC).
public func packetClock() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// Sends numbered UDP packets from a network namespace without a pause, until it is stopped. Each packet carries the
/// phase it was sent in and the time, so the receiver can tell what should have passed.
public final class PacketFlood: Sendable {
    private let state: State
    private let thread: ThreadBox

    private final class State: Sendable {
        let phase = Atomic<UInt32>(0)
        let isStopped = Atomic<Bool>(false)
        let sent = Mutex<[UInt32: Int]>([:])
        /// The phase of the last packet handed to the kernel, and how many there were in a row of that phase.
        let current = Atomic<UInt32>(.max)
        let row = Atomic<Int>(0)
    }

    private final class ThreadBox: Sendable {
        nonisolated(unsafe) let thread: BackgroundThread
        init(_ thread: BackgroundThread) { unsafe self.thread = thread }
    }

    /// Starts to send to `address` and `port` in phase 0.
    ///
    /// - Parameter gap: nanoseconds between packets; the sender yields meanwhile, and from a millisecond on it sleeps.
    public init(from namespace: NetworkNamespace, to address: String, port: UInt16, gap: UInt64 = 50_000) throws {
        let state = State()
        self.state = state
        let descriptor = try namespace.run { try udpSocket(address, port, receives: false) }
        thread = ThreadBox(
            try BackgroundThread {
                let socket = OwnedDescriptor(owning: FileDescriptor(rawValue: descriptor))
                var counts: [UInt32: Int] = [:]
                while !state.isStopped.load(ordering: .acquiring) {
                    let phase = state.phase.load(ordering: .acquiring)
                    let time = packetClock()
                    let packet: [UInt64] = [UInt64(phase), time]
                    let done = unsafe packet.withUnsafeBytes {
                        unsafe send(socket.rawValue, $0.baseAddress, $0.count, 0)
                    }
                    if done > 0 { counts[phase, default: 0] += 1 }
                    let isFirst = state.current.load(ordering: .relaxed) != phase
                    state.row.store(isFirst ? 1 : state.row.load(ordering: .relaxed) + 1, ordering: .relaxed)
                    state.current.store(phase, ordering: .releasing)
                    if gap >= 1_000_000 { usleep(UInt32(gap / 1000)) }
                    while packetClock() < time + gap { sched_yield() }
                }
                let final = counts
                state.sent.withLock { $0 = final }
            })
    }

    /// A test that fails in the middle does not stop it: the thread must end before it is waited for.
    deinit { state.isStopped.store(true, ordering: .releasing) }

    /// Changes the phase of the packets from now on, and waits until `packets` of it were sent. Everything sent in a
    /// phase before was handed to the kernel when this returns.
    public func begin(phase: UInt32, packets: Int = 1) {
        state.phase.store(phase, ordering: .releasing)
        while state.current.load(ordering: .acquiring) != phase || state.row.load(ordering: .acquiring) < packets {
            sched_yield()
        }
    }

    /// Stops, and says how many packets were sent in each phase.
    public func stop() -> [UInt32: Int] {
        state.isStopped.store(true, ordering: .releasing)
        unsafe thread.thread.join()
        return state.sent.withLock { $0 }
    }
}

/// Receives what a ``PacketFlood`` sends.
public final class PacketReceiver {
    private let socket: OwnedDescriptor

    /// One packet as it arrived.
    public struct Packet: Equatable, Sendable {
        /// The phase it was sent in.
        public let phase: UInt32
        /// When it was sent, see ``packetClock()``.
        public let sentAt: UInt64
    }

    /// Listens on a port of the namespace. Up to 64 MB of packets are kept until they are read.
    public init(in namespace: NetworkNamespace, on address: String = "0.0.0.0", port: UInt16) throws {
        let number = try namespace.run { try udpSocket(address, port, receives: true) }
        socket = OwnedDescriptor(owning: FileDescriptor(rawValue: number))
    }

    /// Everything that has arrived since the last call.
    public func packets() -> [Packet] {
        var found: [Packet] = []
        var buffer: [UInt64] = [0, 0]
        while unsafe buffer.withUnsafeMutableBytes({ unsafe recv(socket.rawValue, $0.baseAddress, $0.count, 0) }) > 0 {
            found.append(Packet(phase: UInt32(truncatingIfNeeded: buffer[0]), sentAt: buffer[1]))
        }
        return found
    }

    /// Waits until something has arrived, at most `seconds`.
    public func waitForPacket(seconds: Int32 = 30) -> Bool {
        var watched = pollfd(fd: socket.rawValue, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&watched, 1, seconds * 1000) == 1
    }
}

/// Sees every packet that arrives at an interface of a namespace.
public final class Sniffer {
    private let socket: OwnedDescriptor

    /// Starts to watch.
    public init(in namespace: NetworkNamespace, interface: String) throws {
        let number = try namespace.run {
            let descriptor = unsafe nodeguard_sniffer(interface)
            guard descriptor >= 0 else {
                throw ProgramFailure(description: "cannot sniff on \(interface): \(Errno(rawValue: errno))")
            }
            return descriptor
        }
        socket = OwnedDescriptor(owning: FileDescriptor(rawValue: number))
    }

    /// What is told of a UDP or TCP packet.
    public struct Packet: Equatable, Sendable {
        /// The port it was sent from.
        public let source: UInt16
        /// The port it was sent to.
        public let destination: UInt16
        /// UDP only: the phase that a ``PacketFlood`` gave it, or the one it is an answer to; 0 for others.
        public let phase: UInt32
    }

    /// The UDP and TCP packets that have arrived since the last call, of IPv4 and IPv6.
    public func packets() -> [Packet] {
        var found: [Packet] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let length = unsafe buffer.withUnsafeMutableBytes {
                unsafe recv(socket.rawValue, $0.baseAddress, $0.count, 0)
            }
            guard length > 0 else { return found }
            let isIPv4 = buffer[0] >> 4 == 4
            let header = isIPv4 ? Int(buffer[0] & 0xf) * 4 : 40
            let transport = isIPv4 ? buffer[9] : buffer[6]
            guard length >= header + 4, transport == 6 || transport == 17 else { continue }
            found.append(
                Packet(
                    source: UInt16(buffer[header]) << 8 | UInt16(buffer[header + 1]),
                    destination: UInt16(buffer[header + 2]) << 8 | UInt16(buffer[header + 3]),
                    phase: transport == 17 && length >= header + 12
                        ? buffer[header + 8..<header + 12].reversed().reduce(0) { $0 << 8 | UInt32($1) } : 0))
        }
    }
}

/// Work on descriptors that goes on beside the test until the last reference to it goes.
public final class Pump: Sendable {
    private final class State: Sendable {
        let isStopped = Atomic<Bool>(false)
    }
    private let state = State()
    private nonisolated(unsafe) let thread: BackgroundThread

    private init(_ descriptors: [Int32], _ move: @escaping @Sendable (Int32) -> Bool) throws {
        let state = state
        unsafe thread = try BackgroundThread {
            let owned = descriptors.map { FileDescriptor(rawValue: $0) }
            while !state.isStopped.load(ordering: .acquiring) {
                var watched = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
                // Only so often does it look whether it should end.
                _ = unsafe poll(&watched, nfds_t(watched.count), 20)
                for one in watched where one.revents & Int16(POLLIN) != 0 { while move(one.fd) {} }
            }
            for descriptor in owned { try? descriptor.close() }
        }
    }

    /// Answers every UDP packet at a port of the namespace with itself.
    public static func echo(in namespace: NetworkNamespace, port: UInt16) throws -> Pump {
        let socket = try namespace.run { try udpSocket("0.0.0.0", port, receives: true) }
        return try Pump([socket]) { nodeguard_echo($0) >= 0 }
    }

    /// Joins two tun interfaces: what one sends the other receives.
    public static func tunnel(
        _ one: NetworkNamespace, _ other: NetworkNamespace, interface: String
    ) throws -> Pump {
        let ends = (
            try one.openTunnel(interface).release().rawValue, try other.openTunnel(interface).release().rawValue
        )
        return try Pump([ends.0, ends.1]) { from in
            var packet = [UInt8](repeating: 0, count: 2048)
            let length = unsafe packet.withUnsafeMutableBytes { unsafe read(from, $0.baseAddress, $0.count) }
            guard length > 0 else { return false }
            let to = from == ends.0 ? ends.1 : ends.0
            // A full or closed other end loses the packet, as networks do.
            _ = unsafe packet.withUnsafeBytes { unsafe write(to, $0.baseAddress, length) }
            return true
        }
    }

    /// Ends it, and closes its descriptors.
    public func stop() {
        state.isStopped.store(true, ordering: .releasing)
        unsafe thread.join()
    }

    deinit { stop() }
}

private func udpSocket(_ address: String, _ port: UInt16, receives: Bool) throws -> Int32 {
    let descriptor = unsafe nodeguard_udp(address, port, receives ? 1 : 0)
    guard descriptor >= 0 else {
        throw ProgramFailure(description: "UDP socket for \(address) port \(port): \(Errno(rawValue: errno))")
    }
    return descriptor
}
