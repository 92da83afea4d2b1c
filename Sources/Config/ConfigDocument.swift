// A config file's text becomes a tree: size, syntax and its error excerpts, then `${…}`.

internal import YAML

/// A config file, parsed and with every `${…}` replaced.
package struct ConfigDocument {
  package let root: ConfigNode

  /// Reads a file's bytes.
  ///
  /// - Returns: nil when no tree could be built; `diagnostics` then has the error.
  package init?(
    _ bytes: [UInt8], file: String, sources: ExpansionSources = ExpansionSources(), diagnostics: ConfigDiagnostics
  ) {
    let start = SourcePosition(file: file, line: 1, column: 1)
    guard bytes.count <= ConfigLimits.bytesMax else {
      diagnostics.error(
        ConfigProblem(
          position: start, message: "\(bytes.count) bytes are more than the \(ConfigLimits.bytesMax) of any config"))
      return nil
    }
    var composer = NodeComposer(bytes, file: file, diagnostics: diagnostics)
    do throws(NodeError) {
      let composed = try composer.document()
      guard let composed, !composed.isNull else {
        // The Collector's words.
        diagnostics.error(ConfigProblem(position: start, message: "empty configuration file"))
        return nil
      }
      var expansion = VariableExpansion(sources: sources, diagnostics: diagnostics)
      root = expansion.expanded(composed)
    } catch {
      diagnostics.error(Self.problem(error, in: bytes, file: file))
      return nil
    }
  }

  private static func problem(_ error: NodeError, in bytes: [UInt8], file: String) -> ConfigProblem {
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    // libyaml reports the end of the text as the line after the last.
    let line = min(error.mark.line, lines.count)
    let text = String(decoding: lines[line - 1], as: UTF8.self)
    let message =
      error.isSyntax && hasTabIndentation(text)
      ? "the line is indented with a tab, and YAML allows only spaces there (\(error.message))" : error.message
    return ConfigProblem(
      position: SourcePosition(file: file, mark: error.mark), message: message,
      excerpt: excerpt(text, line: line, column: error.mark.line == line ? error.mark.column : text.count + 1))
  }

  private static func hasTabIndentation(_ line: String) -> Bool {
    line.prefix { $0 == " " || $0 == "\t" || $0 == "-" }.contains("\t")
  }

  /// The line with a caret under the column; tabs and other control characters become spaces, so that it stands right.
  private static func excerpt(_ text: String, line: Int, column: Int) -> String {
    let shown = text.unicodeScalars.prefix(160).map { $0.properties.generalCategory == .control ? " " : Character($0) }
    let margin = String(repeating: " ", count: "\(line)".count)
    let caret = String(repeating: " ", count: min(max(column - 1, 0), shown.count)) + "^"
    return "  \(line) | \(String(shown))\n  \(margin) | \(caret)"
  }
}
