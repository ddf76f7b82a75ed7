internal import FoundationEssentials
internal import LinuxSystem
public import SystemPackage

extension ScanSchedule {
    private static func file(in state: FilePath) -> FilePath { state.appending("schedule.json") }

    /// What an agent has kept in this state folder; nil where none has yet.
    ///
    /// - Throws: where it cannot be read. An agent then begins anew, and each target waits for its next time.
    public static func kept(in state: FilePath) throws -> ScanSchedule? {
        do {
            let stored = try FileDescriptor.open(file(in: state), .readOnly, options: [.closeOnExec, .noFollow])
            let bytes = try stored.closeAfter { try readToEnd(stored) }
            return try JSONDecoder().decode(ScanSchedule.self, from: Data(bytes))
        } catch Errno.noSuchFileOrDirectory {
            return nil
        }
    }

    /// Keeps it there, so that it outlives a power cut. The disk is written to, and may hang.
    public func keep(in state: FilePath) throws {
        try replaceFile(at: Self.file(in: state), with: Array(JSONEncoder().encode(self)), permissions: .ownerReadWrite)
    }
}
