internal import CClamAV
internal import EngineProtocol
internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// One look at one file with libclamav, and the judgement of everything that libclamav let drop about it.
///
/// Its return value alone is worth nothing: "clean" is also what comes back when the scratch folder is not
/// usable, when a read fails, and when a limit is reached.
enum Look {
    /// Looks at a file.
    static func at(_ file: borrowing OwnedDescriptor, with signatures: LoadedSignatures) -> Verdict {
        guard let before = try? FileStatus.of(file) else { return .incomplete(.ioError, "fstat failed") }
        let seen = Seen()
        _ = EngineMessages.take()
        var options = cl_scan_options()
        // All matches: a limit or an encrypted member must not hide an infected one, nor the other way round.
        options.general = UInt32(CL_SCAN_GENERAL_ALLMATCHES | CL_SCAN_GENERAL_HEURISTICS)
        options.parse = ~0
        options.heuristic = UInt32(
            CL_SCAN_HEURISTIC_EXCEEDS_MAX | CL_SCAN_HEURISTIC_ENCRYPTED_ARCHIVE | CL_SCAN_HEURISTIC_ENCRYPTED_DOC)
        // Left untouched by libclamav for tiny and for oversize files.
        var name: UnsafePointer<CChar>? = nil
        var blocks: UInt = 0
        let engine = unsafe signatures.engine
        unsafe cl_engine_set_clcb_virus_found(engine) { _, name, context in
            guard let name = unsafe name, let context = unsafe context else { return }
            unsafe Unmanaged<Seen>.fromOpaque(context).takeUnretainedValue().matches.append(
                unsafe String(cString: name))
        }
        unsafe cl_engine_set_clcb_pre_cache(engine) { _, type, context in
            if let context = unsafe context {
                let seen = unsafe Unmanaged<Seen>.fromOpaque(context).takeUnretainedValue()
                seen.layers += 1
                if let type = unsafe type, unsafe strcmp(type, "CL_TYPE_RAR") == 0 { seen.hasRAR = true }
            }
            return CL_CLEAN
        }
        let result = withExtendedLifetime(seen) {
            unsafe cl_scandesc_callback(
                file.rawValue, nil, &name, &blocks, engine, &options, Unmanaged.passUnretained(seen).toOpaque())
        }
        if let name = unsafe name { seen.matches.append(unsafe String(cString: name)) }
        let judgement = Judgement(
            result: result, resultText: LoadedSignatures.text(result), matches: seen.matches,
            messages: EngineMessages.take(), layers: seen.layers, size: before.size,
            hasUnreadRAR: seen.hasRAR && !signatures.unpacksRAR)
        return judgement.verdict
    }

    /// What the callbacks collect during one look.
    private final class Seen {
        var matches: [String] = []
        var layers = 0
        var hasRAR = false
    }
}
