// Collects everything there is to say about a config file, so that the user sees all mistakes at once.

package import YAML

/// A place in a config file: `otlpd.yaml:7:3`.
package struct SourcePosition: Hashable, Sendable, Comparable, CustomStringConvertible {
  package let file: String
  package let line: Int
  package let column: Int

  package init(file: String, line: Int, column: Int) {
    self.file = file
    self.line = line
    self.column = column
  }

  package init(file: String, mark: YAMLMark) { self.init(file: file, line: mark.line, column: mark.column) }

  /// What has no lines, such as the value of an option, is line 0.
  package var description: String { line == 0 ? file : "\(file):\(line):\(column)" }

  package static func < (left: SourcePosition, right: SourcePosition) -> Bool {
    (left.file, left.line, left.column) < (right.file, right.line, right.column)
  }
}

/// One thing to tell the user: where it is, and what is wrong or to be known.
package struct ConfigProblem: Error, Hashable, Sendable, CustomStringConvertible {
  package let position: SourcePosition?
  /// The Collector's way of naming a key: `receivers::otlp::protocols`; empty for the file as a whole.
  package let path: String
  package let message: String
  /// The line of the file with a caret below, for mistakes of syntax.
  package let excerpt: String?

  package init(position: SourcePosition?, path: String = "", message: String, excerpt: String? = nil) {
    self.position = position
    self.path = path
    self.message = message
    self.excerpt = excerpt
  }

  /// `otlpd.yaml:7:3: receivers::otlp: unknown key "protocol"; did you mean "protocols"?`
  package var description: String {
    let place = position.map { "\($0): " } ?? ""
    return place + (path.isEmpty ? "" : "\(path): ") + message + (excerpt.map { "\n\($0)" } ?? "")
  }
}

/// What reading a config file has found: errors make it unusable, warnings and keys without effect do not.
///
/// A class, since every reader of a part of the file adds to the same list; used on one thread.
package final class ConfigDiagnostics {
  private var collectedErrors: [ConfigProblem] = []
  private var collectedWarnings: [ConfigProblem] = []
  private var collectedInertKeys: [ConfigProblem] = []
  private var collectedNotes: [ConfigProblem] = []
  private var inertDepth = 0
  /// For showing the configuration as it is used.
  private(set) var effective = EffectiveNotes()
  /// Also walk blocks that the file leaves out, so that `knownPaths` is complete.
  package let recordsKnownPaths: Bool
  /// The path of every key that a decoder asked for.
  package private(set) var knownPaths: Set<String> = []

  package init(recordsKnownPaths: Bool = false) { self.recordsKnownPaths = recordsKnownPaths }

  /// In the order of the file; those without a place come last.
  package var errors: [ConfigProblem] { Self.sorted(collectedErrors) }
  package var warnings: [ConfigProblem] { Self.sorted(collectedWarnings) }
  /// Keys of the Collector that are checked and accepted, set to something else than their default, and do nothing yet.
  package var inertKeys: [ConfigProblem] { Self.sorted(collectedInertKeys) }

  /// What is good to know: nothing to mend.
  package var notes: [ConfigProblem] { Self.sorted(collectedNotes) }

  package func error(_ problem: ConfigProblem) { collectedErrors.append(problem) }
  package func warn(_ problem: ConfigProblem) { collectedWarnings.append(problem) }
  package func note(_ problem: ConfigProblem) { collectedNotes.append(problem) }

  /// Notes a key without effect, unless it lies inside a block that is noted as a whole.
  package func noteInert(_ path: String, at position: SourcePosition) {
    if inertDepth == 0 {
      collectedInertKeys.append(ConfigProblem(position: position, path: path, message: "has no effect yet"))
    }
  }

  /// Runs `body` while keys without effect are not noted one by one.
  package func insideInertBlock(_ body: () -> Void) {
    inertDepth += 1
    body()
    inertDepth -= 1
  }

  func noteValue(_ path: String, _ content: ConfigNode.Content?) {
    if let content { effective.values.append((path, content)) }
  }

  func noteSecret(_ path: String) { effective.secrets.insert(path) }

  /// Notes a key that nobody looks into.
  package func noteUnread(_ path: String) { effective.unread.insert(path) }

  package func know(_ path: String) { knownPaths.insert(path) }
  package func know(_ paths: Set<String>) { knownPaths.formUnion(paths) }

  private static func sorted(_ problems: [ConfigProblem]) -> [ConfigProblem] {
    // Swift's sort is stable: problems of one place stay in the order in which they were found.
    problems.sorted { left, right in
      guard let leftPosition = left.position else { return false }
      guard let rightPosition = right.position else { return true }
      return leftPosition < rightPosition
    }
  }
}
