internal import CLinux
internal import EngineProtocol
internal import Glibc
internal import LinuxSystem
internal import Sandbox
internal import SystemPackage

/// Loads the signatures once, forks the workers, and replaces each one that ends until the session is gone.
///
/// One thread, one loop: fork(2) is only safe in Swift while there is no other thread.
struct Supervisor: ~Copyable {
    private let control: MessageSocket
    private var workers: [Worker] = []
    private let inspect: EngineProgram.Inspect
    private var loaded: Loaded?

    private struct Loaded {
        let signatures: LoadedSignatures
        let confinement: Confinement
        let limits: EngineLimits
    }

    private struct Worker {
        let id: Int32
        /// Its part of the scratch space.
        let slot: Int
        /// A pidfd: readable once the worker has ended.
        let process: Int32
        /// Whether it was killed for the session, and its successor runs already.
        var isReplaced = false
    }

    init(control: consuming MessageSocket, inspect: @escaping EngineProgram.Inspect) {
        self.control = control
        self.inspect = inspect
    }

    /// Serves the session until it closes the control socket. Returns the exit status.
    mutating func run() -> Int32 {
        do {
            while true {
                let ready = try waitUntilReadable([control.rawValue] + workers.map(\.process))
                // Ends first: a worker that the session wants killed may have ended by itself.
                for index in ready.filter({ $0 > 0 }).reversed() { try replace(at: index - 1) }
                if ready.contains(0) {
                    switch try control.receive() {
                    case .closed: return end(0)
                    case .nothingYet: break
                    case .message(let message): try obey(EngineCommand(message.bytes))
                    }
                }
            }
        } catch Errno.brokenPipe {
            // The session is gone in the middle of a message to it.
            return end(0)
        } catch {
            FileDescriptor.standardError.tell("nodeguard-engine: \(error)")
            return end(1)
        }
    }

    private mutating func obey(_ command: EngineCommand) throws {
        switch command {
        case .load(let request):
            guard loaded == nil else { throw MalformedMessage("the signatures are loaded already") }
            do {
                let loaded = try Self.load(request)
                self.loaded = loaded
                try control.send(EngineMessage.loaded(loaded.signatures.inventory).encoded())
            } catch let error as LoadError {
                try control.send(EngineMessage.failed("\(error)").encoded())
                return
            } catch let error as ConfinementError {
                try control.send(EngineMessage.failed("the engine \(error)").encoded())
                return
            }
            for _ in 0..<request.workers { try forkWorker() }
        case .kill(let id):
            // Only a child of ours, by a number that cannot have gone to another process: it is not reaped yet.
            guard let index = workers.firstIndex(where: { $0.id == id && !$0.isReplaced }) else { return }
            kill(id, SIGKILL)
            // At once: one that waits for a disk or a server that is gone ends when that answers, or never.
            guard freeSlot != nil else { return }
            workers[index].isReplaced = true
            try forkWorker()
        }
    }

    /// Leaves the host first, loads the signatures, and then gives up what loading needed.
    private static func load(_ request: LoadRequest) throws -> Loaded {
        var confinement = try Confinement(request)
        var signatures = try LoadedSignatures(request) { () throws(ConfinementError) in
            try confinement.beforeLoading(from: FilePath(bytes: request.signatures))
        }
        try confinement.afterLoading()
        signatures.inventory.notes += confinement.notes
        return Loaded(signatures: signatures, confinement: confinement, limits: request.limits)
    }

    /// The part of the scratch space that a new worker may have: one that no worker has, nor one that was killed and has
    /// not ended yet.
    private var freeSlot: Int? {
        guard let loaded else { return nil }
        return (0..<loaded.confinement.slots).first { slot in !workers.contains { $0.slot == slot } }
    }

    private mutating func forkWorker() throws {
        guard let loaded, let slot = freeSlot else { return }
        let (ours, theirs) = try MessageSocket.pair()
        let id = nodeguard_fork()
        if id == 0 {
            exit(Self.work(loaded, socket: ours.rawValue, slot: slot, inspect))
        }
        defer {
            try? ours.close()
            try? theirs.close()
        }
        guard id > 0 else { throw SystemCallError("fork", "start a worker", errno: .current) }
        let process = nodeguard_pidfd_open(id)
        guard process >= 0 else { throw SystemCallError("pidfd_open", "watch a worker", errno: .current) }
        workers.append(Worker(id: id, slot: slot, process: process))
        try control.send(EngineMessage.worker(id: id).encoded(), descriptor: theirs.rawValue)
    }

    /// The life of a worker. Returns its exit status.
    private static func work(
        _ loaded: Loaded, socket: Int32, slot: Int, _ inspect: @escaping EngineProgram.Inspect
    ) -> Int32 {
        do {
            try loaded.confinement.beginWorker(socket: socket, slot: slot)
        } catch {
            FileDescriptor.standardError.tell("nodeguard-engine: \(error)")
            return 1
        }
        return WorkerLoop(signatures: loaded.signatures, limits: loaded.limits, inspect: inspect).run()
    }

    /// Reaps the worker, removes what it unpacked, and forks its successor.
    private mutating func replace(at index: Int) throws {
        let worker = workers.remove(at: index)
        close(worker.process)
        var status: Int32 = 0
        unsafe waitpid(worker.id, &status, 0)
        ScratchSpace.clear(slot: worker.slot)
        let told: Int32 =
            switch ChildProcess.Ending(waitStatus: status) {
            case .exited(let status): status
            case .killed(let signal): -signal
            }
        try control.send(EngineMessage.workerEnded(id: worker.id, status: told).encoded())
        if !worker.isReplaced { try forkWorker() }
    }

    /// Ends the workers, and reaps them so that the scratch folder is quiet when this process is gone.
    private func end(_ status: Int32) -> Int32 {
        for worker in workers { kill(worker.id, SIGKILL) }
        for worker in workers {
            waitpid(worker.id, nil, 0)
            ScratchSpace.clear(slot: worker.slot)
        }
        return status
    }
}
