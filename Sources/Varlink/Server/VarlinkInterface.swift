/// A method, and what the program does when it is called.
public struct VarlinkMethod {
    let name: String
    let handler: (VarlinkCall) throws(VarlinkError) -> Void

    /// A method of this name, without that of its interface.
    ///
    /// - Parameter handler: answers the call, or keeps it to answer later; what it throws is the answer. It runs inside
    ///   of ``VarlinkServer/handle(_:)`` and must not block.
    public init(_ name: String, handler: @escaping (VarlinkCall) throws(VarlinkError) -> Void) {
        self.name = name
        self.handler = handler
    }
}

/// An interface: its description in the language of Varlink, which clients are given, and its methods.
public struct VarlinkInterface {
    /// Its name, from the description.
    public let name: String
    let description: String
    /// Each method's handler, and the names of the parameters that its description has.
    let methods: [String: (parameters: Set<String>, handler: (VarlinkCall) throws(VarlinkError) -> Void)]

    /// An interface of this description.
    ///
    /// - Throws: ``VarlinkDescriptionError`` where the text is not such a description, or its methods are not those given.
    public init(description: String, methods: [VarlinkMethod]) throws(VarlinkDescriptionError) {
        let described = try InterfaceDescription(description)
        name = described.name
        self.description = description
        var found: [String: (parameters: Set<String>, handler: (VarlinkCall) throws(VarlinkError) -> Void)] = [:]
        for method in methods {
            guard let parameters = described.methods[method.name] else {
                throw VarlinkDescriptionError(
                    description: "the interface \(described.name) has a method \(method.name) that is not described")
            }
            guard found.updateValue((parameters, method.handler), forKey: method.name) == nil else {
                throw VarlinkDescriptionError(
                    description: "the interface \(described.name) was given two methods \(method.name)")
            }
        }
        let missing = described.methods.keys.filter { found[$0] == nil }.sorted()
        guard missing.isEmpty else {
            throw VarlinkDescriptionError(
                description: "the interface \(described.name) describes methods that are not there: "
                    + missing.joined(separator: ", "))
        }
        self.methods = found
    }
}
