/// An error that a call is answered with: a name, of an interface, and parameters.
public struct VarlinkError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The whole name, for example `org.varlink.service.MethodNotFound`.
    public let name: String
    /// The reply with it, as JSON.
    let message: [UInt8]

    /// An error of this name. Parameters that JSON has no form for, as a number that is none, are left out.
    public init(_ name: String, parameters: some Encodable = NoParameters()) {
        self.name = name
        let reply = try? encode(OutgoingReply(error: name, parameters: parameters))
        message = reply ?? (try? encode(OutgoingReply(error: name, parameters: NoParameters()))) ?? []
    }

    /// An error that came as this reply.
    init(name: String, message: [UInt8]) {
        self.name = name
        self.message = message
    }

    /// The parameters; nil where they are not of this type.
    public func parameters<Parameters: Decodable>(as type: Parameters.Type) -> Parameters? {
        try? decode(ParametersOf<Parameters>.self, from: message).parameters
    }

    /// The name, and the parameters that are text: `org.varlink.service.InvalidParameter (parameter: path)`.
    ///
    /// Whoever sent it chose both: to be escaped before it is printed.
    public var description: String {
        let texts = parameters(as: [String: TextOrNot].self)?.compactMapValues(\.text).sorted { $0.key < $1.key } ?? []
        return texts.isEmpty ? name : "\(name) (\(texts.map { "\($0.key): \($0.value)" }.joined(separator: ", ")))"
    }
}

private struct TextOrNot: Decodable {
    let text: String?

    init(from decoder: any Decoder) throws {
        text = try? decoder.singleValueContainer().decode(String.self)
    }
}

/// The errors of the interface `org.varlink.service`, and those that this server ends connections with.
extension VarlinkError {
    /// There is no such interface.
    public static func interfaceNotFound(_ interface: String) -> VarlinkError {
        VarlinkError("org.varlink.service.InterfaceNotFound", parameters: ["interface": interface])
    }

    /// The interface has no such method.
    public static func methodNotFound(_ method: String) -> VarlinkError {
        VarlinkError("org.varlink.service.MethodNotFound", parameters: ["method": method])
    }

    /// The interface has the method, and this service does not.
    public static func methodNotImplemented(_ method: String) -> VarlinkError {
        VarlinkError("org.varlink.service.MethodNotImplemented", parameters: ["method": method])
    }

    /// A parameter is unknown, missing, or of the wrong type or value.
    public static func invalidParameter(_ parameter: String) -> VarlinkError {
        VarlinkError("org.varlink.service.InvalidParameter", parameters: ["parameter": parameter])
    }

    /// Whoever called may not.
    public static let permissionDenied = VarlinkError("org.varlink.service.PermissionDenied")

    /// The method may only be called with `more`.
    public static let expectedMore = VarlinkError("org.varlink.service.ExpectedMore")

    /// There are as many connections as there may be. The connection is closed.
    public static let tooManyConnections = VarlinkError("io.nodeguard.TooManyConnections")

    /// The reply can't be sent: it is too long, or JSON has no form for it.
    public static func cannotReply(_ reason: String) -> VarlinkError {
        VarlinkError("io.nodeguard.CannotReply", parameters: ["reason": reason])
    }
}
