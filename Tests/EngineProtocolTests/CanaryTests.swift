import EngineProtocol
import TestSupport
import Testing

/// The known-bad bytes of a session.
@Suite struct CanaryTests {
    @Test func theArchiveIsOneThatTarReads() throws {
        let canary = Canary.random()
        let listing = try runProgram(["tar", "tf", "-"], input: canary.archive)
        #expect(listing.status == 0)
        #expect(listing.output == "member\n")
        #expect(listing.errors == "")
        let member = try runProgram(["tar", "xOf", "-", "member"], input: canary.archive)
        #expect(member.stdout == Array(canary.member))
    }

    @Test func eachSessionHasItsOwn() {
        #expect(Canary.random() != Canary.random())
    }

    @Test func theFileHoldsThePatternAndTheArchiveDoesNot() {
        let canary = Canary.random()
        func contains(_ bytes: [UInt8], _ part: ArraySlice<UInt8>) -> Bool {
            bytes.indices.contains { bytes[$0...].starts(with: part) }
        }
        #expect(contains(canary.plainFile, canary.pattern))
        #expect(!contains(canary.archive, canary.pattern))
    }

    @Test func bytesOfAnotherLengthAreNone() {
        #expect(Canary(bytes: []) == nil)
        #expect(Canary(bytes: [UInt8](repeating: 1, count: Canary.length + 1)) == nil)
        #expect(Canary(bytes: [UInt8](repeating: 1, count: Canary.length)) != nil)
    }
}
