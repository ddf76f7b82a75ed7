import Testing

@testable import Agent

@Suite("what the agent says to its status listener")
struct StatusWordTests {
    private func ear(_ words: [UInt8]...) -> StatusEar {
        var ear = StatusEar()
        for bytes in words { ear.hear(bytes) }
        return ear
    }

    @Test func `the last word counts, however it is cut into pieces`() {
        let open = StatusWord(moment: 1, shutBecause: nil).line
        let shut = StatusWord(moment: 2, shutBecause: "vpn.interface is fail").line
        #expect(ear(open).shutBecause(at: 2) == nil)
        #expect(ear(open + shut).shutBecause(at: 3) == "vpn.interface is fail")
        for cut in 1..<shut.count {
            #expect(ear(open, Array(shut[..<cut])).shutBecause(at: 3) == nil)
            #expect(ear(open, Array(shut[..<cut]), Array(shut[cut...])).shutBecause(at: 3) == "vpn.interface is fail")
        }
    }

    @Test func `nothing said, nonsense, an old word and one from the future are not believed`() {
        #expect(StatusEar().shutBecause(at: 0) == StatusEar.silence)
        for nonsense in ["open\n", "1 opening\n", "1 open now\n", "x open\n", "\n", "1 shut\n"] {
            #expect(ear(Array(nonsense.utf8)).shutBecause(at: 1) == StatusEar.silence, "\(nonsense)")
        }
        let open = StatusWord(moment: 10, shutBecause: nil).line
        #expect(ear(open).shutBecause(at: 10 + StatusEar.patience) == nil)
        #expect(ear(open).shutBecause(at: 11 + StatusEar.patience) == StatusEar.silence)
        #expect(ear(open).shutBecause(at: 9) == StatusEar.silence)
    }

    @Test func `a reason cannot look like two words, and always goes into the pipe in one piece`() {
        let forged = StatusWord(moment: 1, shutBecause: "a\n2 open\r\u{1b}[0m").line
        #expect(forged.count { $0 == UInt8(ascii: "\n") } == 1)
        #expect(ear(forged).shutBecause(at: 2) == "a 2 open  [0m")
        let long = StatusWord(moment: .max, shutBecause: String(repeating: "ä", count: 9000)).line
        #expect(long.count <= 4096)
        #expect(ear(long).shutBecause(at: .max)?.hasPrefix("ää") == true)
    }
}
