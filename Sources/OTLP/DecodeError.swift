// Why a request's bytes were refused, and where.

/// A body that is not OTLP: it is refused whole, with 400 or INVALID_ARGUMENT.
package struct DecodeError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Where in the message: `resourceSpans[0].scopeSpans[2].spans[17].traceId`; empty for the document itself.
  package let path: String
  /// What was expected and what was found. Always valid UTF-8, also when it quotes bad input.
  package let problem: String
  /// The offset in the decompressed body.
  package let byte: Int

  package init(path: String, problem: String, byte: Int) {
    self.path = path
    self.problem = problem
    self.byte = byte
  }

  package var description: String { (path.isEmpty ? "" : path + ": ") + problem + " (at byte \(byte))" }
}
