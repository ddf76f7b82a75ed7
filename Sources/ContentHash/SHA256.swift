internal import CCrypto

/// A SHA-256 that is being made, piece by piece, by OpenSSL's libcrypto (1.8 GB/s where the processor helps).
///
/// Safe: the context never leaves it.
@safe public struct SHA256: ~Copyable {
    private let context: OpaquePointer

    private static let isStarted = nodeguard_crypto_start() == 1
    /// The algorithm; alive as long as the process.
    private nonisolated(unsafe) static let algorithm = unsafe nodeguard_fetch_sha256()

    /// The hash of nothing yet.
    public init() {
        // These fail only without memory for a few hundred bytes, which ends a Swift program in any case.
        guard Self.isStarted, let context = unsafe EVP_MD_CTX_new() else {
            preconditionFailure("libcrypto has no memory")
        }
        unsafe self.context = unsafe context
        restart()
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    /// Takes bytes in.
    public mutating func add(_ bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { unsafe add($0) }
    }

    /// Takes bytes in.
    public mutating func add(_ bytes: UnsafeRawBufferPointer) {
        guard unsafe EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1 else {
            preconditionFailure("libcrypto cannot hash")
        }
    }

    /// The hash of everything that was taken in; begins anew.
    public mutating func digest() -> Digest {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        let result = unsafe withUnsafeMutableBytes(of: &words) {
            unsafe EVP_DigestFinal_ex(context, $0.bindMemory(to: UInt8.self).baseAddress, nil)
        }
        guard result == 1 else { preconditionFailure("libcrypto cannot hash") }
        restart()
        return Digest(
            words: (words.0.littleEndian, words.1.littleEndian, words.2.littleEndian, words.3.littleEndian))
    }

    private func restart() {
        guard unsafe EVP_DigestInit_ex(context, Self.algorithm, nil) == 1 else {
            preconditionFailure("libcrypto cannot hash")
        }
    }
}
