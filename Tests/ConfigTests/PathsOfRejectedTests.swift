import Config
import SystemPackage
import TestSupport
import Testing

@Suite("where a wrong configuration has its folders")
struct PathsOfRejectedTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func named(_ text: String, _ fragments: [String: String] = [:]) throws -> NamedPaths? {
        let main = try folder.write("nodeguard.yaml", text)
        for (name, text) in fragments { try folder.write("conf.d/\(name)", text) }
        return pathsOfRejectedConfiguration(at: main)
    }

    @Test(arguments: [
        "journl: {}\npaths: { state: /srv/s, runtime: /srv/r }\n",
        "scan: [\npaths: { state: /srv/s, runtime: /srv/r }\n",
        "paths:\n  # Here.\n  state: \"/srv/s\"\n\n  runtime: /srv/r\nscan:\n\tworkers: 1\n",
        "scan: { workers: nine }\r\npaths:\r\n  state: /srv/s\r\n  runtime: /srv/r\r\nscan: [\r\n",
    ])
    func `they are read whatever else is wrong`(text: String) throws {
        let named = try #require(try named(text))
        #expect(named.paths.state.text == "/srv/s" && named.paths.runtime.text == "/srv/r" && named.namesState)
    }

    @Test func `a later file says where, as in a configuration that is right`() throws {
        let named = try named(
            "paths: { state: /srv/s }\n", ["10.yaml": "paths: { state: /srv/t }\n", "20.yaml": "scan: ["])
        #expect(named?.paths.state.text == "/srv/t")
        #expect(named?.paths.runtime.text == "/run/nodeguard")
    }

    @Test(arguments: ["scan: [\n", "journl: {}\n", "paths:\n", "paths: { runtime: /srv/r }\n"])
    func `what is not named is told to be not named`(text: String) throws {
        let named = try #require(try named(text))
        #expect(!named.namesState)
        #expect(named.knowsRuntime == !text.hasPrefix("scan: ["))
    }

    @Test(arguments: [
        "paths: { state: srv/s }\n", "paths: { stat: /srv/s }\n", "paths: { state: /srv/s\n", "paths: /srv/s\n",
        "scan: [\npaths: { state: /srv/s }\npaths: { state: /srv/t }\n",
    ])
    func `nothing is guessed`(text: String) throws {
        #expect(try named(text) == nil)
    }

    @Test func `a file that is not there says nothing`() throws {
        #expect(pathsOfRejectedConfiguration(at: folder.path.appending("none.yaml")) == nil)
    }
}
