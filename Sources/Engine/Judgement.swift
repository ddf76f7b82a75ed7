internal import CClamAV
internal import EngineProtocol

/// From everything that one look left behind to one verdict. Pure, and in favour of doubt: only a look without
/// any sign of trouble is clean.
struct Judgement {
    let result: cl_error_t
    let resultText: String
    let matches: [String]
    let messages: [String]
    /// Files and members that libclamav really looked into.
    let layers: Int
    let size: UInt64
    /// A member is as long as a file may be: the rest of it may be missing.
    let hasCutMember: Bool
    let hasUnreadRAR: Bool
    /// Whether there was too little scratch space, of which libclamav does not always tell.
    let ranOutOfRoom: Bool

    /// libclamav does not look at files of this size or less; no signature can match in them.
    static let smallestScanned: UInt64 = 6

    var verdict: Verdict {
        var found: [String] = []
        var limits: [String] = []
        var encrypted: [String] = []
        for name in matches {
            if name.hasPrefix("Heuristics.Limits.Exceeded") {
                limits.append(name)
            } else if name.hasPrefix("Heuristics.Encrypted.") {
                encrypted.append(name)
            } else if !found.contains(name) {
                found.append(name)
            }
        }
        if let first = found.first { return .infected(first: first, others: Array(found.dropFirst())) }
        if let limit = limits.first {
            return .incomplete(limit.hasSuffix(".MaxScanTime") ? .timeout : .limit, limit)
        }
        if let name = encrypted.first { return .incomplete(.encrypted, name) }
        if ranOutOfRoom { return .incomplete(.limit, "it takes more scratch space to unpack than there is") }
        switch result {
        case CL_SUCCESS: break
        case CL_VIRUS: return .incomplete(.engineError, "libclamav found something it has no name for")
        case CL_EREAD, CL_ESEEK, CL_EMAP, CL_ESTAT: return .incomplete(.ioError, resultText)
        case CL_ETIMEOUT: return .incomplete(.timeout, resultText)
        case CL_EMAXREC, CL_EMAXSIZE, CL_EMAXFILES: return .incomplete(.limit, resultText)
        default: return .incomplete(.engineError, resultText)
        }
        if let message = messages.first {
            return .incomplete(Self.isReadError(message) ? .ioError : .engineError, message)
        }
        if hasCutMember { return .incomplete(.limit, "a member reaches the limit of the file size and may be cut off") }
        if hasUnreadRAR { return .incomplete(.engineError, "a RAR archive, and libclamunrar is not installed") }
        if layers == 0 && size >= Self.smallestScanned {
            return .incomplete(.engineError, "libclamav did not look at it")
        }
        return .clean
    }

    /// The messages of fmap.c when pread(2) fails or returns less than the file's size promised.
    private static func isReadError(_ message: String) -> Bool {
        message.hasPrefix("fmap") || message.contains("pread")
    }
}
