// The style guide's rules that a machine can check.

import Foundation
import Testing

private let linesMax = 400
private let functionLinesMax = 70
private let columnsMax = 120

/// Functions that may be longer, and why.
private let longFunctions: [String: String] = [:]

/// `@unchecked Sendable` types, and the guard that each names in its comment.
private let uncheckedSendable = [
  "Bytes": "nothing writes to the storage once a Bytes refers to it",
  "CurlLibrary": "function pointers that never change once the library is open",
  "Lock": "its mutex guards its state",
  "OpenSSL": "function pointers that never change once the library is open",
  "TLSContext": "nothing changes it after init; OpenSSL counts references atomically",
  "Thread": "its handle never changes, and one flag guards the one join",
  "WireTable": "immutable after init",
]

private let standardModules: Set = ["Glibc", "Synchronization"]
private let cModules: Set = ["CCurl", "CDeflate", "CLinux", "COpenSSL", "CSQLite", "CYAML", "CZlib", "CZstd"]
/// Log lines are written from this floor up.
private let loggingFloor = 3

@Suite("The sources keep the rules of the style guide")
struct TidyTests {
  @Test("There are sources and a table to hold them against")
  func somethingIsChecked() {
    #expect(SourceFile.sources.count > 20)
    #expect(FloorTable.rows.count > 10)
    for file in SourceFile.sources where !cModules.contains(file.target) {
      #expect(FloorTable.row(of: file.target) != nil, "\(file.target) is not in ARCHITECTURE.md's table")
    }
  }

  @Test("A file opens with its sentence and is short enough to read in one pass", arguments: SourceFile.all)
  func shape(_ file: SourceFile) {
    let first = file.lines.first ?? ""
    #expect(first.hasPrefix("// ") && (first.hasSuffix(".") || file.lines.dropFirst().first?.hasPrefix("//") == true))
    #expect(file.lines.count <= linesMax)
    for (number, line) in file.lines.enumerated() where line.count > columnsMax {
      Issue.record("\(file.path):\(number + 1) has \(line.count) columns")
    }
  }

  @Test("A function fits the screen", arguments: SourceFile.all)
  func functions(_ file: SourceFile) {
    for function in file.functions where function.length > functionLinesMax {
      let isAllowed = longFunctions["\(file.path) \(function.name)"] != nil
      #expect(isAllowed, "\(file.path):\(function.line) \(function.name) has \(function.length) lines")
    }
  }

  @Test("Unsafe code lives only in the targets that the table names", arguments: SourceFile.sources)
  func unsafety(_ file: SourceFile) {
    guard FloorTable.row(of: file.target)?.mayBeUnsafe != true else { return }
    for (number, line) in file.code.enumerated() where line.contains(/\bunsafe\b/) {
      Issue.record("\(file.path):\(number + 1) is unsafe")
    }
  }

  @Test("Imports follow the table of ARCHITECTURE.md", arguments: SourceFile.sources)
  func imports(_ file: SourceFile) throws {
    let row = try #require(FloorTable.row(of: file.target))
    for line in file.code {
      guard let match = line.firstMatch(of: /^(?:[@A-Za-z_]+ )*import (?:[a-z]+ )?([A-Za-z]+)/) else { continue }
      let module = String(match.1)
      let isAllowed =
        switch module {
        case _ where standardModules.contains(module): true
        case _ where cModules.contains(module): row.mayImportC
        case "Logging": row.floor >= loggingFloor
        case "ArgumentParser": row.mayImportAll
        default: row.mayImportAll ? FloorTable.row(of: module) != nil : row.imports.contains(module)
        }
      #expect(isAllowed, "\(file.path) imports \(module)")
    }
  }

  @Test("Imports of a target point down", arguments: FloorTable.rows.map(\.targets))
  func floors(_ targets: [String]) throws {
    let row = try #require(FloorTable.row(of: targets[0]))
    for module in row.imports {
      guard let imported = FloorTable.row(of: module) else { continue }
      #expect(imported.floor < row.floor, "\(targets) imports \(module)")
    }
  }

  @Test("What hides a mistake is not written", arguments: SourceFile.sources)
  func forbidden(_ file: SourceFile) {
    for (number, line) in file.code.enumerated() {
      for pattern in ["try!", "public ", "@testable", "import Foundation", "@_exported"] where line.contains(pattern) {
        Issue.record("\(file.path):\(number + 1) says \(pattern)")
      }
      guard let match = line.firstMatch(of: /(?:class|struct|enum|extension) ([A-Za-z]+).*@unchecked Sendable/) else {
        continue
      }
      #expect(uncheckedSendable[String(match.1)] != nil, "\(match.1) is @unchecked Sendable without a reason")
      let comment = file.lines[max(0, number - 4)..<number]
      #expect(comment.contains { $0.contains("// `@unchecked Sendable`:") }, "\(match.1) does not name its guard")
    }
  }

  @Test("A type whose members are to be inlined elsewhere is usable from there", arguments: SourceFile.sources)
  func inlining(_ file: SourceFile) {
    guard file.code.contains(where: { $0.contains("@inlinable") }) else { return }
    for (number, line) in file.code.enumerated() where line.contains(/^package (?:final )?(?:struct|class|enum)\b/) {
      // Without it the compiler says nothing, and inlines nothing.
      let before = file.code[max(0, number - 3)..<number]
      #expect(before.contains { $0.contains("@usableFromInline") }, "\(file.path):\(number + 1)")
    }
  }

  @Test("Every reason on the lists is still needed")
  func listsAreShort() {
    let unchecked = SourceFile.sources.flatMap(\.code).filter { $0.contains("@unchecked Sendable") }
    for name in uncheckedSendable.keys {
      #expect(unchecked.contains { $0.contains(" \(name)") }, "\(name) is on the list for nothing")
    }
    for entry in longFunctions.keys {
      let isLong = SourceFile.all.contains { file in
        file.functions.contains { $0.length > functionLinesMax && "\(file.path) \($0.name)" == entry }
      }
      #expect(isLong, "\(entry) is on the list for nothing")
    }
  }
}

@Suite("The documents say what the sources say")
struct DocumentTests {
  /// The lines of a text without indentation, so that a method is found wherever it stands.
  private static func flush(_ lines: some Sequence<some StringProtocol>) -> String {
    lines.map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: "\n")
  }

  @Test("The Swift code that ARCHITECTURE.md prints is the code that runs")
  func architecture() {
    let blocks = SourceFile.text("ARCHITECTURE.md").components(separatedBy: "```swift\n").dropFirst()
    #expect(!blocks.isEmpty)
    let sources = SourceFile.sources.map { DocumentTests.flush($0.lines) }
    for block in blocks {
      // The first line of a block may name its file.
      let lines = block.components(separatedBy: "```")[0].split(separator: "\n", omittingEmptySubsequences: false)
        .drop { $0.hasPrefix("// Sources/") }
      let printed = DocumentTests.flush(lines).trimmingCharacters(in: .newlines)
      #expect(sources.contains { $0.contains(printed) }, "not in the sources:\n\(printed)")
    }
  }

  @Test("The change log begins with what is unreleased")
  func changes() {
    let headings = SourceFile.text("CHANGELOG.md").split(separator: "\n").filter { $0.hasPrefix("## ") }
    #expect(headings.first == "## Unreleased")
  }
}
