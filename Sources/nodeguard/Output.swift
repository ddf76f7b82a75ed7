import FoundationEssentials
import SystemPackage

/// Writes a line to stderr, where messages go.
func printError(_ line: String) {
    // Where stderr is gone there is nobody left to tell.
    _ = try? FileDescriptor.standardError.writeAll((line + "\n").utf8)
}

/// Writes one JSON document to stdout, its keys in the order of the alphabet.
func printJSON(_ document: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    print(String(decoding: try encoder.encode(document), as: UTF8.self))
}
