// Reads YAML events from a text: the only code that touches libyaml.

internal import CYAML

/// Walks a UTF-8 text and returns its events in order.
///
/// Not thread-safe; memory is bounded by the length of the text.
@safe
package final class YAMLParser {
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let input: UnsafeMutableBufferPointer<UInt8>
  private var failure: YAMLError?

  package init(_ bytes: [UInt8]) {
    unsafe input = .allocate(capacity: max(bytes.count, 1))
    // Safe: the buffer has room for every byte, and both live until `deinit`.
    _ = unsafe input.update(fromContentsOf: bytes)
    unsafe parser = .allocate(capacity: 1)
    unsafe parser.initialize(to: yaml_parser_t())
    // It fails only when memory does.
    if unsafe yaml_parser_initialize(parser) == 0 {
      failure = YAMLError(
        mark: YAMLMark(line: 1, column: 1), problem: "not enough memory", context: nil, contextMark: nil)
      return
    }
    unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    unsafe yaml_parser_set_input_string(parser, input.baseAddress, bytes.count)
    if let offset = Self.firstInvalidByte(of: bytes) {
      failure = YAMLError(
        mark: Self.mark(of: offset, in: bytes), problem: "the text is not valid UTF-8 here", context: nil,
        contextMark: nil)
    }
  }

  deinit {
    unsafe yaml_parser_delete(parser)
    unsafe parser.deallocate()
    unsafe input.deallocate()
  }

  /// The next event; after the first error, always that error.
  package func next() throws(YAMLError) -> YAMLEvent {
    while true {
      if let failure { throw failure }
      var event = unsafe yaml_event_t()
      // Safe: the event is filled by libyaml and deleted once, after its texts were copied.
      guard unsafe yaml_parser_parse(parser, &event) != 0 else {
        let error = currentError()
        failure = error
        throw error
      }
      defer { unsafe yaml_event_delete(&event) }
      if let converted = unsafe Self.converted(event) { return converted }
    }
  }

  private func currentError() -> YAMLError {
    let state = unsafe parser.pointee
    let problem = unsafe Self.text(state.problem) ?? "not valid YAML"
    guard unsafe state.error != YAML_READER_ERROR else {
      let mark = unsafe Self.mark(of: state.problem_offset, in: Array(input))
      return YAMLError(mark: mark, problem: problem, context: nil, contextMark: nil)
    }
    let context = unsafe Self.text(state.context)
    return unsafe YAMLError(
      mark: YAMLMark(state.problem_mark), problem: problem, context: context,
      contextMark: context == nil ? nil : YAMLMark(state.context_mark))
  }

  /// The event as values of our own; nil for the start of the stream, which says nothing.
  private static func converted(_ raw: yaml_event_t) -> YAMLEvent? {
    let mark = unsafe YAMLMark(raw.start_mark)
    func event(_ kind: YAMLEvent.Kind, anchor: String? = nil, tag: String? = nil) -> YAMLEvent {
      YAMLEvent(kind: kind, anchor: anchor, tag: tag, mark: mark)
    }
    // Safe: each union member is read only under the event type that sets it.
    switch unsafe raw.type {
    case YAML_DOCUMENT_START_EVENT: return event(.documentStart)
    case YAML_DOCUMENT_END_EVENT: return event(.documentEnd)
    case YAML_STREAM_END_EVENT: return event(.streamEnd)
    case YAML_SEQUENCE_END_EVENT: return event(.sequenceEnd)
    case YAML_MAPPING_END_EVENT: return event(.mappingEnd)
    case YAML_ALIAS_EVENT: return event(.alias(of: unsafe text(raw.data.alias.anchor) ?? ""))
    case YAML_SEQUENCE_START_EVENT:
      let data = unsafe raw.data.sequence_start
      return unsafe event(.sequenceStart, anchor: text(data.anchor), tag: text(data.tag))
    case YAML_MAPPING_START_EVENT:
      let data = unsafe raw.data.mapping_start
      return unsafe event(.mappingStart, anchor: text(data.anchor), tag: text(data.tag))
    case YAML_SCALAR_EVENT:
      let data = unsafe raw.data.scalar
      let value = unsafe String(decoding: UnsafeBufferPointer(start: data.value, count: data.length), as: UTF8.self)
      let scalar = unsafe YAMLScalar(text: value, isPlain: data.style == YAML_PLAIN_SCALAR_STYLE)
      return unsafe event(.scalar(scalar), anchor: text(data.anchor), tag: text(data.tag))
    default: return nil
    }
  }

  private static func text(_ pointer: UnsafeMutablePointer<UInt8>?) -> String? {
    guard let pointer = unsafe pointer else { return nil }
    // Safe: libyaml ends its names with a zero byte.
    return unsafe String(cString: pointer)
  }

  private static func text(_ pointer: UnsafePointer<CChar>?) -> String? {
    guard let pointer = unsafe pointer else { return nil }
    // Safe: libyaml's messages are C literals.
    return unsafe String(cString: pointer)
  }

  private static func firstInvalidByte(of bytes: [UInt8]) -> Int? {
    do throws(UTF8.ValidationError) {
      _ = try UTF8Span(validating: bytes.span)
      return nil
    } catch {
      return error.byteOffsets.lowerBound
    }
  }

  /// The line and column of a byte, for errors that libyaml places by offset.
  private static func mark(of offset: Int, in bytes: [UInt8]) -> YAMLMark {
    let before = bytes.prefix(offset)
    let lineStart = (before.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
    let line = before.count { $0 == UInt8(ascii: "\n") } + 1
    // Continuation bytes (10xxxxxx) belong to the scalar before them.
    return YAMLMark(line: line, column: before[lineStart...].count { $0 & 0xC0 != 0x80 } + 1)
  }
}

extension YAMLMark {
  fileprivate init(_ mark: yaml_mark_t) {
    self.init(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
  }
}
