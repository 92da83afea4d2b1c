// The project's own files as text, for the tests that hold them to the style guide.

import Foundation
import Testing

/// A Swift file of the project.
struct SourceFile: CustomTestStringConvertible {
  /// Relative to the top of the project: `Sources/Bytes/Bytes.swift`.
  let path: String
  let lines: [String]

  /// The folder below Sources or Tests, which is the target's name.
  var target: String { String(path.split(separator: "/")[1]) }
  var isSource: Bool { path.hasPrefix("Sources/") }
  var testDescription: String { path }

  /// The lines without comments and without the contents of one-line string literals.
  var code: [String] {
    lines.map { line in
      let bare = line.replacing(/"(\\.|[^"\\])*"/, with: "\"\"")
      return bare.firstRange(of: "//").map { String(bare[..<$0.lowerBound]) } ?? bare
    }
  }

  static let top = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// A file at the top of the project, or nothing when there is none.
  static func text(_ name: String) -> String {
    (try? String(contentsOf: top.appending(path: name), encoding: .utf8)) ?? ""
  }

  static let all: [SourceFile] = ["Sources", "Tests"].flatMap { folder in
    let found = FileManager.default.enumerator(at: top.appending(path: folder), includingPropertiesForKeys: nil)
    return (found?.allObjects as? [URL] ?? []).filter { $0.pathExtension == "swift" }.map { url in
      let path = String(url.path().dropFirst(top.path().count))
      return SourceFile(
        path: path, lines: text(path).split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
    }
  }

  static let sources = all.filter(\.isSource)
}

/// A function with a body: its first line, counted from 1, and how many lines it has.
struct FunctionExtent {
  let name: String
  let line: Int
  let length: Int
}

extension SourceFile {
  /// The functions, found by their indentation, which the formatter keeps true.
  var functions: [FunctionExtent] {
    let code = code
    return code.indices.compactMap { start in
      guard let match = code[start].firstMatch(of: /^( *)([a-z@() ]*)(func [^ (<]+|init|deinit|subscript)\b/) else {
        return nil
      }
      let indent = match.1
      for index in code.indices[(start + 1)...] where !lines[index].trimmingCharacters(in: .whitespaces).isEmpty {
        guard lines[index].hasPrefix(indent), !lines[index].hasPrefix(indent + " ") else { continue }
        let rest = lines[index].dropFirst(indent.count)
        if rest.hasPrefix("}") {
          return FunctionExtent(name: String(match.3), line: start + 1, length: index - start + 1)
        }
        // Still the signature, or no body at all.
        if !rest.hasPrefix(")"), !rest.hasPrefix("{"), !rest.hasPrefix("where"), !rest.hasPrefix("->") { return nil }
      }
      return nil
    }
  }
}
