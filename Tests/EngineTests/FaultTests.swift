import EngineProtocol
import Journal
import SystemPackage
import TestSupport
import Testing

/// One scan during which a thousand looks go wrong in every way that a hostile file can make them.
@Suite("faults")
struct FaultTests {
    /// What happens at a look, and how often of a hundred.
    enum Fate: String, CaseIterable {
        case segv, kill, call, nonsense, memory, torrent, scratch

        var weight: Int {
            switch self {
            case .segv, .kill, .call: 24
            case .nonsense: 12
            case .memory, .torrent, .scratch: 5
            }
        }

        /// Whether the worker that had it dies.
        var isFatal: Bool { self != .torrent && self != .scratch }
    }

    /// A file and what is to become of it.
    struct Plan {
        let name: String
        let isInfected: Bool
        /// Whether its content has to be unpacked, which takes scratch space.
        let isArchive: Bool
        let fates: [String]

        /// The outcomes that are right; nothing else is.
        var expected: [Outcome] {
            let infected = Outcome.infected(first: "Test.Infection.UNOFFICIAL", others: [])
            var whole = [isInfected ? infected : .clean]
            let deadly = fates.prefix { Fate(rawValue: $0)?.isFatal == true }.count
            if deadly >= 2 { return [.incomplete(.engineCrash)] }
            // What comes once the worker did not die: nothing for a file without another fate.
            switch deadly < fates.count ? fates[deadly] : "" {
            case "loop", "sleep": return [.incomplete(.timeout)]
            // Without room the look may be incomplete, but not without a word.
            case "scratch": whole += [.incomplete(.limit), .incomplete(.engineError)]
            default: break
            }
            return whole
        }
    }

    @Test func `a thousand faults cost the files they hit and nothing else`() throws {
        let scan = try ConfinedScan()
        let plans = Self.plans(faults: 1000, seed: 20_261_123)
        for (number, plan) in plans.enumerated() { try add(plan, number, to: scan) }
        // As tight as a look at such files allows.
        let limits = EngineLimits(
            fileBytes: 8 << 20, contentBytes: 16 << 20, recursion: 17, members: 1000, milliseconds: 2000)
        let report = try scan.run(limits: limits)

        #expect(report.end == .exited(0), "\(report.errors)")
        #expect(report.totals?.completeness == .complete)
        #expect(report.files.count == plans.count)
        for plan in plans {
            let outcome = report.outcome(plan.name)
            #expect(
                plan.expected.contains { Self.same($0, outcome) },
                "\(plan.name) (\(plan.fates)): \(String(describing: outcome)), \(report.files[plan.name]?.detail ?? "")"
            )
        }
        #expect(report.totals?.counts.total == UInt64(plans.count))
        #expect(report.errors.contains("children none"))
        let descriptors = report.errors.split(separator: "\n").last?.split { !$0.isNumber }
        #expect(descriptors?.count == 2 && descriptors?.first == descriptors?.last, "\(report.errors)")
        #expect(try scan.engineProcesses().isEmpty)
        #expect(try scan.scratchLeft() == "")
    }

    /// libclamav calls some files clean when it cannot unpack them, if nobody listens to what else it says.
    @Test(.enabled(if: isRoot, "only root gets scratch space with a cap"))
    func `without room to unpack, nothing infected is called clean`() throws {
        var reports: [ConfinedScan.Report] = []
        for fate in ["none", "scratch"] {
            let scan = try ConfinedScan()
            // Every kind of archive and packed program of clamav-testfiles, with room at the end for the fate.
            let script = """
                mkdir -p "$1"; number=0
                for file in /usr/share/clamav-testfiles/*; do
                    { cat "$file"; printf '\nnodeguard-fates %d %s\n' $number "$2"; } >"$1/${file##*/}"
                    number=$((number + 1))
                done
                """
            let made = try runProgram(["sh", "-euc", script, "sh", scan.folder.path.appending("tree").string, fate])
            #expect(made.status == 0, "\(made.errors)")
            let limits = EngineLimits(
                fileBytes: 16 << 20, contentBytes: 32 << 20, recursion: 17, members: 1000, milliseconds: 60_000)
            reports.append(try scan.run(signatures: ConfinedScan.demoSignatures, limits: limits))
        }
        #expect(reports[0].totals?.counts.total == 44)
        #expect(reports[1].totals?.counts.total == 44)
        var incomplete = 0
        for (name, file) in reports[0].files where file.outcome.kind == .infected {
            let outcome = reports[1].outcome(name)
            #expect(
                outcome?.kind == .infected || outcome?.kind == .incomplete, "\(name): \(String(describing: outcome))")
            if outcome?.kind == .incomplete { incomplete += 1 }
        }
        // Where none were, the scratch space was not full.
        #expect(incomplete > 10)
    }

    // MARK: The plan

    /// Files with that many fates altogether, and a few without any between them.
    static func plans(faults: Int, seed: UInt64) -> [Plan] {
        var dice = Dice(state: seed)
        var plans: [Plan] = []
        var left = faults
        // Few of those that only time ends.
        var slow = ["loop", "loop", "loop", "loop", "sleep"]
        while left > 0 {
            var fates: [String] = []
            if left > slow.count, dice.roll(100) < 90 { fates = [dice.fate().rawValue] }
            if let first = fates.first, Fate(rawValue: first)?.isFatal == true, left > slow.count + 1,
                dice.roll(100) < 25
            {
                fates.append(dice.fate().rawValue)
            }
            if left <= slow.count || (!slow.isEmpty && dice.roll(150) == 0) {
                // After a crash, or at the first look.
                fates = fates.prefix(left > slow.count ? 1 : 0).filter { Fate(rawValue: $0)?.isFatal == true }
                fates.append(slow.removeLast())
            }
            left -= fates.count
            plans.append(
                Plan(
                    name: "file-\(plans.count)", isInfected: dice.roll(2) == 0, isArchive: dice.roll(8) == 0,
                    fates: fates))
        }
        return plans
    }

    private func add(_ plan: Plan, _ number: Int, to scan: ConfinedScan) throws {
        let end = "\nnodeguard-fates \(number) \(plan.fates.joined(separator: " "))\n"
        let inside = "file \(number) " + (plan.isInfected ? ConfinedScan.infection : "nothing")
        try scan.add(plan.name, (plan.isArchive ? Tar.archive(member: inside) : inside) + end)
    }

    private static func same(_ expected: Outcome, _ outcome: Outcome?) -> Bool {
        // An archive and its member can both match.
        if case .infected = expected, case .infected = outcome { return true }
        return expected == outcome
    }
}

/// A tar archive (ustar) of one member, as text: nothing in it is beyond ASCII.
private enum Tar {
    static func archive(member: String) -> String {
        func field(_ text: String, _ size: Int) -> String { text + String(repeating: "\0", count: size - text.count) }
        func octal(_ number: Int, _ digits: Int) -> String {
            let text = String(number, radix: 8)
            return String(repeating: "0", count: digits - text.count) + text
        }
        func header(_ sum: String) -> String {
            field("member", 100) + field("0000600", 8) + field("0000000", 8) + field("0000000", 8)
                + field(octal(member.utf8.count, 11), 12) + field(octal(0, 11), 12) + sum + "0" + field("", 100)
                + field("ustar", 6) + "00" + field("", 247)
        }
        let sum = header("        ").utf8.reduce(0) { $0 + Int($1) }
        return header(octal(sum, 6) + "\0 ") + field(member, 512) + field("", 1024)
    }
}

/// Numbers by chance that are the same each time.
private struct Dice {
    private var numbers: Seeded

    init(state: UInt64) { numbers = Seeded(state: state) }

    mutating func roll(_ sides: Int) -> Int { Int(numbers.next() % UInt64(sides)) }

    mutating func fate() -> FaultTests.Fate {
        var left = roll(FaultTests.Fate.allCases.reduce(0) { $0 + $1.weight })
        for fate in FaultTests.Fate.allCases {
            left -= fate.weight
            if left < 0 { return fate }
        }
        return .segv
    }
}
