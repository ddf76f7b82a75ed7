internal import EngineProtocol
internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// The engine of one session: the process, its control socket, its private scratch folder.
struct EngineProcess: ~Copyable {
    let control: MessageSocket
    private let process: ChildProcess
    private let scratch: ScratchFolder
    /// Whether the signatures are loaded: before, there is no worker, and the engine hears nobody.
    var isLoaded = false

    /// Starts the engine and tells it what to load; what it says comes over ``control``.
    static func start(
        executable: FilePath, scratch: consuming ScratchFolder, _ request: (_ scratch: FilePath) -> LoadRequest
    ) throws(SystemCallError) -> EngineProcess {
        let (ours, theirs) = try MessageSocket.pair()
        defer { try? theirs.close() }
        let control = MessageSocket(owning: ours)
        // Descriptor 3 is the control socket. Nothing of our environment: libclamav would search LD_LIBRARY_PATH.
        let process = try ChildProcess(
            program: executable, arguments: [], environment: ChildProcess.bareEnvironment,
            descriptors: [nil, nil, .standardError, theirs])
        do {
            try control.send(EngineCommand.load(request(scratch.path)).encoded())
        } catch {
            throw SystemCallError("sendmsg", "talk to the engine", printable(executable), errno: error)
        }
        return EngineProcess(control: control, process: process, scratch: scratch)
    }

    private init(
        control: consuming MessageSocket, process: consuming ChildProcess, scratch: consuming ScratchFolder
    ) {
        self.control = control
        self.process = process
        self.scratch = scratch
    }

    deinit {
        // The engine ends its workers when the session is gone; only then is the scratch folder quiet enough to be
        // removed. An engine that does not end is killed, and the kernel ends its workers.
        shutdown(control.rawValue, Int32(SHUT_RDWR))
        if isLoaded { _ = process.ends(withinMilliseconds: 5000) }
    }

    /// Why nothing comes from the engine any more, to be asked once its socket is closed.
    var end: String {
        switch process.ending(withinMilliseconds: 1000) {
        case .killed(SIGKILL):
            "it was killed, as the kernel does where memory runs out (journalctl -k tells); to load ClamAV's databases takes "
                + "about 1.3 GiB"
        case .killed(let signal): "it was killed by signal \(signal); journalctl -k may tell more"
        case .exited(let status): "it ended by itself, with status \(status)"
        case nil: "it does not answer any more"
        }
    }

    /// Ends a worker that takes too long.
    func kill(worker: Int32) {
        // Where the engine is gone its control socket says so; nothing is lost here.
        try? control.send(EngineCommand.kill(worker: worker).encoded(), waiting: false)
    }
}
