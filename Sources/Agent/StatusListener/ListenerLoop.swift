internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// What the status listener does once it is confined: hears the agent, answers clients, until the agent is gone.
struct ListenerLoop: ~Copyable {
    /// Connections at once. One that has its request with it is answered and gone at once, so only slow ones count.
    static let mostConnections = 64
    /// Where all are taken and others wait, the oldest makes room after so long.
    private static let shortestStay = Duration.milliseconds(250)
    /// Connections taken between two looks at the pipe.
    private static let mostAtOnce = 64

    private let pipe: FileDescriptor
    private let listener: StreamListener
    private var ear = StatusEar()
    /// In the order in which they came.
    private var connections: [ListenerConnection] = []
    /// When connections are taken again.
    private var nextTaking = ContinuousClock.now

    init(pipe: FileDescriptor, listener: consuming StreamListener) {
        self.pipe = pipe
        self.listener = listener
    }

    /// Returns when the agent is gone.
    mutating func run() throws(SystemCallError) {
        while true {
            let takes = .now >= nextTaking
            var watched = [Watched(pipe.rawValue)] + connections.map(\.watched)
            if takes { watched.append(Watched(listener.rawValue)) }
            // What the agent says needs no clock; a slow client does.
            let moments = connections.map(\.deadline) + (takes ? [] : [nextTaking])
            let came = Set(try waitForEvents(watched, until: moments.min()).map(\.descriptor))
            if came.contains(pipe.rawValue), !hear() { return }
            let now = ContinuousClock.now
            let ear = ear
            connections.removeAll { connection in
                guard now >= connection.deadline || came.contains(connection.watched.descriptor) else { return false }
                return connection.advance(at: now) { ear.shutBecause(at: monotonicNanoseconds()) }
            }
            if came.contains(listener.rawValue) { take() }
        }
    }

    /// Hears everything that was said; false where nobody is left to say anything.
    private mutating func hear() -> Bool {
        while true {
            do throws(Errno) {
                let bytes = try readSome(pipe)
                if bytes.isEmpty { return false }
                ear.hear(bytes)
            } catch {
                return error == .resourceTemporarilyUnavailable || error == .interrupted
            }
        }
    }

    private mutating func take() {
        for _ in 0..<Self.mostAtOnce {
            let now = ContinuousClock.now
            if connections.count >= Self.mostConnections, let oldest = connections.first {
                nextTaking = oldest.began.advanced(by: Self.shortestStay)
                guard now >= nextTaking else { return }
            }
            do throws(Errno) {
                guard let socket = try listener.accept() else { return }
                // Who comes makes the room, not who might.
                if connections.count >= Self.mostConnections { connections.removeFirst() }
                let connection = ListenerConnection(socket, at: now)
                let ear = ear
                if !connection.advance(at: now, shutBecause: { ear.shutBecause(at: monotonicNanoseconds()) }) {
                    connections.append(connection)
                }
            } catch {
                // For want of memory, for example. It still waits, and would be refused again at once.
                nextTaking = now.advanced(by: Self.shortestStay)
                return
            }
        }
    }
}
