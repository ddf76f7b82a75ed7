import Config
import SystemPackage
import Testing

/// The files of the repository that say what the code says. `#filePath` finds the sources: these tests run where the
/// package was built.
@Suite struct PackagedTests {
    private static let repository = FilePath(#filePath).removingLastComponent().removingLastComponent()
        .removingLastComponent()

    private static func read(_ name: String) throws -> String {
        let descriptor = try FileDescriptor.open(repository.pushing(FilePath(name)), .readOnly, options: .closeOnExec)
        return try descriptor.closeAfter {
            var bytes = [UInt8](repeating: 0, count: 1 << 20)
            let count = try unsafe bytes.withUnsafeMutableBytes { try unsafe descriptor.read(into: $0) }
            return String(decoding: bytes[..<count], as: UTF8.self)
        }
    }

    @Test func thePackagedConfigurationIsTheDefault() throws {
        let loaded = try load(try Self.read("config/nodeguard.yaml"))
        #expect(loaded.settings == Configuration())
        #expect(loaded.warnings.isEmpty)
    }

    @Test func thePackagedConfigurationNamesEveryKey() throws {
        let loaded = try load(try Self.read("config/nodeguard.yaml"))
        for key in KeyDocumentation.all.map(\.key) where !key.hasPrefix("validators[]") {
            let path = key.replacing("targets[]", with: "targets[system]")
            #expect(loaded.origin(of: path) != .builtIn, "\(key) is missing in config/nodeguard.yaml")
        }
    }

    @Test func theReferenceIsUpToDate() throws {
        let marker = "<!-- printed by nodeguard config explain --markdown -->\n"
        let page = try Self.read("docs/configuration.md")
        let parts = page.split(separator: marker, maxSplits: 1)
        #expect(parts.count == 2)
        #expect(
            parts.last.map(String.init) == KeyDocumentation.markdown,
            "docs/configuration.md is out of date; it says how to renew it")
    }
}
