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
    private let limits: EngineLimits
    private let inspect: EngineProgram.Inspect

    /// Takes over the process, which is confined already.
    init(signatures: LoadedSignatures, limits: EngineLimits, inspect: @escaping EngineProgram.Inspect) {
        self.signatures = signatures
        self.limits = limits
        self.inspect = inspect
    }

    /// Scans until the session is gone. Returns the exit status.
    func run() -> Int32 {
        // libclamav takes and frees the same megabytes for every file. Given back to the kernel each time, they cost as much
        // time in page faults as the look itself. 32 MiB is the most that mallopt(3) takes on 64 bits.
        nodeguard_keep_freed_memory(32 << 20)
        do {
            while true {
                guard case .message(var message) = try session.receive() else { return 0 }
                let request = try ScanRequest(message.bytes)
                let answer: Verdict
                if let file = message.descriptor.take() {
                    ScratchRoom.prepare()
                    ResourceLimits.startLook(limits)
                    answer = inspect(file.descriptor) { Look.at(file, with: signatures) }
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
