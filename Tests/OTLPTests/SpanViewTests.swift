// Spans, their events and links, seen through views.

import Bytes
import Fuzzing
import OTLP
import Testing

struct SpanViewTests {
  static let traceID: [UInt8] = Array(1...16)
  static let spanID: [UInt8] = Array(0x21...0x28)

  static func fullSpan(_ span: inout Wire) {
    span.field(1, bytes: traceID)
    span.field(2, bytes: spanID)
    span.field(3, text: "vendor=1")
    span.field(4, bytes: Array(0x31...0x38))
    span.field(5, text: "GET /orders")
    span.field(6, varint: 2)
    span.field(7, fixed64: 1_000)
    span.field(8, fixed64: .max)
    span.pair(9, "http.route", "/orders")
    span.pair(9, "n") { $0.field(3, int: -5) }
    span.field(10, varint: 4)
    span.field(11) { event in
      event.field(1, fixed64: 1_500)
      event.field(2, text: "retry")
      event.pair(3, "attempt") { $0.field(3, int: 2) }
      event.field(4, varint: 7)
    }
    span.field(12, varint: 5)
    span.field(13) { link in
      link.field(1, bytes: traceID)
      link.field(2, bytes: spanID)
      link.field(3, text: "a=b")
      link.pair(4, "why", "batch")
      link.field(5, varint: 8)
      link.field(6, fixed32: 0x101)
    }
    span.field(14, varint: 6)
    span.field(15) { status in
      status.field(2, text: "boom")
      status.field(3, varint: 2)
    }
    span.field(16, fixed32: 0x301)
  }

  @Test("Every field of a span can be read")
  func everyField() throws {
    let request = try ExportRequest.fixture(.traces) { $0.field(2, SpanViewTests.fullSpan) }
    var visits = 0
    request.forEachSpan { _, _, span in
      visits += 1
      #expect(span.traceID.hex == "0102030405060708090a0b0c0d0e0f10")
      #expect(span.spanID.hex == "2122232425262728")
      #expect(span.traceState.string == "vendor=1")
      #expect(span.parentSpanID.hex == "3132333435363738")
      #expect(span.name.string == "GET /orders")
      #expect(span.kind == 2)
      #expect(span.startTimeUnixNano == 1_000)
      #expect(span.endTimeUnixNano == .max)
      #expect(span.droppedAttributesCount == 4)
      #expect(span.droppedEventsCount == 5)
      #expect(span.droppedLinksCount == 6)
      #expect(span.flags == 0x301)
      #expect(span.hasStatus == true)
      #expect(span.status.text.string == "boom")
      #expect(span.status.code == 2)
      #expect(span.attributes.count == 2)
      #expect(span.attributes.first("n")?.int == -5)
      #expect(span.events.count == 1 && span.links.count == 1)
    }
    #expect(visits == 1)
  }

  @Test("Every field of an event and of a link can be read")
  func eventsAndLinks() throws {
    let request = try ExportRequest.fixture(.traces) { $0.field(2, SpanViewTests.fullSpan) }
    var visits = 0
    request.forEachSpan { _, _, span in
      span.forEachEvent { event in
        visits += 1
        #expect(event.timeUnixNano == 1_500)
        #expect(event.name.string == "retry")
        #expect(event.attributes.first("attempt")?.int == 2)
        #expect(event.droppedAttributesCount == 7)
      }
      span.forEachLink { link in
        visits += 1
        let isSelf = link.traceID == span.traceID && link.spanID == span.spanID
        #expect(isSelf)
        #expect(link.traceState.string == "a=b")
        #expect(link.attributes.first("why")?.text?.string == "batch")
        #expect(link.droppedAttributesCount == 8)
        #expect(link.flags == 0x101)
      }
    }
    #expect(visits == 2)
  }

  @Test("A span without fields reads as defaults")
  func defaults() throws {
    let request = try ExportRequest.fixture(.traces) { $0.field(2) { _ in } }
    var visits = 0
    request.forEachSpan { resource, scope, span in
      visits += 1
      #expect(span.traceID.isEmpty && span.name.isEmpty && span.attributes.isEmpty && span.events.isEmpty)
      #expect(span.kind == 0 && span.startTimeUnixNano == 0 && span.flags == 0)
      #expect(!span.hasStatus && span.status.code == 0 && span.status.text.isEmpty)
      #expect(resource.serviceName.isEmpty && resource.bytes.isEmpty && scope.name.isEmpty && scope.bytes.isEmpty)
    }
    #expect(visits == 1)
  }

  @Test("Of a repeated singular field the last one counts, in any order")
  func lastOneWins() throws {
    let request = try ExportRequest.fixture(.traces) { scope in
      scope.field(2) { span in
        span.pair(9, "a", "1")
        span.field(5, text: "first")
        span.field(6, varint: 1)
        span.field(5, text: "second")
        span.pair(9, "b", "2")
        span.field(6, varint: 3)
      }
    }
    request.forEachSpan { _, _, span in
      #expect(span.name.string == "second")
      #expect(span.kind == 3)
      #expect(span.attributes.count == 2)
      #expect(span.attributes.first("b")?.text?.string == "2")
    }
  }

  @Test("A known field with another wire type, an unknown field and a group are stepped over")
  func unknownFields() throws {
    let request = try ExportRequest.fixture(.traces) { scope in
      scope.field(2) { span in
        span.field(5, text: "name")
        span.field(5, varint: 9)
        span.field(7, text: "not a time")
        span.field(99, text: "later version")
        span.field(2_000, varint: 1)
        span.varint(50 << 3 | 3)
        span.field(1, text: "inside a group")
        span.varint(51 << 3 | 3)
        span.varint(51 << 3 | 4)
        span.varint(50 << 3 | 4)
        span.field(6, varint: 2)
      }
    }
    request.forEachSpan { _, _, span in
      #expect(span.name.string == "name")
      #expect(span.startTimeUnixNano == 0)
      #expect(span.traceID.count == 0)
      #expect(span.kind == 2)
    }
  }

  @Test("Resource, scope and schema URLs come with every span, with their positions")
  func envelopes() throws {
    let wire = Wire { request in
      for service in ["a", "b"] {
        request.field(1) { envelope in
          envelope.field(1) { resource in
            resource.pair(1, "service.name", service)
            resource.field(2, varint: 3)
            resource.field(3) { entity in
              entity.field(1, text: "urn:e")
              entity.field(2, text: "service")
              entity.field(3, text: "service.name")
              entity.field(3, text: "service.id")
              entity.field(4, text: "host.name")
            }
          }
          for scope in ["x", "y"] {
            envelope.field(2) { envelope in
              envelope.field(1) { message in
                message.field(1, text: scope)
                message.field(2, text: "1.0")
                message.pair(3, "k", "v")
                message.field(4, varint: 9)
              }
              envelope.field(2) { $0.field(5, text: "1") }
              envelope.field(2) { $0.field(5, text: "2") }
              envelope.field(3, text: "urn:scope")
            }
          }
          envelope.field(3, text: "urn:resource")
        }
      }
    }
    let request = try ExportRequest(decoding: Bytes(wire.bytes), as: .protobuf, signal: .traces)
    var seen: [String] = []
    request.forEachSpan { resource, scope, span in
      let place = "\(resource.index)\(resource.serviceName.string)\(scope.index)\(scope.name.string)"
      seen.append(place + span.name.string)
      #expect(resource.schemaURL == "urn:resource" && scope.schemaURL == "urn:scope")
      #expect(resource.droppedAttributesCount == 3 && scope.droppedAttributesCount == 9)
      #expect(scope.version == "1.0" && scope.attributes.count == 1)
      resource.forEachEntityRef { entity in
        var keys: [String] = []
        entity.forEachIDKey { keys.append($0.string) }
        entity.forEachDescriptionKey { keys.append($0.string) }
        #expect(keys == ["service.name", "service.id", "host.name"])
        #expect(entity.schemaURL == "urn:e" && entity.type == "service")
      }
    }
    #expect(seen == ["0a0x1", "0a0x2", "0a1y1", "0a1y2", "1b2x1", "1b2x2", "1b3y1", "1b3y2"])
    #expect(request.resourceCount == 2)
  }

  @Test("A visit ends with the error that the visitor throws")
  func throwingVisit() throws {
    struct Stop: Error {}
    let request = try ExportRequest.fixture(.traces) { scope in
      for _ in 0..<3 { scope.field(2) { $0.field(5, text: "s") } }
    }
    var visits = 0
    #expect(throws: Stop.self) {
      try request.forEachSpan { (_, _, _) throws(Stop) in
        visits += 1
        if visits == 2 { throw Stop() }
      }
    }
    #expect(visits == 2)
  }

  @Test("A request of another signal has no spans")
  func otherSignal() throws {
    let request = try ExportRequest.fixture(.logs) { $0.field(2) { $0.field(1, fixed64: 1) } }
    var visits = 0
    request.forEachSpan { _, _, _ in visits += 1 }
    request.forEachMetric { _, _, _ in visits += 1 }
    #expect(visits == 0)
  }
}
