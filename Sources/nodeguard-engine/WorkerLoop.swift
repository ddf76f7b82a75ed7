internal import CClamAV
internal import CLinux
internal import EngineProtocol
internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// One worker: takes one file after the other from its socket, which is descriptor 3, and answers.
struct WorkerLoop: ~Copyable {
    private let session = MessageSocket(owning: FileDescriptor(rawValue: 3))
    private let signatures: LoadedSignatures
    private let scratch: FilePath

    /// The folder for what a worker unpacks.
    static func scratch(of worker: Int32, in folder: FilePath) -> FilePath {
        folder.appending("worker-\(worker)")
    }

    /// Takes over the process, right after the fork.
    init(signatures: LoadedSignatures, scratch: FilePath) {
        self.signatures = signatures
        self.scratch = Self.scratch(of: getpid(), in: scratch)
    }

    /// Scans until the session is gone. Returns the exit status.
    func run() -> Int32 {
        // Where this fails every file ends as incomplete: libclamav says so for each, and the canary is missed.
        _ = unsafe scratch.withPlatformString { unsafe mkdir($0, 0o700) }
        // The engine is this process's own copy since the fork.
        unsafe scratch.withPlatformString { path in
            _ = unsafe cl_engine_set_str(signatures.engine, CL_ENGINE_TMPDIR, path)
        }
        do {
            while true {
                guard case .message(var message) = try session.receive() else { return 0 }
                let request = try ScanRequest(message.bytes)
                let answer: Verdict
                if let file = message.descriptor.take() {
                    answer = Look.at(file, with: signatures, scratch: scratch)
                } else {
                    answer = .incomplete(.engineError, "the request came without a file")
                }
                try session.send(ScanAnswer(id: request.id, verdict: answer).encoded())
            }
        } catch {
            return 1
        }
    }
}
