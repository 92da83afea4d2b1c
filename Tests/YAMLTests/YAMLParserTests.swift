// What the libyaml wrapper reports: events in order, their places, and errors.

import Testing
import YAML

private func events(_ text: String) throws -> [YAMLEvent] {
  let parser = YAMLParser(Array(text.utf8))
  var events: [YAMLEvent] = []
  while events.last?.kind != .streamEnd { events.append(try parser.next()) }
  return events
}

private func failure(of bytes: [UInt8]) -> YAMLError? {
  let parser = YAMLParser(bytes)
  do throws(YAMLError) {
    while try parser.next().kind != .streamEnd {}
    return nil
  } catch {
    return error
  }
}

@Suite struct YAMLParserTests {
  @Test("A mapping arrives as events with lines and columns that start at one")
  func marks() throws {
    let events = try events("a: 1\nb:\n  - \"x\"\n")
    #expect(
      events.map(\.kind) == [
        .documentStart, .mappingStart,
        .scalar(YAMLScalar(text: "a", isPlain: true)), .scalar(YAMLScalar(text: "1", isPlain: true)),
        .scalar(YAMLScalar(text: "b", isPlain: true)), .sequenceStart,
        .scalar(YAMLScalar(text: "x", isPlain: false)), .sequenceEnd, .mappingEnd, .documentEnd, .streamEnd,
      ])
    #expect(events[3].mark == YAMLMark(line: 1, column: 4))
    #expect(events[6].mark == YAMLMark(line: 3, column: 5))
  }

  @Test("Anchors, aliases and tags are reported")
  func anchors() throws {
    let events = try events("a: &x !!str 1\nb: *x\n")
    #expect(events[3].anchor == "x")
    #expect(events[3].tag == "tag:yaml.org,2002:str")
    #expect(events[5].kind == .alias(of: "x"))
  }

  @Test("Columns count Unicode scalars, not bytes")
  func unicodeColumns() throws {
    #expect(try events("{é: ü, b: c}")[4].mark == YAMLMark(line: 1, column: 8))
  }

  @Test("Quotes, escapes and block scalars give their text and are not plain")
  func styles() throws {
    let scalars = try events("- 'it''s'\n- \"a\\tb\"\n- |\n  two\n  lines\n- >-\n  one\n  line\n").compactMap {
      if case .scalar(let scalar) = $0.kind { scalar } else { nil }
    }
    #expect(scalars.map(\.text) == ["it's", "a\tb", "two\nlines\n", "one line"])
    #expect(scalars.allSatisfy { !$0.isPlain })
  }

  @Test("An empty text is a stream without documents")
  func emptyText() throws {
    #expect(try events("").map(\.kind) == [.streamEnd])
    #expect(try events("# only a comment\n").map(\.kind) == [.streamEnd])
  }

  @Test("A syntax error has a place, a problem and a context")
  func syntaxError() throws {
    let error = try #require(failure(of: Array("a:\n  b: [1, 2\nc: d\n".utf8)))
    #expect(error.mark.line == 3)
    #expect(error.problem == "did not find expected ',' or ']'")
    #expect(error.context == "while parsing a flow sequence")
    #expect(error.contextMark == YAMLMark(line: 2, column: 6))
  }

  @Test("The first error is repeated")
  func errorStays() {
    let parser = YAMLParser(Array("[".utf8))
    var errors: Set<YAMLError> = []
    for _ in 0..<6 { do throws(YAMLError) { _ = try parser.next() } catch { errors.insert(error) } }
    #expect(errors.count == 1)
  }

  @Test("Bytes that are not UTF-8 are refused with their place")
  func invalidUTF8() throws {
    let error = try #require(failure(of: Array("a: b\nü: ".utf8) + [0xFF, 0x0A]))
    #expect(error.mark == YAMLMark(line: 2, column: 4))
    #expect(error.problem == "the text is not valid UTF-8 here")
  }

  @Test("A control character is refused with its place")
  func controlCharacter() throws {
    let error = try #require(failure(of: Array("a: b\nc: \u{1}d\n".utf8)))
    #expect(error.mark == YAMLMark(line: 2, column: 4))
    #expect(error.problem == "control characters are not allowed")
  }

  @Test("Any bytes end in events or an error, never in a crash")
  func anyBytes() {
    var state: UInt64 = 42
    let alphabet = Array("a:-[]{}&*!|>'\"%@`#,? \n\t0\\\u{7f}é".utf8) + [0x00, 0xFF, 0xC3]
    for _ in 0..<2_000 {
      var bytes: [UInt8] = []
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      for _ in 0..<Int(state >> 58) {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        bytes.append(alphabet[Int(state >> 33) % alphabet.count])
      }
      _ = failure(of: bytes)
    }
  }
}
