/// What `org.varlink.service.GetInfo` tells of a service.
public struct VarlinkService: Sendable {
    /// Who makes it.
    public let vendor: String
    /// Its name.
    public let product: String
    /// Its version.
    public let version: String
    /// Where it is at home.
    public let url: String

    /// A service with these.
    public init(vendor: String, product: String, version: String, url: String) {
        self.vendor = vendor
        self.product = product
        self.version = version
        self.url = url
    }

    /// The interface that every service has.
    func interface(beside others: [VarlinkInterface]) throws(VarlinkDescriptionError) -> VarlinkInterface {
        let info = Info(
            vendor: vendor, product: product, version: version, url: url,
            interfaces: (["org.varlink.service"] + others.map(\.name)).sorted())
        var texts = Dictionary(others.map { ($0.name, $0.description) }) { first, _ in first }
        texts["org.varlink.service"] = Self.description
        return try VarlinkInterface(
            description: Self.description,
            methods: [
                VarlinkMethod("GetInfo") { $0.reply(info) },
                VarlinkMethod("GetInterfaceDescription") { [texts] call throws(VarlinkError) in
                    let interface = try call.parameters(as: Wanted.self).interface
                    guard let text = texts[interface] else { throw .interfaceNotFound(interface) }
                    call.reply(["description": text])
                },
            ])
    }

    private struct Info: Encodable {
        let vendor, product, version, url: String
        let interfaces: [String]
    }

    private struct Wanted: Decodable {
        let interface: String
    }

    private static let description = """
        # The Varlink Service Interface is provided by every varlink service. It
        # describes the service and the interfaces it implements.
        interface org.varlink.service

        # Get a list of all the interfaces a service provides and information
        # about the implementation.
        method GetInfo() -> (
          vendor: string,
          product: string,
          version: string,
          url: string,
          interfaces: []string
        )

        # Get the description of an interface that is implemented by this service.
        method GetInterfaceDescription(interface: string) -> (description: string)

        # The requested interface was not found.
        error InterfaceNotFound (interface: string)

        # The requested method was not found
        error MethodNotFound (method: string)

        # The interface defines the requested method, but the service does not
        # implement it.
        error MethodNotImplemented (method: string)

        # One of the passed parameters is invalid.
        error InvalidParameter (parameter: string)

        # Client is denied access
        error PermissionDenied ()

        # Method is expected to be called with 'more' set to true, but wasn't
        error ExpectedMore ()

        """
}
