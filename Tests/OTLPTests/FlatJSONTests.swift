// The flat form of attributes and records, both ways.

import Bytes
import Fuzzing
import OTLP
import Testing

struct FlatJSONTests {
  /// The attributes of a log record with the given field 6, in the flat form.
  func flat(_ build: (inout Wire) -> Void) throws -> String {
    let request = try ExportRequest.fixture(.logs) { $0.field(2, build) }
    var text = ""
    request.forEachLogRecord { _, _, record in text = appended { FlatJSON.append(record.attributes, to: &$0) } }
    return text
  }

  @Test("Attributes are one object, plain where JSON can say it")
  func plain() throws {
    let text = try flat { record in
      record.pair(6, "http.route", "/orders")
      record.pair(6, "n") { $0.field(3, int: 5) }
      record.pair(6, "ok") { $0.field(2, varint: 1) }
      record.pair(6, "score") { $0.field(4, double: 5) }
      record.pair(6, "tags") { value in
        value.field(5) { array in
          array.field(1) { $0.field(1, text: "a") }
          array.field(1) { $0.field(3, int: 1) }
          array.field(1) { _ in }
        }
      }
      record.pair(6, "user") { $0.field(6) { $0.pair(1, "id", "7") } }
    }
    #expect(
      text == """
        {"http.route":"/orders","n":5,"ok":true,"score":5.0,"tags":["a",1,null],"user":{"id":"7"}}
        """)
  }

  @Test("What JSON cannot say is marked")
  func marked() throws {
    let text = try flat { record in
      record.pair(6, "empty") { _ in }
      record.field(6) { $0.field(1, text: "none") }
      record.pair(6, "data") { $0.field(7, bytes: [1, 2]) }
      record.pair(6, "nan") { $0.field(4, double: .nan) }
      record.pair(6, "up") { $0.field(4, double: .infinity) }
      record.pair(6, "down") { $0.field(4, double: -.infinity) }
      record.pair(6, "zero") { $0.field(4, double: -0.0) }
      record.pair(6, "big") { $0.field(4, double: 1e300) }
      record.pair(6, "$ref", "x")
      record.pair(6, "map") { $0.field(6) { $0.pair(1, "$bytes", "AA==") } }
      record.pair(6, "", "no key")
      record.pair(6, "twice", "1")
      record.pair(6, "twice", "2")
    }
    #expect(
      text == """
        {"empty":null,"none":{"$absent":null},"data":{"$bytes":"AQI="},"nan":{"$double":"NaN"},\
        "up":{"$double":"Infinity"},"down":{"$double":"-Infinity"},"zero":-0.0,"big":1e+300,"$$ref":"x",\
        "map":{"$$bytes":"AA=="},"":"no key","twice":"1","twice":"2"}
        """)
  }

  @Test("No attributes are an empty object, no records an empty array")
  func empty() throws {
    #expect(try flat { _ in } == "{}")
    let request = try ExportRequest.fixture(.traces) { $0.field(2) { $0.field(5, text: "s") } }
    request.forEachSpan { _, _, span in #expect(appended { FlatJSON.append(span.events, to: &$0) } == "[]") }
  }

  @Test("Events and links are arrays of objects with the names of the .proto file")
  func eventsAndLinks() throws {
    let request = try ExportRequest.fixture(.traces) { $0.field(2, SpanViewTests.fullSpan) }
    request.forEachSpan { _, _, span in
      #expect(
        appended { FlatJSON.append(span.events, to: &$0) } == """
          [{"time_unix_nano":1500,"name":"retry","attributes":{"attempt":2},"dropped_attributes_count":7}]
          """)
      #expect(
        appended { FlatJSON.append(span.links, to: &$0) } == """
          [{"trace_id":"0102030405060708090a0b0c0d0e0f10","span_id":"2122232425262728","trace_state":"a=b",\
          "attributes":{"why":"batch"},"dropped_attributes_count":8,"flags":257}]
          """)
    }
  }

  @Test("Exemplars, buckets, counts, bounds and quantiles have a form too")
  func points() throws {
    let histogram = try MetricViewTests.points(.histogram) { point in
      point.field(6) { $0.raw(fixed64: .max) }
      point.field(7) { packed in for bound in [0.5, .infinity] { packed.raw(fixed64: bound.bitPattern) } }
      point.field(8, MetricViewTests.exemplar)
    }
    histogram.forEachMetric { _, _, metric in
      metric.forEachDataPoint { point in
        #expect(appended { FlatJSON.append(point.bucketCounts, to: &$0) } == "[18446744073709551615]")
        #expect(appended { FlatJSON.append(point.explicitBounds, to: &$0) } == #"[0.5,{"$double":"Infinity"}]"#)
        #expect(
          appended { FlatJSON.append(point.exemplars, to: &$0) } == """
            [{"time_unix_nano":77,"span_id":"2122232425262728","trace_id":"0102030405060708090a0b0c0d0e0f10",\
            "as_int":-9,"filtered_attributes":{"k":"v"}}]
            """)
      }
    }
    let exponential = try MetricViewTests.points(.exponentialHistogram) { point in
      point.field(8) { buckets in
        buckets.field(1, varint: 5)
        buckets.field(2, bytes: [1, 2])
      }
    }
    exponential.forEachMetric { _, _, metric in
      metric.forEachDataPoint { point in
        guard let positive = point.positive else {
          Issue.record("the positive side was written")
          return
        }
        #expect(appended { FlatJSON.append(positive, to: &$0) } == #"{"offset":-3,"bucket_counts":[1,2]}"#)
      }
    }
    let summary = try MetricViewTests.points(.summary) { point in
      point.field(6) { $0.field(1, double: 0.5) }
    }
    summary.forEachMetric { _, _, metric in
      metric.forEachDataPoint { point in
        #expect(appended { FlatJSON.append(point.quantiles, to: &$0) } == #"[{"quantile":0.5}]"#)
      }
    }
  }

  @Test("Random attributes and bodies convert back to the same bytes")
  func attributesRoundTrip() throws {
    for seed in 0..<400 {
      var random = RandomMessages(seed: UInt64(seed))
      let pairs = Wire { wire in
        for _ in 0..<4 { wire.field(6, bytes: random.message(.keyValue).bytes) }
      }
      let body = random.message(.anyValue)
      let request = try ExportRequest.fixture(.logs) { scope in
        let record = Wire { $0.field(5, bytes: body.bytes) }
        scope.field(2, bytes: record.bytes + pairs.bytes)
      }
      try request.forEachLogRecord { (_, _, record) throws in
        let attributes = appended { FlatJSON.append(record.attributes, to: &$0) }
        try #require(FlatJSON.attributes(from: Bytes(attributes), asField: 6).array == pairs.bytes, "seed \(seed)")
        let value = appended { FlatJSON.append(record.body, to: &$0) }
        try #require(FlatJSON.value(from: Bytes(value)).array == body.bytes, "seed \(seed): \(value)")
      }
    }
  }

  @Test("Random events, links and entity references convert back to the same bytes")
  func recordsRoundTrip() throws {
    for seed in 0..<200 {
      var random = RandomMessages(seed: UInt64(seed))
      let events = Wire { wire in for _ in 0..<2 { wire.field(11, bytes: random.message(.spanEvent).bytes) } }
      let links = Wire { wire in for _ in 0..<2 { wire.field(13, bytes: random.message(.spanLink).bytes) } }
      let entities = Wire { wire in for _ in 0..<2 { wire.field(3, bytes: random.message(.entityRef).bytes) } }
      let wire = Wire { request in
        request.field(1) { envelope in
          envelope.field(1, bytes: entities.bytes)
          envelope.field(2) { $0.field(2, bytes: events.bytes + links.bytes) }
        }
      }
      let request = try ExportRequest(decoding: Bytes(wire.bytes), as: .protobuf, signal: .traces)
      try request.forEachSpan { (resource, _, span) throws in
        let eventsText = appended { FlatJSON.append(span.events, to: &$0) }
        try #require(FlatJSON.messages(from: Bytes(eventsText), .spanEvent, asField: 11).array == events.bytes)
        let linksText = appended { FlatJSON.append(span.links, to: &$0) }
        try #require(FlatJSON.messages(from: Bytes(linksText), .spanLink, asField: 13).array == links.bytes)
        let entitiesText = appended { FlatJSON.append(resource.entityRefs, to: &$0) }
        try #require(FlatJSON.messages(from: Bytes(entitiesText), .entityRef, asField: 3).array == entities.bytes)
      }
    }
  }

  @Test("Random points convert back to the same bytes")
  func pointsRoundTrip() throws {
    for seed in 0..<200 {
      var random = RandomMessages(seed: UInt64(seed))
      let exemplars = Wire { wire in for _ in 0..<2 { wire.field(11, bytes: random.message(.exemplar).bytes) } }
      let buckets = random.message(.buckets)
      let request = try MetricViewTests.points(.exponentialHistogram) { point in
        point.field(8, bytes: buckets.bytes)
        point = Wire(bytes: point.bytes + exemplars.bytes)
      }
      try request.forEachMetric { (_, _, metric) throws in
        try metric.forEachDataPoint { (point) throws in
          let text = appended { FlatJSON.append(point.exemplars, to: &$0) }
          try #require(FlatJSON.messages(from: Bytes(text), .exemplar, asField: 11).array == exemplars.bytes)
          guard let positive = point.positive else {
            Issue.record("the positive side was written")
            return
          }
          let side = appended { FlatJSON.append(positive, to: &$0) }
          try #require(FlatJSON.message(from: Bytes(side), .buckets).array == buckets.bytes)
        }
      }
    }
  }

  @Test("Counts and bounds convert back to packed fields")
  func numbersRoundTrip() throws {
    let counts = Wire { $0.field(6) { packed in for value in [0, 1, UInt64.max] { packed.raw(fixed64: value) } } }
    let bounds = Wire { wire in
      wire.field(7) { packed in for value in [-1, 0, 0.1, Double.infinity] { packed.raw(fixed64: value.bitPattern) } }
    }
    let request = try MetricViewTests.points(.histogram) { $0 = Wire(bytes: counts.bytes + bounds.bytes) }
    try request.forEachMetric { (_, _, metric) throws in
      try metric.forEachDataPoint { (point) throws in
        let countsText = appended { FlatJSON.append(point.bucketCounts, to: &$0) }
        #expect(try FlatJSON.numbers(from: Bytes(countsText), .fixed64, asField: 6).array == counts.bytes)
        let boundsText = appended { FlatJSON.append(point.explicitBounds, to: &$0) }
        #expect(try FlatJSON.numbers(from: Bytes(boundsText), .double, asField: 7).array == bounds.bytes)
      }
    }
    #expect(try FlatJSON.numbers(from: Bytes("[]"), .double, asField: 7).isEmpty)
  }

  @Test("White space and escapes that we never write are read all the same")
  func foreignSpelling() throws {
    let text = " { \"a\\u00e9\\uD83D\\ude00\\/\" : [ 1 , 2E3 ,-0 ] } "
    let wire = Wire { wire in
      wire.pair(1, "aé😀/") { value in
        value.field(5) { array in
          array.field(1) { $0.field(3, int: 1) }
          array.field(1) { $0.field(4, double: 2000) }
          array.field(1) { $0.field(3, int: 0) }
        }
      }
    }
    #expect(try FlatJSON.attributes(from: Bytes(text)).array == wire.bytes)
  }

  @Test(
    "Text that is not flat JSON is refused, with the place",
    arguments: [
      "", "{", "[]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{\"a\":1}x", "{\"a\":01}", "{\"a\":1.}", "{\"a\":-}",
      "{\"a\":1e}", "{\"a\":9223372036854775808}", "{\"a\":nul}", "{'a':1}", "{\"a\":\"\n\"}", "{\"a\":\"\\x\"}",
      "{\"a\":\"\\ud800\"}", "{\"a\":\"\\ud800\\u0041\"}", "{\"a\":\"\\u12\"}", "{\"a\":\"", "{\"$a\":1}",
      "{\"a\":{\"$bytes\":\"A\"}}", "{\"a\":{\"$bytes\":\"A===\"}}", "{\"a\":{\"$bytes\":\"=AAA\"}}",
      "{\"a\":{\"$bytes\":\"AA==\",\"b\":1}}", "{\"a\":{\"$double\":\"nan\"}}", "{\"a\":{\"$double\":1.5}}",
      "{\"a\":[{\"$absent\":null}]}", "{\"a\":{\"$absent\":1}}", "{\"a\":{\"$other\":1}}",
    ])
  func refusals(text: String) {
    #expect(throws: DecodeError.self) { try FlatJSON.attributes(from: Bytes(text)) }
  }

  @Test("Invalid UTF-8, endless nesting and wrong fields are refused")
  func moreRefusals() {
    let invalid = Bytes([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])
    #expect(throws: DecodeError.self) { try FlatJSON.attributes(from: invalid) }
    let deep = String(repeating: "[", count: 100_000)
    #expect(throws: DecodeError.self) { try FlatJSON.value(from: Bytes(deep)) }
    #expect(throws: DecodeError.self) { try FlatJSON.messages(from: Bytes("[{\"x\":1}]"), .spanEvent, asField: 1) }
    #expect(throws: DecodeError.self) { try FlatJSON.message(from: Bytes("{\"flags\":-1}"), .spanLink) }
    #expect(throws: DecodeError.self) { try FlatJSON.message(from: Bytes("{\"trace_id\":\"0\"}"), .spanLink) }
  }

  @Test("Every beginning of a flat text is refused, never a crash")
  func truncation() {
    let text = Array(#"{"a":[1,-2.5e3,{"$bytes":"AQI="},{"$double":"NaN"},null,true,{"k":"\u00e9\ud83d\ude00"}]}"#.utf8)
    for count in 0..<text.count {
      #expect(throws: DecodeError.self) { try FlatJSON.attributes(from: Bytes(text[..<count])) }
    }
  }
}
