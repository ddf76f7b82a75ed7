internal import CLinux
internal import EngineProtocol
internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// Loads the signatures once, forks the workers, and replaces each one that ends until the session is gone.
///
/// One thread, one loop: fork(2) is only safe in Swift while there is no other thread.
struct Engine: ~Copyable {
    private let control: MessageSocket
    private var workers: [Worker] = []
    private var signatures: LoadedSignatures?
    private var scratch = FilePath()

    private struct Worker {
        let id: Int32
        /// A pidfd: readable once the worker has ended.
        let process: Int32
        /// Whether it was killed for the session, and its successor runs already.
        var isReplaced = false
    }

    init(control: consuming MessageSocket) {
        self.control = control
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
        } catch {
            FileDescriptor.standardError.tell("nodeguard-engine: \(error)")
            return end(1)
        }
    }

    private mutating func obey(_ command: EngineCommand) throws {
        switch command {
        case .load(let request):
            guard signatures == nil else { throw MalformedMessage("the signatures are loaded already") }
            scratch = FilePath(bytes: request.scratch)
            do {
                let loaded = try LoadedSignatures(request)
                try control.send(EngineMessage.loaded(loaded.inventory).encoded())
                signatures = loaded
            } catch let error as LoadError {
                try control.send(EngineMessage.failed(error.description).encoded())
                return
            }
            for _ in 0..<request.workers { try forkWorker() }
        case .kill(let id):
            // Only a child of ours, by a number that cannot have gone to another process: it is not reaped yet.
            guard let index = workers.firstIndex(where: { $0.id == id && !$0.isReplaced }) else { return }
            kill(id, SIGKILL)
            // At once: one that waits for a disk or a server that is gone ends when that answers, or never.
            workers[index].isReplaced = true
            try forkWorker()
        }
    }

    private mutating func forkWorker() throws {
        guard let signatures else { return }
        let (ours, theirs) = try MessageSocket.pair()
        let id = nodeguard_fork()
        if id == 0 {
            Confinement.beginWorker(socket: ours.rawValue)
            exit(WorkerLoop(signatures: signatures, scratch: scratch).run())
        }
        defer {
            try? ours.close()
            try? theirs.close()
        }
        guard id > 0 else { throw SystemCallError("fork", "start a worker", errno: .current) }
        let process = nodeguard_pidfd_open(id)
        guard process >= 0 else { throw SystemCallError("pidfd_open", "watch a worker", errno: .current) }
        workers.append(Worker(id: id, process: process))
        try control.send(EngineMessage.worker(id: id).encoded(), descriptor: theirs.rawValue)
    }

    /// Reaps the worker, removes what it unpacked, and forks its successor.
    private mutating func replace(at index: Int) throws {
        let worker = workers.remove(at: index)
        close(worker.process)
        var status: Int32 = 0
        unsafe waitpid(worker.id, &status, 0)
        try? removeTree(WorkerLoop.scratch(of: worker.id, in: scratch))
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
        for worker in workers { waitpid(worker.id, nil, 0) }
        return status
    }
}
