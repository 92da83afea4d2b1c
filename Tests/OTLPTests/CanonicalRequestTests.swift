// Requests that are valid but unusual come out in the one form that everything behind relies on.

import Bytes
import OTLP
import Testing

@Suite("ExportRequest: canonical form")
struct CanonicalRequestTests {
  private let traceID = Encoded.bytes(1, Array(1...16))
  private let spanID = Encoded.bytes(2, Array(1...8))

  private func scope(_ name: String) -> [UInt8] { Encoded.message(1, Encoded.text(1, name)) }

  @Test("A resource or scope that follows its children is put in front of them")
  func order() throws {
    let spans = Encoded.message(2, Encoded.message(2, Encoded.text(5, "a")), scope("s"))
    let bytes = Encoded.message(1, spans, Encoded.text(3, "url"), Encoded.message(1, Encoded.number(2, 7)))
    let expected = Encoded.message(
      1, Encoded.message(1, Encoded.number(2, 7)),
      Encoded.message(2, scope("s"), Encoded.message(2, Encoded.text(5, "a"))), Encoded.text(3, "url"))
    let request = try decode(bytes)
    #expect(request.payload.array == expected)
    #expect(request.itemCount == 1 && request.rejected == nil)
  }

  @Test("The same holds for JSON, whose keys may come in any order")
  func orderInJSON() throws {
    let json = #"""
      {"resourceSpans":[{"schemaUrl":"url","scopeSpans":[{"spans":[{"name":"a"}],"scope":{"name":"s"}}],
      "resource":{"droppedAttributesCount":7}}]}
      """#
    let expected = Encoded.message(
      1, Encoded.message(1, Encoded.number(2, 7)),
      Encoded.message(2, scope("s"), Encoded.message(2, Encoded.text(5, "a"))), Encoded.text(3, "url"))
    #expect(try decode(json).payload.array == expected)
  }

  @Test("Singular messages that were sent in parts are merged")
  func merge() throws {
    let status = [
      Encoded.message(15, Encoded.text(2, "x"), Encoded.number(3, 1)), Encoded.text(5, "name"),
      Encoded.message(15, Encoded.number(3, 2)), Encoded.message(15),
    ]
    let request = try decode(Encoded.request(span: status.flatMap { $0 }))
    let expected = Encoded.request(
      span: Encoded.text(5, "name"), Encoded.message(15, Encoded.text(2, "x"), Encoded.number(3, 2)))
    #expect(request.payload.array == expected)
  }

  @Test("The parts of a resource keep all its attributes, and merge at every depth")
  func mergeDeep() throws {
    func attribute(_ key: String) -> [UInt8] { Encoded.message(1, Encoded.text(1, key)) }
    let bytes = Encoded.message(
      1, Encoded.message(1, attribute("a"), Encoded.number(2, 1)),
      Encoded.message(1, attribute("b"), Encoded.number(2, 2)))
    let expected = Encoded.message(1, Encoded.message(1, attribute("a"), attribute("b"), Encoded.number(2, 2)))
    #expect(try decode(bytes).payload.array == expected)
    // body: AnyValue in two parts, both with an array.
    let parts = [
      Encoded.message(5, Encoded.message(5, Encoded.message(1, Encoded.number(3, 1)))),
      Encoded.message(5, Encoded.message(5, Encoded.message(1, Encoded.number(3, 2)))),
    ]
    let merged = Encoded.request(
      value: Encoded.message(5, Encoded.message(1, Encoded.number(3, 1)), Encoded.message(1, Encoded.number(3, 2))))
    #expect(try decode(Encoded.request(logRecord: parts.flatMap { $0 }), .logs).payload.array == merged)
  }

  @Test("A part that is empty says no more than that the message is there")
  func emptyParts() throws {
    let code = Encoded.message(15, Encoded.number(3, 2))
    let empty = Encoded.message(15)
    for parts in [[empty, code], [code, empty], [empty, empty, code, empty]] {
      #expect(try decode(Encoded.request(span: parts.flatMap { $0 })).payload.array == Encoded.request(span: code))
    }
    #expect(try decode(Encoded.request(span: empty, empty)).payload.array == Encoded.request(span: empty))
  }

  @Test("Lists that were sent in turns keep their order, each for itself, and fields come by their numbers")
  func lists() throws {
    func attribute(_ key: String) -> [UInt8] { Encoded.message(9, Encoded.text(1, key)) }
    func event(_ name: String) -> [UInt8] { Encoded.message(11, Encoded.text(2, name)) }
    let turns = Encoded.request(
      span: event("x"), attribute("b"), Encoded.text(5, "old"), event("y"), Encoded.message(9), attribute("a"),
      Encoded.text(5, "new"))
    let expected = Encoded.request(
      span: Encoded.text(5, "new"), attribute("b"), Encoded.message(9), attribute("a"), event("x"), event("y"))
    #expect(try decode(turns).payload.array == expected)
  }

  @Test("Values of one message may lie in parts of parts")
  func partsOfParts() throws {
    // Two bodies, each with two arrays: what is set in the last part of all is what counts.
    func array(_ value: [UInt8]) -> [UInt8] { Encoded.message(5, Encoded.message(1, value)) }
    let body = { (fields: [UInt8]...) in Encoded.message(5, fields.flatMap { $0 }) }
    let parts = [
      body(array(Encoded.number(3, 1)), Encoded.text(1, "lost"), array(Encoded.number(3, 2))), Encoded.text(3, "INFO"),
      body(), body(array(Encoded.number(3, 3)), array(Encoded.number(3, 4))),
    ]
    let merged = Encoded.message(5, (2...4).flatMap { Encoded.message(1, Encoded.number(3, $0)) })
    let expected = Encoded.request(logRecord: Encoded.text(3, "INFO"), Encoded.message(5, merged))
    #expect(try decode(Encoded.request(logRecord: parts.flatMap { $0 }), .logs).payload.array == expected)
  }

  @Test("Of a scalar sent twice the last one stays")
  func lastScalar() throws {
    let twice = Encoded.request(span: Encoded.text(5, "a"), Encoded.number(6, 1), Encoded.text(5, "b"))
    let expected = Encoded.request(span: Encoded.text(5, "b"), Encoded.number(6, 1))
    #expect(try decode(twice).payload.array == expected)
    #expect(try decode(JSONText.request(span: #""name":"a","kind":1,"name":"b""#)).payload.array == expected)
  }

  @Test("Of a oneof the last member stays, and setting another one clears it")
  func lastMember() throws {
    func value(_ fields: [UInt8]...) throws -> [UInt8] {
      try decode(Encoded.request(value: fields.flatMap { $0 }), .logs).payload.array
    }
    func array(_ number: UInt64) -> [UInt8] { Encoded.message(5, Encoded.message(1, Encoded.number(3, number))) }
    #expect(try value(Encoded.text(1, "a"), Encoded.number(3, 5)) == Encoded.request(value: Encoded.number(3, 5)))
    #expect(try value(array(1), Encoded.text(1, "a")) == Encoded.request(value: Encoded.text(1, "a")))
    #expect(try value(array(1), Encoded.text(1, "a"), array(2)) == Encoded.request(value: array(2)))
    let both = Encoded.message(5, Encoded.message(1, Encoded.number(3, 1)), Encoded.message(1, Encoded.number(3, 2)))
    #expect(try value(array(1), array(2)) == Encoded.request(value: both))
    let json = #"{"stringValue":"a","intValue":"5"}"#
    #expect(
      try decode(JSONText.request(value: json), .logs).payload.array == Encoded.request(value: Encoded.number(3, 5)))
  }

  @Test("Another oneof's member takes its data points along")
  func lastMetricKind() throws {
    let bytes = Encoded.request(
      metric: Encoded.message(5, Encoded.message(1), Encoded.message(1)), Encoded.message(7, Encoded.message(1)))
    let request = try decode(bytes, .metrics)
    #expect(request.payload.array == Encoded.request(metric: Encoded.message(7, Encoded.message(1))))
    #expect(request.itemCount == 1)
  }

  @Test("Unknown fields stay, groups do not")
  func unknown() throws {
    let bytes = Encoded.request(
      span: Encoded.number(500, 1), Encoded.group(501, Encoded.group(1), Encoded.text(2, "x")), Encoded.text(5, "a"),
      Encoded.bytes(6, [0xff]))
    let expected = Encoded.request(span: Encoded.text(5, "a"), Encoded.number(500, 1), Encoded.bytes(6, [0xff]))
    #expect(try decode(bytes).payload.array == expected)
  }

  @Test(
    "A span with an id of a wrong length is dropped, with the reason",
    arguments: [
      (Encoded.bytes(1, [1]), "traceId: expected 16 bytes, found 1"),
      (Encoded.bytes(2, Array(1...16)), "spanId: expected 8 bytes, found 16"),
      (Encoded.bytes(4, Array(1...7)), "parentSpanId: expected 8 bytes, found 7"),
      (Encoded.message(13, Encoded.bytes(1, Array(1...17))), "links[0].traceId: expected 16 bytes, found 17"),
      (Encoded.message(13) + Encoded.message(13, Encoded.bytes(2, [0])), "links[1].spanId: expected 8 bytes, found 1"),
    ] as [([UInt8], String)])
  func droppedSpan(fields: [UInt8], reason: String) throws {
    let good = Encoded.message(2, traceID, spanID, Encoded.text(5, "good"))
    let bytes = Encoded.message(1, Encoded.message(2, scope("s"), good, Encoded.message(2, fields), good))
    let request = try decode(bytes)
    #expect(request.payload.array == Encoded.message(1, Encoded.message(2, scope("s"), good, good)))
    #expect(request.itemCount == 2)
    let message = "1 span dropped: resourceSpans[0].scopeSpans[0].spans[1].\(reason)"
    #expect(request.rejected == ExportRequest.Rejection(itemCount: 1, message: message))
    #expect(try ExportRequest(stored: request.payload, signal: .traces).rejected == nil)
  }

  @Test("JSON ids of a wrong length cost the span too")
  func droppedFromJSON() throws {
    let json = #"""
      {"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0102"},{"name":"a"},{"links":[{"spanId":"AB"}]}]}]}]}
      """#
    let request = try decode(json)
    #expect(request.payload.array == Encoded.request(span: Encoded.text(5, "a")))
    let reason = "resourceSpans[0].scopeSpans[0].spans[0].traceId: expected 16 bytes, found 2"
    #expect(request.rejected == ExportRequest.Rejection(itemCount: 2, message: "2 spans dropped: \(reason)"))
  }

  @Test("A data point with a bad exemplar is dropped, the other points stay")
  func droppedPoint() throws {
    let bad = Encoded.message(1, Encoded.message(8, Encoded.bytes(5, [1, 2])))
    let good = Encoded.message(1, Encoded.fixed64(4, 1))
    let request = try decode(Encoded.request(metric: Encoded.message(9, good, bad, good)), .metrics)
    #expect(request.payload.array == Encoded.request(metric: Encoded.message(9, good, good)))
    #expect(request.itemCount == 2)
    let message =
      "1 data point dropped: resourceMetrics[0].scopeMetrics[0].metrics[0].histogram.dataPoints[1]"
      + ".exemplars[0].traceId: expected 16 bytes, found 2"
    #expect(request.rejected == ExportRequest.Rejection(itemCount: 1, message: message))
  }

  @Test("A log record with a bad id is kept without it, with a warning")
  func clearedRecord() throws {
    let bytes = Encoded.request(
      logRecord: Encoded.text(3, "INFO"), Encoded.bytes(9, [1]), Encoded.bytes(10, Array(1...8)))
    let request = try decode(bytes, .logs)
    #expect(
      request.payload.array == Encoded.request(logRecord: Encoded.text(3, "INFO"), Encoded.bytes(10, Array(1...8))))
    #expect(request.itemCount == 1)
    let reason = "resourceLogs[0].scopeLogs[0].logRecords[0].traceId: expected 16 bytes, found 1"
    let message = "1 log record kept without an invalid id: \(reason)"
    #expect(request.rejected == ExportRequest.Rejection(itemCount: 0, message: message))
  }

  @Test("Of an id sent twice the last one decides")
  func lastIdentifier() throws {
    let request = try decode(Encoded.request(span: Encoded.bytes(1, [1]), traceID))
    #expect(request.payload.array == Encoded.request(span: traceID))
    #expect(request.rejected == nil)
    #expect(try decode(Encoded.request(span: traceID, Encoded.bytes(1, [1]))).rejected?.itemCount == 1)
  }

  @Test("Long contents keep the shortest lengths when they are rewritten")
  func lengths() throws {
    for count in [100, 127, 128, 300, 16_383, 16_384, 70_000] {
      let name = Encoded.text(5, String(repeating: "x", count: count))
      let bytes = Encoded.request(span: Encoded.text(5, "first"), Encoded.tag(9, 2) + Encoded.varint(0, width: 4), name)
      #expect(try decode(bytes).payload.array == Encoded.request(span: name, Encoded.message(9)))
    }
  }
}
