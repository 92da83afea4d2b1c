// A text that must not be printed: header values, passwords, keys.

/// Holds a secret; printing, interpolating or dumping it shows `[REDACTED]`, as the Collector does.
package struct Secret: ConfigValue, Hashable, Sendable {
  private let text: String

  package init(_ text: String) { self.text = text }

  /// The secret itself, for the one place that sends it.
  package func reveal() -> String { text }

  package static var isText: Bool { true }
  package static func decode(_ reader: NodeReader) -> Secret? {
    reader.diagnostics.noteSecret(reader.path)
    return reader.text(expected: "a text").map(Secret.init)
  }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  package var description: String { "[REDACTED]" }
  package var debugDescription: String { "[REDACTED]" }
  package var customMirror: Mirror { Mirror(self, children: []) }
}
