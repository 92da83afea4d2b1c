// Config texts become one tree: size, syntax and its error excerpts, merging, then `${…}`.

internal import YAML

/// The configuration, parsed, merged and with every `${…}` replaced.
package struct ConfigDocument {
  package let root: ConfigNode

  /// Reads one configuration.
  ///
  /// - Returns: nil when no tree could be built; `diagnostics` then has the error.
  package init?(
    _ bytes: [UInt8], file: String, sources: ExpansionSources = ExpansionSources(), diagnostics: ConfigDiagnostics
  ) {
    self.init([ConfigText(bytes, name: file)], sources: sources, diagnostics: diagnostics)
  }

  /// Reads several configurations, each laid over those before it.
  package init?(_ texts: [ConfigText], sources: ExpansionSources, diagnostics: ConfigDiagnostics) {
    let trees = texts.compactMap { Self.tree($0, diagnostics) }
    guard trees.count == texts.count else { return nil }
    let present = trees.filter { !$0.isNull }
    guard let first = present.first else {
      let start = texts.first.map { SourcePosition(file: $0.name, line: 1, column: 1) }
      // The Collector's words.
      diagnostics.error(ConfigProblem(position: start, message: "empty configuration file"))
      return nil
    }
    let merged = present.dropFirst().reduce(first) { $0.merged(with: $1) }
    var expansion = VariableExpansion(sources: sources, diagnostics: diagnostics)
    root = expansion.expanded(merged)
  }

  /// One text's tree, which is nothing when the text is empty; nil after an error.
  private static func tree(_ text: ConfigText, _ diagnostics: ConfigDiagnostics) -> ConfigNode? {
    let start = SourcePosition(file: text.name, line: text.path == nil ? 1 : 0, column: 1)
    guard text.bytes.count <= ConfigLimits.bytesMax else {
      diagnostics.error(
        ConfigProblem(
          position: start,
          message: "\(text.bytes.count) bytes are more than the \(ConfigLimits.bytesMax) of any config"))
      return nil
    }
    var composer = NodeComposer(text.bytes, file: text.name, diagnostics: diagnostics)
    do throws(NodeError) {
      let tree = try composer.document() ?? .null(at: start)
      guard let path = text.path else { return tree.withKeysApart }
      return .under(path, tree.moved(to: start), keyPosition: start)
    } catch {
      guard text.path == nil else {
        diagnostics.error(ConfigProblem(position: start, message: "the value is no YAML: \(error.message)"))
        return nil
      }
      diagnostics.error(Self.problem(error, in: text.bytes, file: text.name))
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
