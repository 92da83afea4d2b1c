// Log records and the values they hold, seen through views.

import Bytes
import Fuzzing
import OTLP
import Testing

struct LogRecordViewTests {
  @Test("Every field of a log record can be read")
  func everyField() throws {
    let request = try ExportRequest.fixture(.logs) { scope in
      scope.field(2) { record in
        record.field(1, fixed64: 10)
        record.field(2, varint: 17)
        record.field(3, text: "ERROR")
        record.field(5) { $0.field(1, text: "disk full") }
        record.pair(6, "disk", "sda")
        record.field(7, varint: 2)
        record.field(8, fixed32: 1)
        record.field(9, bytes: SpanViewTests.traceID)
        record.field(10, bytes: SpanViewTests.spanID)
        record.field(11, fixed64: 11)
        record.field(12, text: "device.app.lifecycle")
      }
    }
    var visits = 0
    request.forEachLogRecord { _, _, record in
      visits += 1
      #expect(record.timeUnixNano == 10 && record.observedTimeUnixNano == 11)
      #expect(record.severityNumber == 17 && record.severityText == "ERROR")
      #expect(record.body.isPresent && record.body.text?.string == "disk full")
      #expect(record.attributes.first("disk")?.text?.string == "sda")
      #expect(record.droppedAttributesCount == 2 && record.flags == 1)
      #expect(record.traceID.count == 16 && record.spanID.hex == "2122232425262728")
      #expect(record.eventName.string == "device.app.lifecycle")
    }
    #expect(visits == 1)
  }

  @Test("An absent body differs from an empty one")
  func bodyPresence() throws {
    let request = try ExportRequest.fixture(.logs) { scope in
      scope.field(2) { $0.field(1, fixed64: 1) }
      scope.field(2) { $0.field(5) { _ in } }
    }
    var present: [Bool] = []
    request.forEachLogRecord { _, _, record in
      present.append(record.body.isPresent)
      if case .empty = record.body.kind { return }
      Issue.record("both bodies are empty")
    }
    #expect(present == [false, true])
  }

  /// The body's kind in words.
  func description(of value: borrowing AnyValueView) -> String {
    switch value.kind {
    case .empty: return "empty"
    case .string(let text): return "string \(text.string)"
    case .bool(let value): return "bool \(value)"
    case .int(let value): return "int \(value)"
    case .double(let value): return "double \(value)"
    case .array(let array):
      var parts: [String] = []
      array.forEach { parts.append(description(of: $0)) }
      return "array \(array.count) \(parts)"
    case .keyValueList(let list):
      var parts: [String] = []
      list.forEach { parts.append($0.string + "=" + description(of: $1)) }
      return "list \(list.count) \(parts)"
    case .bytes(let data): return "bytes \(data.bytes.array)"
    }
  }

  @Test("A value of each type is told apart, set to its default too")
  func valueKinds() throws {
    let long = String(repeating: "é", count: 100)
    let variants: [((inout Wire) -> Void, String)] = [
      ({ _ in }, "empty"),
      ({ $0.field(1, text: "") }, "string "),
      ({ $0.field(1, text: long) }, "string \(long)"),
      ({ $0.field(2, varint: 0) }, "bool false"),
      ({ $0.field(3, int: .min) }, "int -9223372036854775808"),
      ({ $0.field(4, double: -0.0) }, "double -0.0"),
      ({ $0.field(5) { _ in } }, "array 0 []"),
      (
        {
          $0.field(5) { array in
            array.field(1) { $0.field(2, varint: 1) }
            array.field(1) { _ in }
          }
        }, #"array 2 ["bool true", "empty"]"#
      ),
      ({ $0.field(6) { _ in } }, "list 0 []"),
      ({ $0.field(6) { $0.pair(1, "k", long) } }, "list 1 [\"k=string \(long)\"]"),
      ({ $0.field(7, bytes: [0, 255]) }, "bytes [0, 255]"),
      (
        {
          $0.field(1, text: "first")
          $0.field(3, int: 2)
          $0.field(9, text: "unknown")
        }, "int 2"
      ),
    ]
    for (build, expected) in variants {
      let request = try ExportRequest.fixture(.logs) { $0.field(2) { $0.field(5, build) } }
      request.forEachLogRecord { _, _, record in #expect(description(of: record.body) == expected) }
    }
  }

  @Test("Pairs in any layout give the same key and value")
  func pairLayouts() throws {
    let long = String(repeating: "k", count: 200)
    let request = try ExportRequest.fixture(.logs) { scope in
      scope.field(2) { record in
        record.pair(6, long, long)
        record.field(6) { pair in
          pair.field(2) { $0.field(1, text: "value first") }
          pair.field(1, text: "b")
        }
        record.field(6) { $0.field(1, text: "c") }
        record.field(6) { _ in }
        record.field(6) { pair in
          pair.field(7, varint: 1)
          pair.field(1, text: "lost")
          pair.field(1, text: "e")
          pair.field(2) { $0.field(2, varint: 1) }
        }
      }
    }
    var seen: [String] = []
    request.forEachLogRecord { _, _, record in
      record.attributes.forEach { key, value in
        seen.append("\(key.string) \(value.isPresent) \(description(of: value))")
      }
    }
    #expect(
      seen == [
        "\(long) true string \(long)", "b true string value first", "c false empty", " false empty", "e true bool true",
      ])
  }
}
