public import LinuxSystem
internal import SystemPackage

/// Why a call had no reply.
public enum VarlinkClientError: Error, Equatable, Sendable, CustomStringConvertible {
    /// There is no socket at this path.
    case noSocket(String)
    /// There is a socket, and nobody listens at it.
    case nobodyListens(String)
    /// This process may not connect to it.
    case notPermitted(String)
    /// Nothing came in time; what was waited for.
    case timedOut(String)
    /// The connection ended, or what came is not Varlink; what happened. The connection is of no further use.
    case broken(String)
    /// The service answered with an error. It may be called again.
    case refused(VarlinkError)
    /// A system call failed otherwise.
    case system(SystemCallError)

    /// One sentence. Paths and what the service said are escaped for a terminal.
    public var description: String {
        switch self {
        case .noSocket(let path): "there is no socket \(path)"
        case .nobodyListens(let path): "nobody listens at the socket \(path)"
        case .notPermitted(let path): "this user may not connect to the socket \(path)"
        case .timedOut(let what): "\(what): there was no answer in time"
        case .broken(let what): what
        case .refused(let error): printable(error.description.utf8)
        case .system(let error): error.description
        }
    }

    init(connecting error: SystemCallError, to path: String) {
        switch error.errno {
        case .noSuchFileOrDirectory, .notDirectory: self = .noSocket(path)
        case .connectionRefused: self = .nobodyListens(path)
        case .permissionDenied, .notPermitted: self = .notPermitted(path)
        case .resourceTemporarilyUnavailable: self = .timedOut("connecting to \(path)")
        default: self = .system(error)
        }
    }
}
