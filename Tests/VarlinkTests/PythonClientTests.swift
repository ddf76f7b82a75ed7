import SystemPackage
import TestSupport
import Testing

/// Where scripts/setup puts Tests/python-packages.
private let packages = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
    .appending("build/python")

/// The server as another implementation of Varlink sees it: the package `varlink` of PyPI.
@Suite(.enabled(if: exists(packages.appending("varlink")), "scripts/setup test fetches the Python package varlink"))
struct PythonClientTests {
    private let probe: Probe

    init() throws {
        probe = try Probe()
    }

    @Test func itTellsOfItself() throws {
        let info = try varlink("info", "unix:\(probe.path)")
        #expect(info.status == 0, "\(info.errors)")
        for part in ["nodeguard", "varlink-probe", "https://example.org/", "org.varlink.service", "org.example.probe"] {
            #expect(info.output.contains(part), "\(part) is not in \(info.output)")
        }
    }

    @Test(arguments: ["org.example.probe", "org.varlink.service"])
    func itsDescriptionsAreUnderstood(interface: String) throws {
        let help = try varlink("help", "unix:\(probe.path)/\(interface)")
        #expect(help.status == 0, "\(help.errors)")
        #expect(help.output.contains("interface \(interface)"))
        #expect(help.output.contains("method "))
    }

    @Test func aCallHasItsReply() throws {
        let call = try varlink("call", "unix:\(probe.path)/org.example.probe.Echo", #"{"text": "grün \u0000 \"x\""}"#)
        #expect(call.status == 0, "\(call.errors)")
        #expect(
            call.output.contains(#"grün \u0000 \"x\""#) || call.output.contains(#"gr\u00fcn \u0000 \"x\""#),
            "\(call.output)")
    }

    @Test func moreRepliesCome() throws {
        let call = try varlink("call", "--more", "unix:\(probe.path)/org.example.probe.Count", #"{"until": 3}"#)
        #expect(call.status == 0, "\(call.errors)")
        let numbers = call.output.split(separator: "\n").filter { $0.contains("number") }
        #expect(numbers.map { $0.filter(\.isNumber) } == ["1", "2", "3"], "\(call.output)")
    }

    @Test func errorsAreTold() throws {
        let wrong = try varlink("call", "unix:\(probe.path)/org.example.probe.Fail", #"{"how": "error"}"#)
        #expect((wrong.output + wrong.errors).contains("org.example.probe.Failed"))
        let none = try varlink("help", "unix:\(probe.path)/org.example.none")
        #expect((none.output + none.errors).contains("InterfaceNotFound"), "\(none)")
    }

    private func varlink(_ arguments: String...) throws -> ProgramResult {
        try runProgram(
            ["/usr/bin/python3", "-m", "varlink.cli"] + arguments,
            environment: ["PYTHONPATH": packages.string, "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"])
    }
}

private func exists(_ path: FilePath) -> Bool {
    (try? FileDescriptor.open(path, .readOnly, options: .closeOnExec).close()) != nil
}
