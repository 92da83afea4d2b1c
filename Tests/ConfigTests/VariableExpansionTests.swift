// `${…}` in scalars: what is replaced, by what, and what stays.

import Config
import Testing

private let environment = [
  "HOST": "db", "PORT": "4318", "EMPTY": "", "WHICH": "HOST", "LIST": "[a, b]", "MAP": "{k: 1}",
  "PASSWORD": "a$$b${HOST}#c",
  "SPACED": "true ", "BROKEN": "[a", "COMMENT": "x #y",
]

/// The node behind the key `a`, and what was found.
private func expanded(
  _ scalar: String, readFile: ((String) throws -> [UInt8])? = nil
) throws -> (node: ConfigNode, diagnostics: ConfigDiagnostics) {
  let diagnostics = ConfigDiagnostics()
  let document = try #require(
    ConfigDocument(
      Array("a: \(scalar)".utf8), file: "t.yaml",
      sources: ExpansionSources(environment: environment, readFile: readFile), diagnostics: diagnostics))
  guard case .mapping(let entries) = document.root.content else { throw Missing() }
  return (try #require(entries.first).value, diagnostics)
}

private struct Missing: Error, CustomStringConvertible {
  var description: String { "no such file" }
}

@Suite struct VariableExpansionTests {
  @Test(
    "Variables, defaults, nesting and escapes",
    arguments: [
      ("${env:HOST}", "db"), ("${HOST}", "db"), ("http://${env:HOST}:${PORT}/x", "http://db:4318/x"),
      ("${env:NONE:-none}", "none"), ("${NONE:-none}", "none"), ("${env:HOST:-none}", "db"),
      ("${env:EMPTY:-none}", ""), ("${env:NONE:-}", ""), ("${env:NONE:-a:-b}", "a:-b"),
      ("${env:${WHICH}}", "db"), ("${env:NONE:-${HOST}}", "db"), ("${${NONE:-WHICH}}", "HOST"),
      ("$${HOST}", "${HOST}"), ("$$${HOST}", "$db"), ("$$$${HOST}", "$${HOST}"), ("$HOST", "$HOST"), ("a$", "a$"),
      ("${yaml:[1]}", "[1]"), ("'${env:HOST}'", "db"), ("${env:PASSWORD}", "a$$b${HOST}#c"),
      ("${env:COMMENT}", "x #y"),
    ])
  func text(scalar: String, expected: String) throws {
    let (node, diagnostics) = try expanded(scalar)
    #expect(node.text == expected)
    #expect(diagnostics.errors.isEmpty && diagnostics.warnings.isEmpty)
  }

  @Test("A scalar that is exactly one variable is read as YAML")
  func types() throws {
    #expect(try expanded("${env:PORT}").node.scalarValue == .integer(4318))
    #expect(try expanded("'${env:PORT}'").node.scalarValue == .integer(4318))
    #expect(try expanded("${env:SPACED}").node.scalarValue == .boolean(true))
    #expect(try expanded("${env:PORT}0").node.scalarValue == .string("43180"))
    #expect(try expanded("${env:LIST}").node.found == "a list")
    #expect(try expanded("${env:MAP}").node.found == "a mapping")
    #expect(try expanded("${env:BROKEN}").node.scalarValue == .string("[a"))
    #expect(try expanded("x${env:LIST}").node.scalarValue == .string("x[a, b]"))
  }

  @Test("An unset variable is empty, with the Collector's warning")
  func unset() throws {
    let (node, diagnostics) = try expanded("${env:NONE}")
    #expect(node.isNull && node.text.isEmpty)
    #expect(
      diagnostics.warnings.map(\.description) == [
        "t.yaml:1:4: Configuration references unset environment variable NONE; it is read as empty"
      ])
  }

  @Test("A file gives its text without the last newline")
  func file() throws {
    let (node, _) = try expanded("${file:/run/token}") { $0 == "/run/token" ? Array("s3cret\n".utf8) : [] }
    #expect(node.text == "s3cret")
  }

  @Test(
    "What cannot be replaced is an error",
    arguments: [
      ("${env:HOST", "`${` is never closed; write `$${` for a literal `${`"),
      ("${env:1A}", #""1A" is no name of an environment variable (letters, digits and _, not a digit first)"#),
      ("${}", #""" is no name of an environment variable (letters, digits and _, not a digit first)"#),
      ("${env:A:b}", "expected `:-` before the default in `${env:A:b}`"),
      (
        "${https://x/y}",
        "`${https:…}` is not supported; otlpd reads ${env:NAME}, ${env:NAME:-default}, ${file:path} and ${yaml:text}"
      ),
      ("${file:/none}", "`${file:/none}`: no such file"),
    ])
  func errors(scalar: String, message: String) throws {
    let (_, diagnostics) = try expanded("'\(scalar)'") { _ in throw Missing() }
    #expect(diagnostics.errors.map(\.message) == [message])
  }

  @Test("Nesting stops at its bound")
  func depth() throws {
    let (_, diagnostics) = try expanded(String(repeating: "${", count: 100_000))
    #expect(diagnostics.errors.map(\.message) == ["more than 64 `${` inside each other"])
  }

  @Test("A thousand variables are enough")
  func bound() throws {
    let (_, diagnostics) = try expanded(String(repeating: "${HOST}", count: 1001))
    #expect(diagnostics.errors.map(\.message) == ["more than 1000 uses of `${…}`"])
  }
}
