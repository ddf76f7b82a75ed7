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
        let seen = Seen(limit: signatures.limits.fileBytes)
        _ = EngineMessages.take()
        ScratchRoom.beginLook()
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
        unsafe cl_engine_set_clcb_pre_cache(engine) { file, type, context in
            ScratchRoom.check()
            if let context = unsafe context {
                let seen = unsafe Unmanaged<Seen>.fromOpaque(context).takeUnretainedValue()
                unsafe seen.addLayer(file, type)
            }
            return CL_CLEAN
        }
        let result = withExtendedLifetime(seen) {
            unsafe cl_scandesc_callback(
                file.rawValue, nil, &name, &blocks, engine, &options, Unmanaged.passUnretained(seen).toOpaque())
        }
        if let name = unsafe name { seen.matches.append(unsafe String(cString: name)) }
        // Its size tells whether it had to be looked into, where it was not.
        guard let size = seen.layers > 0 ? 0 : try? FileStatus.of(file).size else {
            return .incomplete(.ioError, "fstat failed")
        }
        let judgement = Judgement(
            result: result, resultText: LoadedSignatures.text(result), matches: seen.matches,
            messages: EngineMessages.take(), layers: seen.layers, size: size,
            hasCutMember: seen.hasCutMember, hasUnreadRAR: seen.hasRAR && !signatures.unpacksRAR,
            ranOutOfRoom: ScratchRoom.ranOut)
        return judgement.verdict
    }

    /// What the callbacks collect during one look.
    private final class Seen {
        var matches: [String] = []
        private(set) var layers = 0
        private(set) var hasRAR = false
        private(set) var hasCutMember = false
        private let limit: UInt64

        init(limit: UInt64) { self.limit = limit }

        /// libclamav is about to look into a file or a member.
        ///
        /// unzip.c of libclamav writes a member in blocks of BUFSIZ (8192) bytes and stops before the block that goes
        /// beyond the limit of the file size, without a word to anybody. What is as long as that may have been cut.
        func addLayer(_ file: Int32, _ type: UnsafePointer<CChar>?) {
            layers += 1
            if let type = unsafe type, unsafe strcmp(type, "CL_TYPE_RAR") == 0 { hasRAR = true }
            var status = stat()
            guard layers > 1, file >= 0, unsafe fstat(file, &status) == 0 else { return }
            if UInt64(max(status.st_size, 0)) + UInt64(BUFSIZ) > limit { hasCutMember = true }
        }
    }
}
