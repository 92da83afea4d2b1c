// Sources of configuration: what options mean, and what several come to.

import Config
import Testing
import YAML

private struct NoFile: Error {}

private func effective(_ sources: [ConfigSource], environment: [String: String] = [:]) throws -> String {
  let places = ExpansionSources(environment: environment) { _ in throw NoFile() }
  let diagnostics = ConfigDiagnostics()
  let document = try #require(
    ConfigDocument(
      try sources.map { try $0.text(from: places) }, sources: places, diagnostics: diagnostics))
  #expect(diagnostics.errors == [])
  return document.effectiveText(diagnostics)
}

@Suite struct ConfigSourceTests {
  @Test("An option's value is a path unless a scheme says otherwise")
  func schemes() throws {
    #expect(try ConfigSource(parsing: "/etc/otlpd.yaml") == .file("/etc/otlpd.yaml"))
    #expect(try ConfigSource(parsing: "file:a:b") == .file("a:b"))
    #expect(try ConfigSource(parsing: "a:b.yaml") == .file("a:b.yaml"))
    #expect(try ConfigSource(parsing: "env:CONFIG") == .variable("CONFIG"))
    #expect(try ConfigSource(parsing: "yaml:a::b: c") == .yaml("a::b: c"))
    #expect(throws: ConfigSourceError.self) { try ConfigSource(parsing: "https://x/y.yaml") }
  }

  @Test("A setting's keys are separated by dots, or by colons where a key has a dot")
  func settings() throws {
    #expect(try ConfigSource(parsingSetting: "a.b/c.d=x=y") == .setting(["a", "b/c", "d"], "x=y"))
    #expect(try ConfigSource(parsingSetting: "a::service.name=x") == .setting(["a", "service.name"], "x"))
    for text in ["a", "=x", "a..b=x", "a.=x", "a::::b=x"] {
      #expect(throws: ConfigSourceError.self) { try ConfigSource(parsingSetting: text) }
    }
  }

  @Test("A name tells where a value came from, and no value")
  func names() throws {
    #expect(try ConfigSource(parsing: "yaml:a::token: s3cret").name == "yaml:a::token")
    #expect(try ConfigSource(parsing: "yaml:{token: s3cret}").name == "yaml:")
    #expect(try ConfigSource(parsingSetting: "a.token=s3cret").name == "--set a.token")
    #expect(try ConfigSource(parsingSetting: "a::b.c=s3cret").name == "--set a::b.c")
  }

  @Test(
    "Mappings are merged, everything else is replaced by the later",
    arguments: [
      ("a: {b: 1, c: 2}", "a: {c: 3, d: 4}", "a:\n  b: 1\n  c: 3\n  d: 4\n"),
      ("a: [1, 2]", "a: [3]", "a:\n  - 3\n"), ("a: {b: 1}", "a:", "a:\n"), ("a:", "a: {b: 1}", "a:\n  b: 1\n"),
      ("a: 1", "{}", "a: 1\n"), ("a: 1", "", "a: 1\n"), ("", "a: 1", "a: 1\n"),
      ("a: {b: {c: 1}}", "a::b::d: 2", "a:\n  b:\n    c: 1\n    d: 2\n"),
      ("a: ${env:X}", "a: {b: 1}", "a:\n  b: 1\n"),
    ])
  func merging(first: String, second: String, result: String) throws {
    #expect(try effective([.yaml(first), .yaml(second)]) == result)
  }

  @Test("A key of very many parts stays one key")
  func longKey() throws {
    let key = Array(repeating: "a", count: 50_000).joined(separator: "::")
    #expect(try effective([.yaml("? \"\(key)\"\n: 1\n")]) == "\(key): 1\n")
  }

  @Test("A setting's value is read as YAML, with its variables replaced")
  func settingValues() throws {
    let settings = ["a.b=[1, x]", "a.c=true", "a.d=", "e=${env:X}", "f='1'"]
    let sources = try settings.map(ConfigSource.init(parsingSetting:))
    let text = try effective(sources, environment: ["X": "5m"])
    #expect(text == "a:\n  b:\n    - 1\n    - x\n  c: true\n  d:\ne: 5m\nf: \"1\"\n")
  }

  @Test(
    "A text is printed so that it is read as the same text",
    arguments: [
      "", " a", "a ", "a: b", "a #b", "- a", "yes", "No", "null", "~", "1", "1e3", "0x1F", "true", "[a", "{a", "*a",
      "&a", "!a", "%a", "@a", "`a", "'a'", "\"a\"", "a\nb", "\t", "\\", "a$b", "$${a}", "ü", "\u{1}", "\u{2028}",
      "2026-11-26", "127.0.0.1:4318", "a:", "/a/b", "http://x:1/y", "?", "|", "=", "<<",
    ])
  func texts(_ text: String) throws {
    // A variable brings the text in without any spelling.
    let printed = try effective([.yaml("a: ${env:TEXT}${env:NOTHING}")], environment: ["TEXT": text, "NOTHING": ""])
    let again = try effective([.yaml(printed)])
    #expect(again == printed)
    let document = try #require(
      ConfigDocument(Array(printed.utf8), file: "t.yaml", diagnostics: ConfigDiagnostics()))
    guard case .mapping(let entries) = document.root.content else {
      Issue.record("expected a mapping")
      return
    }
    #expect(entries.first?.value.scalarValue == .string(text))
  }
}
