import Journal
import SystemPackage
import TestSupport
import Testing

/// ClamAV's own collection of archives and packed programs, held against what ClamAV's own scanner finds in it.
/// Needs Debian's clamav and clamav-testfiles.
@Suite struct TestFilesTests {
    @Test func everythingIsFoundThatClamscanFinds() throws {
        let house = try ScanHouse(workers: 2)
        let demo = FilePath("\(#filePath)").removingLastComponent().appending("../../config/demo/signatures")
        try house.shell("rm ../signatures/*; install -m 644 \"$1\"/* ../signatures", demo.lexicallyNormalized().string)
        let folder = FilePath("/usr/share/clamav-testfiles")
        let theirs = try runProgram([
            "clamscan", "--recursive", "--infected", "--no-summary", "--database=\(house.signatures)", folder.string,
        ])
        // 1: something found. Lines are `PATH: SIGNATURE FOUND`.
        #expect(theirs.status == 1)
        let expected = Set(
            theirs.output.split(separator: "\n").filter { $0.hasSuffix(" FOUND") }.map { line in
                String(line.prefix(upTo: line.lastIndex(of: ":") ?? line.endIndex))
            })
        #expect(expected.count > 30)
        let result = try house.scan(folder)
        let found = Set(result.files.filter { $0.outcome.kind == .infected }.map(\.path.string))
        #expect(expected.subtracting(found) == [])
        #expect(result.status == 1)
    }
}
