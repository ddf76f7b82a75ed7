internal import CClamAV
internal import Synchronization

/// What libclamav says by its message callback at warning level or above.
///
/// It matters: a read error in the middle of a file comes back as "clean", with nothing but a message.
enum EngineMessages {
    private static let messages = Mutex<[String]>([])

    /// libclamav's `clcb_msg`; the context is not used, since a worker does one thing at a time.
    static let callback: clcb_msg = { severity, full, text, _ in
        guard severity.rawValue >= CL_MSG_WARN.rawValue, let text = unsafe text ?? full else { return }
        let line = unsafe String(cString: text)
        messages.withLock { messages in
            // A hostile file can make thousands; the first ones tell the story.
            if messages.count < 16 { messages.append(line.trimmed) }
        }
    }

    /// The messages since the last call, the oldest first.
    static func take() -> [String] {
        messages.withLock { messages in
            defer { messages = [] }
            return messages
        }
    }
}

extension String {
    /// Without white space at the end.
    fileprivate var trimmed: String {
        var text = self
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}
