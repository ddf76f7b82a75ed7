import Glibc
import SystemPackage

/// Processes of this machine, as /proc shows them (proc(5)).
public enum Processes {
    /// The processes that this one started and that are not yet reaped.
    public static func children(of process: Int32) -> [Int32] {
        // The file needs CONFIG_PROC_CHILDREN, which every distribution's kernel has.
        // A child belongs to the thread that started it.
        let threads = (try? runProgram(["ls", "/proc/\(process)/task"]).output.split(separator: "\n")) ?? []
        return threads.flatMap { thread in
            textOf("/proc/\(process)/task/\(thread)/children").split(separator: " ").compactMap { Int32($0) }
        }
    }

    /// The name of the program that it runs (at most 15 characters); empty where it is gone.
    public static func name(of process: Int32) -> String {
        String(textOf("/proc/\(process)/comm").prefix { $0 != "\n" })
    }

    /// Whether it is there and not a zombie.
    public static func isAlive(_ process: Int32) -> Bool {
        // The state stands behind the name, which ends with the last parenthesis.
        let status = textOf("/proc/\(process)/stat")
        guard let end = status.lastIndex(of: ")") else { return false }
        return !status[end...].dropFirst(2).hasPrefix("Z")
    }

    private static func textOf(_ path: String) -> String {
        guard let file = try? FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec) else { return "" }
        defer { try? file.close() }
        var buffer = [UInt8](repeating: 0, count: 65536)
        guard let count = try? unsafe buffer.withUnsafeMutableBytes({ unsafe try file.read(into: $0) }) else {
            return ""
        }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }
}

/// Asks again and again until there is an answer: for what the kernel tells nobody by an event.
///
/// - Throws: after `deadline` seconds; it only keeps a test from hanging.
@discardableResult
public func waitFor<Answer>(_ what: String, deadline: Int = 60, _ ask: () throws -> Answer?) throws -> Answer {
    let end = ContinuousClock.now.advanced(by: .seconds(deadline))
    while ContinuousClock.now < end {
        if let answer = try ask() { return answer }
        usleep(2000)
    }
    throw ProgramFailure(description: "\(what): not within \(deadline) s")
}
