// Strict decoding: values, wrong types, unknown keys, keys without effect.

import Config
import Testing

private struct Inner: ConfigBlock, Equatable {
  var level = 1
  mutating func read(from map: MapReader) {
    map.read("level", into: &level)
    map.inert("later", default: false)
  }
}

private enum Colour: String, ConfigChoice { case red, green }

private struct Sample: ConfigBlock, Equatable {
  var text = "default"
  var maybe: String?
  var flag = false
  var count = 7
  var ratio = 0.5
  var time = Duration.seconds(1)
  var size = ByteSize.mebibytes(1)
  var words: [String] = []
  var colour = Colour.red
  var secret = Secret("")
  var inner = Inner()
  var optional: Inner?
  var empty: Inner?

  mutating func read(from map: MapReader) {
    map.read("text", into: &text)
    map.read("maybe", into: &maybe)
    map.read("flag", into: &flag)
    map.read("count", into: &count)
    map.read("ratio", into: &ratio)
    map.read("time", into: &time)
    map.read("size", into: &size)
    map.read("words", into: &words)
    map.read("colour", into: &colour)
    map.read("secret", into: &secret)
    map.read("inner", into: &inner)
    map.read("optional", into: &optional)
    map.read("empty", into: &empty, isOnWhenEmpty: true)
    map.inert("soon", default: 5)
    map.inert("block", as: Inner.self)
    map.inert("anything")
  }
}

private func read(
  _ text: String, environment: [String: String] = [:], recordsKnownPaths: Bool = false
) -> (sample: Sample, diagnostics: ConfigDiagnostics) {
  let diagnostics = ConfigDiagnostics(recordsKnownPaths: recordsKnownPaths)
  var sample = Sample()
  if let document = ConfigDocument(
    Array(text.utf8), file: "t.yaml", sources: ExpansionSources(environment: environment), diagnostics: diagnostics)
  {
    NodeReader(document.root, path: "", diagnostics: diagnostics).read(into: &sample)
  }
  return (sample, diagnostics)
}

@Suite struct MapReaderTests {
  @Test("Every kind of value is read")
  func values() {
    let (sample, diagnostics) = read(
      """
      text: x
      maybe: y
      flag: true
      count: 0x10
      ratio: 2
      time: 1m30s
      size: 2MiB
      words: [a, "b"]
      colour: green
      secret: s
      inner: {level: 2}
      optional: {level: 3}
      empty:
      """)
    #expect(diagnostics.errors.isEmpty)
    var expected = Sample()
    (expected.text, expected.maybe, expected.flag, expected.count) = ("x", "y", true, 16)
    (expected.ratio, expected.time, expected.size) = (2, .seconds(90), .mebibytes(2))
    (expected.words, expected.colour, expected.secret) = (["a", "b"], .green, Secret("s"))
    (expected.inner.level, expected.optional, expected.empty) = (2, Inner(level: 3), Inner())
    #expect(sample == expected)
  }

  @Test("What is left out or null keeps its default")
  func defaults() {
    let (sample, diagnostics) = read("text: ~\nmaybe:\ninner:\noptional:\nwords: null\n")
    #expect(sample == Sample())
    #expect(diagnostics.errors.isEmpty)
  }

  @Test("A text takes a number or a boolean as it is written")
  func looseTexts() {
    #expect(read("text: 007").sample.text == "007")
    #expect(read("text: true").sample.text == "true")
    #expect(read("words: a, b").sample.words == ["a", "b"])
  }

  @Test("A text takes a variable as it is, and an unset one as empty; a number keeps its default")
  func variables() {
    let environment = ["V": "{a: 1}"]
    #expect(read("text: ${env:V}", environment: environment).sample.text == "{a: 1}")
    #expect(read("text: ${env:NONE}").sample.text == "")
    #expect(read("count: ${env:NONE}").sample.count == 7)
    #expect(read("count: ${env:N}", environment: ["N": "12"]).sample.count == 12)
  }

  @Test("The words of YAML 1.1 are booleans where one is wanted", arguments: ["yes", "on", "Y", "ON"])
  func oldBooleans(word: String) { #expect(read("flag: \(word)").sample.flag) }

  @Test(
    "A wrong type is named with what was expected and found",
    arguments: [
      ("text: [a]", "t.yaml:1:7: text: expected a text, found a list"),
      ("flag: 1", "t.yaml:1:7: flag: expected true or false, found the number 1"),
      ("flag: \"yes\"", "t.yaml:1:7: flag: expected true or false, found the text \"yes\""),
      ("count: \"1\"", "t.yaml:1:8: count: expected a whole number, found the text \"1\"; remove the quotes"),
      ("count: 1.5", "t.yaml:1:8: count: expected a whole number, found the number 1.5"),
      ("ratio: .nan", "t.yaml:1:8: ratio: expected a number, found the number .nan"),
      (
        "time: 10",
        "t.yaml:1:7: time: expected a duration such as 300ms, 10s or 1m30s, found the number 10 without a unit"
      ),
      ("time: -1s", "t.yaml:1:7: time: must not be negative, found \"-1s\""),
      (
        "size: 1 furlong",
        "t.yaml:1:7: size: expected a size such as 64MiB or a number of bytes, found the text \"1 furlong\""
      ),
      ("words: {a: 1}", "t.yaml:1:8: words: expected a list, found a mapping"),
      ("words: [[a]]", "t.yaml:1:9: words[0]: expected a text, found a list"),
      (
        "colour: gren",
        "t.yaml:1:9: colour: expected one of red, green, found the text \"gren\"; did you mean \"green\"?"
      ),
      ("inner: 1", "t.yaml:1:8: inner: expected a mapping, found the number 1"),
      ("inner: {level: x}", "t.yaml:1:16: inner::level: expected a whole number, found the text \"x\""),
      ("inner: {lvel: 1}", "t.yaml:1:9: inner: unknown key \"lvel\"; did you mean \"level\"?"),
      ("inner: {colour: 1}", "t.yaml:1:9: inner: unknown key \"colour\"; it has: later, level"),
    ])
  func wrongTypes(text: String, message: String) {
    #expect(read(text).diagnostics.errors.map(\.description) == [message])
  }

  @Test("All mistakes are collected, in the order of the file")
  func allAtOnce() {
    let errors = read("wrods: [a]\nflag: 1\ninner:\n  level: x\n  x: 1\ncount: []\n").diagnostics.errors
    #expect(errors.map(\.position?.line) == [1, 2, 4, 5, 6])
  }

  @Test("A key without effect is noted when it is not its default; inside a noted block nothing else is")
  func inertKeys() {
    #expect(read("soon: 5\ninner: {later: false}\n").diagnostics.inertKeys.isEmpty)
    let noted = read("soon: 6\ninner: {later: true}\nblock: {later: true}\nanything: [1]\n").diagnostics.inertKeys
    #expect(noted.map(\.path) == ["soon", "inner::later", "block", "anything"])
    #expect(noted.first?.description == "t.yaml:1:1: soon: has no effect yet")
    #expect(read("block: {level: x}").diagnostics.errors.count == 1)
  }

  @Test("Known paths include those of blocks that the file leaves out")
  func knownPaths() {
    let paths = read("text: x", recordsKnownPaths: true).diagnostics.knownPaths
    #expect(paths.isSuperset(of: ["text", "inner::level", "optional::level", "empty::later", "block::level"]))
  }
}
