import Config
import SystemPackage
import TestSupport
import Testing

/// Whatever happens to a file, it loads, or is refused with a place: nothing crashes, nothing is refused without a
/// word. The changes are random, but the same every time.
@Suite struct MutationTests {
    static let tokens = [
        "\t", "*a", "&a ", "!x ", "- ", ": ", "{", "}", "[", "]", "\"", "'", "\n", "---\n", "null", "#", "|", ">", "%",
        "?", "<<: ", "0", "\u{0}", "\u{2028}",
    ]

    @Test(arguments: 1...8)
    func aChangedFileLoadsOrIsRefusedWithAPlace(_ seed: UInt64) throws {
        let good = Array(DefaultsTests.everything.utf8)
        var random = Seeded(state: seed)
        var loadedCount = 0
        var refusedCount = 0
        for _ in 0..<250 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...2, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<5, using: &random) {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: at)
                case 2: bytes.insert(contentsOf: Array((Self.tokens.randomElement(using: &random) ?? "").utf8), at: at)
                case 3: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 1...12, using: &random)))
                default:
                    let end = min(good.count, at + Int.random(in: 1...12, using: &random))
                    if at < end { bytes.insert(contentsOf: good[at..<end], at: at) }
                }
                if bytes.isEmpty { bytes = good }
            }
            do throws(RejectedConfiguration) {
                let loaded = try loadConfiguration(main: ConfigurationFile(path: "main.yaml", bytes: bytes))
                loadedCount += 1
                // What was taken can be shown and taken again.
                let again = try loadConfiguration(
                    main: ConfigurationFile(path: "main.yaml", bytes: Array(loaded.yaml.utf8)))
                #expect(again.settings == loaded.settings)
            } catch {
                refusedCount += 1
                let errors = error.problems.filter { $0.severity == .error }
                let lines = bytes.count { $0 == 0x0a } + 1
                guard !errors.isEmpty,
                    errors.allSatisfy({ problem in
                        problem.place.map {
                            (1...lines).contains($0.line) && $0.column >= 1 && !problem.message.isEmpty
                        }
                            ?? false
                    })
                else {
                    Issue.record("refused without a place: \(error) for \(String(decoding: bytes, as: UTF8.self))")
                    return
                }
            }
        }
        // Both happen, or the changes were of no use.
        #expect(loadedCount > 10 && refusedCount > 10)
    }

    @Test(arguments: 1...4)
    func fragmentsOfAFileAreHandledToo(_ seed: UInt64) {
        let lines = DefaultsTests.everything.split(separator: "\n", omittingEmptySubsequences: false)
        var random = Seeded(state: seed &+ 100)
        for _ in 0..<100 {
            let files = (0..<3).map { index in
                let text = lines.filter { _ in Int.random(in: 0..<4, using: &random) > 0 }.joined(separator: "\n")
                return ConfigurationFile(
                    path: FilePath(index == 0 ? "main.yaml" : "\(index).yaml"), bytes: Array(text.utf8))
            }
            do throws(RejectedConfiguration) {
                _ = try loadConfiguration(main: files[0], fragments: Array(files[1...]))
            } catch {
                #expect(error.problems.contains { $0.severity == .error })
            }
        }
    }
}
