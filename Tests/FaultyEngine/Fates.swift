import CTestSupport
import SystemPackage

/// What happens at each look at a file, read from its end.
@safe struct Fates {
    /// Looks that each file has had, counted in memory that all workers share.
    private let looks = unsafe nodeguard_shared_counters(65536)!

    /// What is to happen at this look; nil for a file that says nothing, or has nothing left.
    func next(of file: FileDescriptor) -> String? {
        var end = [UInt8](repeating: 0, count: 200)
        guard let size = try? file.seek(offset: 0, from: .end), (try? file.seek(offset: 0, from: .start)) != nil,
            let count = try? unsafe end.withUnsafeMutableBytes({
                try unsafe file.read(fromAbsoluteOffset: max(0, size - 200), into: $0)
            })
        else { return nil }
        let words = String(decoding: end.prefix(count), as: UTF8.self).split { $0 == "\n" || $0 == " " }
        guard let start = words.lastIndex(of: "nodeguard-fates"), start + 1 < words.count,
            let number = Int(words[start + 1])
        else { return nil }
        let fates = words[(start + 2)...]
        let look = Int(unsafe looks[number])
        unsafe looks[number] += 1
        return look < fates.count ? String(fates[start + 2 + look]) : nil
    }
}
