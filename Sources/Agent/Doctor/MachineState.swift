internal import Journal
public import LinuxSystem
internal import Policy
public import SystemPackage

/// What only system calls tell of a machine. Each is nil, or a reason, where it was not asked or not answered.
public struct MachineState: Sendable {
    /// The kernel's clock.
    public var clock: KernelClock?
    /// Seconds since 1970 now.
    public var now: Int64
    /// When this program was built, by the time of its file; nil where that is not known.
    public var built: Int64?
    /// Why journald takes no entries; nil where it does.
    public var journalProblem: String?
    /// The file system of the state folder, or of the nearest folder above it.
    public var stateRoom: FileSystemRoom?
    /// Whether that is a network's.
    public var isStateOnNetwork: Bool
    /// Whether files can be made in the state folder.
    public var isStateWritable: Bool
    /// The version of Landlock.
    public var landlock: Int?
    /// Whether openat2(2) is there.
    public var hasOpenat2: Bool
    /// Flowtables of anybody's, as `table/name`; nil where they may not be asked.
    public var flowtables: [String]?
    /// Why nftables cannot be used; nil where it can.
    public var firewallProblem: String?
    /// Where the engine is.
    public var engine: FilePath?

    /// A machine without any trouble, to be changed by tests.
    public init(now: Int64) {
        self.now = now
        clock = KernelClock(isSynchronised: true, largestErrorMicroseconds: 0)
        isStateOnNetwork = false
        isStateWritable = true
        landlock = 1
        hasOpenat2 = true
        flowtables = []
        engine = "/usr/libexec/nodeguard/nodeguard-engine"
    }

    /// This machine.
    public static func current(state: FilePath) -> MachineState {
        var machine = MachineState(now: UnixTime.now().microseconds / 1_000_000)
        machine.clock = try? KernelClock.now()
        machine.built =
            (try? Executables.nodeguard()).flatMap { try? FileStatus.of(Opening.start(at: $0)) }?.modified.seconds
        do throws(JournaldError) {
            try JournaldSink(patience: .zero).check()
        } catch .busy {
            // Somebody listens.
        } catch {
            machine.journalProblem = error.description
        }
        var folder = state
        while !exists(folder), !folder.components.isEmpty { folder.removeLastComponent() }
        machine.stateRoom = try? FileSystemRoom.of(folder)
        machine.isStateOnNetwork = (try? FileSystemKind.of(Opening.readable(Opening.start(at: folder)))) == .network
        machine.isStateWritable = isWritableFolder(folder) && machine.stateRoom?.isReadOnly != true
        machine.landlock = KernelFeatures.landlock
        machine.hasOpenat2 = KernelFeatures.hasOpenat2
        machine.engine = try? Executables.engine()
        do throws(KernelGateError) {
            machine.flowtables = try KernelGate().flowtables()
        } catch {
            machine.flowtables = nil
            machine.firewallProblem = error.description
        }
        return machine
    }
}
