import Journal
import SystemPackage
import TestSupport
import Testing

/// What a worker that was taken over can still do, tried from inside of one.
@Suite("confinement")
struct ConfinementTests {
    /// Never to be on the list of system calls: the worker is killed before the kernel does anything.
    static let killed = [
        "socket", "socket-unix", "connect", "ptrace", "kill-init", "kill-parent", "execve", "fork", "setuid", "mount",
        "unshare", "executable-memory", "raise-limit", "dumpable", "rename", "chown", "signal-owner", "bpf", "io_uring",
        "other-architecture",
    ]
    /// On the list, since a look needs them; where they may reach is Landlock's matter.
    static let refused = [
        "open-passwd": "Permission denied", "open-root": "Permission denied", "open-proc": "Permission denied",
        "write-outside": "Permission denied", "write-above": "Permission denied",
        "write-other-slot": "Permission denied", "big-file": "File too large",
    ]
    static let allowed = ["write-own-slot", "decode"]

    @Test(arguments: isRoot ? [false, true] : [false])
    func `whatever a worker tries beyond its work is refused or ends it`(asNobody: Bool) throws {
        let scan = try ConfinedScan()
        let names = Self.killed + Self.refused.keys + Self.allowed
        for (number, name) in names.enumerated() {
            let fate = "attempt-\(name)"
            try scan.add(name, "\nnodeguard-fates \(number) \(fate) \(fate)\n")
        }
        let report = try scan.run(as: asNobody ? .nobody : .ourselves)
        #expect(report.end == .exited(0), "\(report.errors)")
        for name in Self.killed {
            #expect(report.outcome(name) == .incomplete(.engineCrash), "\(name): \(report.files[name]?.detail ?? "")")
            #expect(report.files[name]?.detail?.contains("killed by its sandbox") == true, "\(name)")
        }
        for (name, error) in Self.refused {
            #expect(report.outcome(name) == .incomplete(.engineError), "\(name)")
            #expect(report.files[name]?.detail == "\(name): \(error)")
        }
        for name in Self.allowed {
            #expect(report.outcome(name) == .infected(first: "Attempt.Worked.\(name)", others: []), "\(name)")
        }
        #expect(report.totals?.counts.total == UInt64(names.count))
        #expect(try scan.engineProcesses().isEmpty)
        #expect(try scan.scratchLeft() == "")
        // Where something is missing, the person who scans is told.
        #expect(report.notes.contains { $0.contains("not started by root") } == (asNobody || !isRoot))
    }

    @Test(.enabled(if: isRoot, "only root sees another user's processes"), arguments: ["own user", "nobody's scan"])
    func `a live worker has nothing left to give up`(start: String) throws {
        let scan = try ConfinedScan()
        try scan.add("sleeper", "\nnodeguard-fates 0 sleep\n")
        let isOwn = start == "own user"
        let program = try scan.start(
            as: isOwn ? .withUser("nodeguard-engine:x:64123:64124::/nonexistent:/usr/sbin/nologin") : .nobody)
        let processes = try confined(scan, count: 3)
        let user = isOwn ? "64123" : "65534"
        let group = isOwn ? "64124" : "65534"
        let hostNetwork = try link("/proc/self/ns/net")
        for (index, process) in processes.enumerated() {
            let status = ConfinedScan.status(of: process)
            #expect(status["Uid"] == "\(user) \(user) \(user) \(user)")
            #expect(status["Gid"] == "\(group) \(group) \(group) \(group)")
            #expect((status["Groups"] ?? "") == "")
            for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] + (isOwn ? ["CapBnd"] : []) {
                #expect(status[set] == "0000000000000000", "\(set)")
            }
            #expect(status["NoNewPrivs"] == "1")
            #expect(status["Seccomp"] == "2")
            #expect(status["Threads"] == "1")
            #expect(ConfinedScan.read("/proc/\(process)/oom_score_adj") == "1000\n")
            let limits = ConfinedScan.read("/proc/\(process)/limits").split(separator: "\n")
            #expect(
                limits.contains { $0.split(separator: " ").starts(with: ["Max", "core", "file", "size", "0", "0"]) })
            #expect(try (link("/proc/\(process)/ns/net") == hostNetwork) == !isOwn)
            // Not dumpable: its files in /proc are root's.
            #expect(try runProgram(["stat", "-c", "%u", "/proc/\(process)/maps"]).output == "0\n")
            if index > 0 {
                let isUnlimited = limits.contains { $0.hasPrefix("Max address space") && $0.contains("unlimited") }
                #expect(!isUnlimited)
                #expect(try descriptors(of: process).filter { $0.key < 3 }.values.allSatisfy { $0 == "/dev/null" })
                // Its socket, and the file that the sleeper looks at.
                let others = try descriptors(of: process).filter { $0.key >= 3 }.values
                #expect(others.count { $0.hasPrefix("socket:") } == 1)
                #expect(
                    others.allSatisfy { $0.hasPrefix("socket:") || $0.contains("sleeper") || $0.contains("memfd:") })
            }
        }
        // The end of the session, however it comes, is the end of all of them.
        program.signal(9)
        _ = try? program.finish()
        try waitUntil("the engine is gone") { try scan.engineProcesses().isEmpty }
    }

    @Test(.enabled(if: isRoot, "changes users"))
    func `an engine whose user is root is refused`() throws {
        let scan = try ConfinedScan()
        try scan.add("file", "x")
        let report = try scan.run(as: .withUser("nodeguard-engine:x:0:0::/:/bin/sh"))
        #expect(report.end == .exited(3))
        #expect(report.errors.contains("give it numbers of its own"))
        #expect(report.totals?.counts[.clean] == 0)
    }

    @Test func `every test file of ClamAV is found in confinement`() throws {
        let scan = try ConfinedScan()
        let report = try scan.run(of: "/usr/share/clamav-testfiles", signatures: ConfinedScan.demoSignatures)
        #expect(report.end == .exited(0), "\(report.errors)")
        #expect(report.totals?.counts[.infected] == 44)
        #expect(report.totals?.counts.total == 44)
    }

    /// Waits until that many processes of the engine are behind all their walls.
    private func confined(_ scan: ConfinedScan, count: Int) throws -> [Int32] {
        var found: [Int32] = []
        try waitUntil("\(count) confined processes") {
            found = try scan.engineProcesses().filter { ConfinedScan.status(of: $0)["Seccomp"] == "2" }
            guard found.count == count else { return false }
            // The supervisor is behind one filter, a worker behind two.
            let sleeps = try found.contains { try descriptors(of: $0).values.contains { $0.contains("sleeper") } }
            return sleeps && found.dropFirst().allSatisfy { ConfinedScan.status(of: $0)["Seccomp_filters"] == "2" }
        }
        return found
    }

    private func descriptors(of process: Int32) throws -> [Int: String] {
        let names = try runProgram(["ls", "/proc/\(process)/fd"]).output.split(separator: "\n").compactMap { Int($0) }
        return Dictionary(uniqueKeysWithValues: try names.map { ($0, try link("/proc/\(process)/fd/\($0)")) })
    }

    private func link(_ path: String) throws -> String {
        try String(runProgram(["readlink", path]).output.prefix { $0 != "\n" })
    }

    private func waitUntil(_ what: String, _ condition: () throws -> Bool) throws {
        let end = ContinuousClock.now.advanced(by: .seconds(60))
        while try !condition() {
            guard ContinuousClock.now < end else { throw WaitedInVain(what: what) }
        }
    }
}

private struct WaitedInVain: Error {
    let what: String
}
