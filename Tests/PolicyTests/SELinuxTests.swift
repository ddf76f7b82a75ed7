import SystemPackage
import TestSupport
import Testing

@testable import Policy

/// A host where everything is as it should be.
private let good = SELinuxReading(
    kernelHasSELinux: true, mount: .selinuxfs, enforce: .value(true), policyLoads: .value(1), libraryEnabled: true,
    libraryEnforcing: true, bootMode: .value(.enforcing), commandLineOverride: nil)

private func with(_ change: (inout SELinuxReading) -> Void) -> SELinuxReading {
    var reading = good
    change(&reading)
    return reading
}

@Suite("selinux.enforcing")
struct SELinuxTests {
    @Test func `all witnesses agreeing is the only pass`() {
        #expect(SELinuxCheck.judge(.enforcing, good).verdict == .pass)
    }

    @Test func `this host is told as it is`() throws {
        let result = SELinuxCheck(.enforcing).evaluate(deadline: .now)
        // A kernel that runs SELinux lists its file system; any other must fail, in words.
        let listed = try runProgram(["grep", "-q", "selinuxfs", "/proc/filesystems"]).status == 0
        if listed {
            #expect(result.verdict == .pass || result.verdict.remedy != nil)
        } else {
            #expect(result.verdict.kind == .fail)
            #expect(result.evidence == "SELinux is off: this kernel was built or booted without it")
        }
    }

    @Test func `without SELinux in the kernel it fails`() {
        let reading = with {
            $0.kernelHasSELinux = false
            $0.mount = .absent
            $0.enforce = .missing
            $0.policyLoads = .missing
            $0.libraryEnabled = false
            $0.libraryEnforcing = nil
        }
        #expect(SELinuxCheck.judge(.enforcing, reading).verdict.kind == .fail)
        #expect(SELinuxCheck.judge(.permissive, reading).verdict.kind == .fail)
        #expect(SELinuxCheck.judge(.ignore, reading).verdict == .pass)
    }

    @Test func `permissive and without a policy fail`() {
        let permissive = with {
            $0.enforce = .value(false)
            $0.libraryEnforcing = false
        }
        #expect(SELinuxCheck.judge(.enforcing, permissive).verdict.kind == .fail)
        #expect(SELinuxCheck.judge(.permissive, permissive).verdict == .pass)
        #expect(SELinuxCheck.judge(.enforcing, with { $0.policyLoads = .value(0) }).verdict.kind == .fail)
        #expect(SELinuxCheck.judge(.permissive, with { $0.policyLoads = .value(0) }).verdict.kind == .fail)
    }

    @Test func `every contradiction and every doubt is unknown`() {
        let doubts: [(String, (inout SELinuxReading) -> Void)] = [
            ("another file system is mounted there", { $0.mount = .foreign(0x0102_1994) }),
            (
                "the file system is missing, the kernel has it",
                {
                    $0.mount = .absent; $0.libraryEnabled = false
                }
            ),
            ("the file system is missing, libselinux sees it", { $0.mount = .absent }),
            (
                "nothing can be read",
                {
                    $0.mount = .absent; $0.libraryEnabled = false; $0.kernelHasSELinux = nil
                }
            ),
            ("enforce is missing", { $0.enforce = .missing }),
            ("enforce says something else", { $0.enforce = .unreadable("it says \"2\"") }),
            ("status is missing", { $0.policyLoads = .missing }),
            ("status is unreadable", { $0.policyLoads = .unreadable("?") }),
            ("libselinux says off", { $0.libraryEnabled = false }),
            ("libselinux cannot tell", { $0.libraryEnforcing = nil }),
            ("libselinux says permissive", { $0.libraryEnforcing = false }),
            ("libselinux says enforcing, the kernel not", { $0.enforce = .value(false) }),
            ("the next boot is permissive", { $0.bootMode = .value(.permissive) }),
            ("the next boot is without", { $0.bootMode = .value(.disabled) }),
            ("no boot configuration", { $0.bootMode = .missing }),
            ("a boot configuration without sense", { $0.bootMode = .unreadable("?") }),
            ("booted with enforcing=0", { $0.commandLineOverride = "enforcing=0" }),
        ]
        for (name, change) in doubts {
            let result = SELinuxCheck.judge(.enforcing, with(change))
            #expect(result.verdict.kind == .unknown, "\(name): \(result)")
            #expect(result.verdict.remedy?.isEmpty == false, "\(name)")
        }
    }

    @Test func `a folder that only looks like selinuxfs is seen through`() throws {
        // tmpfs and ext4 have other magic numbers: whatever is written there proves nothing.
        let root = FilePath("/tmp/nodeguard-selinux-\(UInt32.random(in: 0 ... .max))")
        defer { _ = try? runProgram(["rm", "-r", "--", root.string]) }
        let script = """
            mkdir -p "$0/sys/fs/selinux" "$0/proc" "$0/etc/selinux"
            printf 1 > "$0/sys/fs/selinux/enforce"
            printf 'nodev\\tselinuxfs\\n' > "$0/proc/filesystems"
            printf 'BOOT_IMAGE=/vmlinuz root=/dev/vda1 enforcing=0 quiet\\n' > "$0/proc/cmdline"
            printf '# a comment\\nSELINUX=disabled\\n SELINUX=permissive\\nSELINUXTYPE=default\\nSELINUX=enforcing \\n' \
                > "$0/etc/selinux/config"
            """
        #expect(try runProgram(["sh", "-euc", script, root.string]).status == 0)
        let reading = SELinuxReading(root: root)
        guard case .foreign = reading.mount else {
            Issue.record("\(reading)")
            return
        }
        #expect(reading.kernelHasSELinux == true)
        #expect(reading.enforce == .value(true))
        #expect(reading.bootMode == .value(.enforcing))
        #expect(reading.commandLineOverride == "enforcing=0")
        #expect(!reading.libraryEnabled)
        #expect(SELinuxCheck.judge(.enforcing, reading).verdict.kind == .unknown)
    }
}
