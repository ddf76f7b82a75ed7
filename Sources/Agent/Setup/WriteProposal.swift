internal import LinuxSystem
public import SystemPackage

extension Proposal {
    /// Why a proposal was not written.
    public struct NotWritten: Error, Equatable, Sendable, CustomStringConvertible {
        /// A sentence for a person.
        public let description: String
    }

    /// Writes it into `conf.d` beside the main file: as a whole or not at all, and never over a file that is there.
    ///
    /// - Returns: the file.
    public func write(beside main: FilePath) throws -> FilePath {
        let folder = main.removingLastComponent().appending("conf.d")
        let file = folder.appending(Self.fileName)
        guard exists(main) else {
            throw NotWritten(
                description:
                    "nothing was written: there is no \(printable(main)), and without it conf.d is not read; create it (an empty one means the defaults), or name another with --config"
            )
        }
        guard !exists(file) else { throw Self.isThere(file) }
        guard loaded != nil else {
            throw NotWritten(
                description:
                    "nothing was written: the proposal is not valid together with \(printable(main)): mend what is told above first"
            )
        }
        try makeFolder(folder, permissions: [.ownerReadWriteExecute, .groupReadExecute, .otherReadExecute])
        // A name that the configuration does not read; then the right one, if it is still free.
        let draft = ".\(Self.fileName).draft"
        try replaceFile(
            at: folder.appending(draft), with: Array(yaml.utf8), permissions: [.ownerReadWrite, .groupRead, .otherRead])
        let opened = try Opening.folder(at: folder)
        guard let from = FileName(Array(draft.utf8)), let to = FileName(Array(Self.fileName.utf8)) else { return file }
        do {
            try FolderEntries.rename(from, to: to, in: opened)
            try FolderEntries.synchronise(opened)
        } catch {
            try? FolderEntries.remove(from, in: opened)
            if error == .fileExists { throw Self.isThere(file) }
            throw SystemCallError("renameat2", "give the proposal its name", printable(file), errno: error)
        }
        return file
    }

    private static func isThere(_ file: FilePath) -> NotWritten {
        NotWritten(
            description: "nothing was written: \(printable(file)) is there already; edit it, or remove it and try again"
        )
    }
}
