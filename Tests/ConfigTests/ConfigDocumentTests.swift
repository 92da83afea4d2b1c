// From text to tree: structure, anchors, merge keys, bounds, and the messages for what is no YAML.

import Config
import Testing
import YAML

/// A tree as one line, for comparison.
private func flat(_ node: ConfigNode) -> String {
  switch node.content {
  case .scalar(let scalar): scalar.isPlain ? scalar.text : "'\(scalar.text)'"
  case .list(let items): "[" + items.map(flat).joined(separator: ", ") + "]"
  case .mapping(let entries): "{" + entries.map { "\($0.key): \(flat($0.value))" }.joined(separator: ", ") + "}"
  }
}

private func parsed(_ text: String) -> (tree: String?, errors: [String]) {
  let diagnostics = ConfigDiagnostics()
  let document = ConfigDocument(Array(text.utf8), file: "t.yaml", diagnostics: diagnostics)
  return (document.map { flat($0.root) }, diagnostics.errors.map(\.description))
}

@Suite struct ConfigDocumentTests {
  @Test("Lists, mappings and scalars keep order and style")
  func structure() {
    #expect(parsed("b: [1, 'x']\na:\n  c: ~\n").tree == "{b: [1, 'x'], a: {c: ~}}")
  }

  @Test("An alias repeats its anchor's value")
  func alias() { #expect(parsed("a: &x {k: 1}\nb: *x\n").tree == "{a: {k: 1}, b: {k: 1}}") }

  @Test("A merge key adds what the mapping does not set, the earlier mapping first")
  func mergeKey() {
    let text = "x: &x {k: 1, l: 2}\ny: &y {l: 3, m: 4}\nz:\n  <<: [*x, *y]\n  k: 0\n"
    #expect(parsed(text).tree == "{x: {k: 1, l: 2}, y: {l: 3, m: 4}, z: {k: 0, l: 2, m: 4}}")
    #expect(parsed("x: &x {k: 1}\nz: {<<: *x}\n").tree == "{x: {k: 1}, z: {k: 1}}")
  }

  @Test("The tag !!str makes a text of a number")
  func stringTag() { #expect(parsed("a: !!str 1").tree == "{a: '1'}") }

  @Test(
    "A mistake in the text is shown with its place, the line and a caret",
    arguments: [
      (
        "receivers:\n\totlp:\n",
        """
        t.yaml:2:1: the line is indented with a tab, and YAML allows only spaces there (found character that \
        cannot start any token while scanning for the next token that starts in line 2)
          2 |  otlp:
            | ^
        """
      ),
      (
        "a: [1, 2\nb: c\n",
        """
        t.yaml:2:2: did not find expected ',' or ']' while parsing a flow sequence that starts in line 1
          2 | b: c
            |  ^
        """
      ),
      (
        "a: 1\n---\nb: 2\n",
        """
        t.yaml:2:1: a second document starts here; otlpd reads one per file. Remove the `---`.
          2 | ---
            | ^
        """
      ),
      (
        "a: 1\nb: *x\n",
        """
        t.yaml:2:4: unknown anchor "x": no `&x` before this line
          2 | b: *x
            |    ^
        """
      ),
      (
        "a: &x [*x]",
        """
        t.yaml:1:8: anchor "x" contains itself
          1 | a: &x [*x]
            |        ^
        """
      ),
      (
        "? [a]\n: 1\n",
        """
        t.yaml:1:3: a key must be a single word, found a list or a mapping
          1 | ? [a]
            |   ^
        """
      ),
      (
        "a: {<<: 1}",
        """
        t.yaml:1:9: `<<` takes a mapping or a list of mappings, found the number 1
          1 | a: {<<: 1}
            |         ^
        """
      ),
    ])
  func syntax(text: String, message: String) {
    #expect(parsed(text).errors == [message])
    #expect(parsed(text).tree == nil)
  }

  @Test("A key that stands twice is an error, and the rest is still read")
  func duplicateKey() {
    #expect(parsed("a: 1\nb: 2\na: 3\nb: 4\n").errors.count == 2)
    #expect(parsed("a: 1\nb: 2\na: 3\n").errors == [#"t.yaml:3:1: key "a" is already set in line 1"#])
  }

  @Test("A text without content is the Collector's error", arguments: ["", "# comment\n", "---\n", "~\n"])
  func empty(text: String) { #expect(parsed(text).errors == ["t.yaml:1:1: empty configuration file"]) }

  @Test("Bytes that are not UTF-8 are named with their place")
  func notUTF8() {
    let diagnostics = ConfigDiagnostics()
    #expect(ConfigDocument(Array("a: ".utf8) + [0xFF], file: "t.yaml", diagnostics: diagnostics) == nil)
    #expect(diagnostics.errors.first?.message == "the text is not valid UTF-8 here")
    #expect(diagnostics.errors.first?.position?.column == 4)
  }

  @Test("Nested aliases stop at the bound on values")
  func aliasBomb() {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...9 {
      let previous = "*a\(level - 1)"
      text += "a\(level): &a\(level) [" + Array(repeating: previous, count: 10).joined(separator: ", ") + "]\n"
    }
    let errors = parsed(text).errors
    #expect(errors.count == 1)
    #expect(errors.first?.contains("more than 100000 values when every alias is followed") == true)
  }

  @Test("Deep nesting stops at its bound")
  func depth() {
    let text = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
    #expect(parsed(text).errors.first?.contains("more than 64 levels of nesting") == true)
    #expect(parsed("a: " + String(repeating: "[", count: 60) + String(repeating: "]", count: 60)).errors == [])
  }

  @Test("A file of several megabytes is no config")
  func size() {
    let text = String(repeating: "#", count: (4 << 20) + 1)
    #expect(parsed(text).errors == ["t.yaml:1:1: 4194305 bytes are more than the 4194304 of any config"])
  }
}
