import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

/// The socket of a server: who can reach it, and what becomes of it.
struct ListenerTests {
    private let folder: TemporaryFolder
    private let path: FilePath

    init() throws {
        folder = try TemporaryFolder()
        path = folder.path.appending("socket")
    }

    @Test func onlyItsUserReachesItAndItIsGoneAtTheEnd() throws {
        do {
            let listener = try StreamListener(at: path)
            #expect(try mode(path) == "140600 s")
            #expect(listener.rawValue >= 0)
        }
        #expect(!exists(path))
    }

    @Test func aSocketThatNobodyListensToIsReplaced() throws {
        let first = try Probe(in: folder)
        first.program.signal(SIGKILL)
        _ = try first.program.finish()
        #expect(exists(path))
        let second = try Probe(in: folder)
        #expect(try second.client().echo("here") == "here")
        #expect(try second.stop().status == 0)
        #expect(!exists(path))
    }

    @Test func aSocketThatSomebodyListensToIsLeftAlone() throws {
        let listener = try StreamListener(at: path)
        #expect(problem() == .addressInUse)
        #expect(try StreamSocket(connectedTo: path, within: .seconds(1)).rawValue >= 0)
        #expect(listener.rawValue >= 0)
    }

    @Test func whatIsNoSocketIsLeftAlone() throws {
        try folder.write("socket", "a file")
        #expect(problem() == .addressInUse)
        #expect(try text(of: path) == "a file")
        _ = try runProgram(["/bin/ln", "-sf", "elsewhere", path.string])
        #expect(problem() == .addressInUse)
    }

    @Test func whatTookItsPlaceIsNotRemoved() throws {
        do {
            let listener = try StreamListener(at: path)
            _ = try runProgram(["/bin/rm", path.string])
            try folder.write("socket", "another's")
            #expect(listener.rawValue >= 0)
        }
        #expect(try text(of: path) == "another's")
    }

    @Test func aPathThatIsTooLongIsAnError() {
        let long = path.appending(String(repeating: "x", count: 108))
        #expect(throws: SystemCallError("bind", "make the socket", printable(long), errno: .fileNameTooLong)) {
            _ = try StreamListener(at: long)
        }
    }

    @Test func aDescriptorThatWasHandedOverServes() throws {
        // What a service manager does: the socket is made, and listened to, before the program starts.
        let made = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.string.utf8) }
        let bound = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(made, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0 && listen(made, 8) == 0)
        do {
            let listener = try StreamListener(owning: FileDescriptor(rawValue: made))
            #expect(try listener.accept() == nil, "it waited, or somebody came")
            let client = try StreamSocket(connectedTo: path, within: .seconds(1))
            let taken = try accepted(listener)
            #expect(try taken.peer() == PeerCredentials(pid: getpid(), uid: geteuid(), gid: getegid()))
            #expect(try client.send([1, 2, 3]) == 3)
            #expect(try taken.receive(upTo: 10) == .bytes([1, 2, 3]))
            #expect(try taken.receive(upTo: 10) == .nothingYet)
        }
        #expect(exists(path), "it belongs to whoever made it")
    }

    private func problem() -> Errno? {
        do throws(SystemCallError) {
            _ = try StreamListener(at: path)
            return nil
        } catch {
            return error.errno
        }
    }

    private func mode(_ path: FilePath) throws -> String {
        // %f is the mode in base 16; what is wanted is type and permissions.
        let output = try runProgram(["/usr/bin/stat", "-c", "%f", path.string]).output
        let mode = try #require(UInt32(output.filter { !$0.isWhitespace }, radix: 16))
        return String(mode, radix: 8) + (mode & UInt32(S_IFMT) == UInt32(S_IFSOCK) ? " s" : "")
    }
}
