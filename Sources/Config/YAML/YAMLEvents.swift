import CYAML

/// One step of reading a YAML file, as libyaml reports it.
enum YAMLEvent {
    case documentStart
    /// An alias, `*name`.
    case alias
    case scalar(Node.Scalar, YAMLProperties)
    case listStart(YAMLProperties)
    case listEnd
    case mappingStart(YAMLProperties)
    case mappingEnd
    /// The start and end of the stream, and the end of a document: nothing to do.
    case boundary
}

/// What may stand in front of a value.
struct YAMLProperties {
    /// An anchor, `&name`.
    let hasAnchor: Bool
    /// A tag, `!name`.
    let hasTag: Bool
}

/// A line and a column, both from 1.
struct YAMLMark: Equatable {
    let line: Int
    let column: Int
}

/// What libyaml could not read.
struct YAMLSyntaxError: Equatable {
    let mark: YAMLMark
    /// libyaml's words, such as "did not find expected key".
    let problem: String
    /// What it was reading, such as "while parsing a block mapping"; may be empty.
    let context: String
}

/// Reads bytes, which must be UTF-8, with libyaml and hands each event to `take` until that returns false.
///
/// Gives back the error that ended the reading, or nil. This is the only place that touches libyaml.
func readYAML(_ bytes: [UInt8], _ take: (YAMLEvent, YAMLMark) -> Bool) -> YAMLSyntaxError? {
    unsafe bytes.withUnsafeBufferPointer { buffer in
        var parser = unsafe yaml_parser_t()
        guard unsafe yaml_parser_initialize(&parser) == 1 else {
            return YAMLSyntaxError(mark: YAMLMark(line: 1, column: 1), problem: "out of memory", context: "")
        }
        defer { unsafe yaml_parser_delete(&parser) }
        let end = endMark(bytes)
        unsafe yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING)
        // libyaml keeps the pointer until yaml_parser_delete, which is within the life of `buffer`. It never reads
        // through it where the count is 0.
        unsafe yaml_parser_set_input_string(&parser, buffer.baseAddress, buffer.count)
        while true {
            var event = unsafe yaml_event_t()
            guard unsafe yaml_parser_parse(&parser, &event) == 1 else { return unsafe syntaxError(parser, end) }
            defer { unsafe yaml_event_delete(&event) }
            let isEnd = unsafe event.type == YAML_STREAM_END_EVENT
            let goesOn = unsafe take(swiftEvent(event), mark(event.start_mark, end))
            if isEnd || !goesOn { return nil }
        }
    }
}

/// The place behind the last character.
private func endMark(_ bytes: [UInt8]) -> YAMLMark {
    let lines = bytes.split(separator: 0x0a, omittingEmptySubsequences: false)
    let last = String(decoding: lines.last ?? [], as: UTF8.self)
    return YAMLMark(line: max(1, lines.count), column: last.unicodeScalars.count + 1)
}

private func mark(_ mark: yaml_mark_t, _ end: YAMLMark) -> YAMLMark {
    // libyaml puts the end of a file whose last line is not ended on a line that is not there.
    mark.line + 1 > end.line ? end : YAMLMark(line: mark.line + 1, column: mark.column + 1)
}

private func syntaxError(_ parser: yaml_parser_t, _ end: YAMLMark) -> YAMLSyntaxError {
    // The mark of a reader's error is not set; but what the reader refuses has been found before.
    unsafe YAMLSyntaxError(
        mark: mark(parser.problem_mark, end),
        problem: parser.problem.map { unsafe String(cString: $0) } ?? "out of memory",
        context: parser.context.map { unsafe String(cString: $0) } ?? "")
}

private func swiftEvent(_ event: yaml_event_t) -> YAMLEvent {
    switch unsafe event.type {
    case YAML_DOCUMENT_START_EVENT: return .documentStart
    case YAML_ALIAS_EVENT: return .alias
    case YAML_SCALAR_EVENT:
        let scalar = unsafe event.data.scalar
        let text = unsafe String(
            decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
        let properties = unsafe YAMLProperties(hasAnchor: scalar.anchor != nil, hasTag: scalar.tag != nil)
        return unsafe .scalar(
            Node.Scalar(text: text, quoted: scalar.style != YAML_PLAIN_SCALAR_STYLE), properties)
    case YAML_SEQUENCE_START_EVENT:
        let start = unsafe event.data.sequence_start
        return unsafe .listStart(YAMLProperties(hasAnchor: start.anchor != nil, hasTag: start.tag != nil))
    case YAML_SEQUENCE_END_EVENT: return .listEnd
    case YAML_MAPPING_START_EVENT:
        let start = unsafe event.data.mapping_start
        return unsafe .mappingStart(YAMLProperties(hasAnchor: start.anchor != nil, hasTag: start.tag != nil))
    case YAML_MAPPING_END_EVENT: return .mappingEnd
    default: return .boundary
    }
}
