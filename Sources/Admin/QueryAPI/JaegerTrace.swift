// A stored trace in the JSON form of Jaeger's HTTP service.

internal import Bytes
internal import OTLP
internal import TelemetryStore

/// OpenTelemetry "OTLP to Jaeger" transformation, from the store's columns.
enum JaegerTrace {
  /// What a process is in Jaeger: a service with its resource.
  private struct Process: Hashable {
    let service: String
    let resource: String
  }

  static func write(_ trace: StoredTrace, to json: inout JSONText) {
    var processes: [Process] = []
    var numbers: [Process: Int] = [:]
    let ids = trace.spans.map { span in
      let process = Process(service: span.service ?? "", resource: span.resource?.text ?? "")
      if let number = numbers[process] { return "p\(number)" }
      processes.append(process)
      numbers[process] = processes.count
      return "p\(processes.count)"
    }
    json.object { json in
      json.field("traceID", trace.spans.first?.traceID)
      json.field("spans", array: trace.spans.indices) { json, index in
        json.object { write(trace.spans[index], process: ids[index], to: &$0) }
      }
      json.field(
        "processes",
        object: { json in
          for (offset, process) in processes.enumerated() {
            json.field(
              "p\(offset + 1)",
              object: { json in
                json.field("serviceName", process.service)
                json.key("tags")
                json.list { json in
                  attributes(
                    process.resource.isEmpty ? nil : Bytes(process.resource), to: &json, except: "service.name")
                }
              })
          }
        })
      json.key("warnings")
      if trace.isCut { json.array(["the trace is longer and was cut"]) { $0.value($1) } } else { json.null() }
    }
  }

  private static func write(_ span: StoredSpan, process: String, to json: inout JSONText) {
    json.field("traceID", span.traceID)
    json.field("spanID", span.spanID ?? "")
    json.field("flags", span.flags & 0xff)
    json.field("operationName", span.name)
    json.key("references")
    references(of: span, to: &json)
    json.field("startTime", span.start / 1000)
    json.field("duration", span.duration / 1000)
    json.key("tags")
    tags(of: span, to: &json)
    json.key("logs")
    logs(of: span, to: &json)
    json.field("processID", process)
    json.key("warnings")
    json.null()
  }

  private static func references(of span: StoredSpan, to json: inout JSONText) {
    json.list { json in
      if let parent = span.parentSpanID { reference("CHILD_OF", span.traceID, parent, to: &json) }
      try? FlatJSON.withSpan(attributes: nil, links: span.links) { view in
        view.forEachLink { link in
          reference("FOLLOWS_FROM", link.traceID.bytes.hex, link.spanID.bytes.hex, to: &json)
        }
      }
    }
  }

  private static func reference(_ type: String, _ trace: String, _ span: String, to json: inout JSONText) {
    json.object { json in
      json.field("refType", type)
      json.field("traceID", trace)
      json.field("spanID", span)
    }
  }

  private static func tags(of span: StoredSpan, to json: inout JSONText) {
    json.list { json in
      attributes(span.attributes, to: &json)
      tag("otel.scope.name", span.scopeName, to: &json)
      tag("otel.scope.version", span.scopeVersion, to: &json)
      tag("span.kind", kindName(span.kind), to: &json)
      tag("w3c.tracestate", span.traceState, to: &json)
      if span.statusCode == 2 {
        json.object { json in
          json.field("key", "error")
          json.field("type", "bool")
          json.field("value", true)
        }
      }
      tag("otel.status_code", span.statusCode == 2 ? "ERROR" : span.statusCode == 1 ? "OK" : nil, to: &json)
      tag("otel.status_description", span.statusMessage, to: &json)
    }
  }

  private static func logs(of span: StoredSpan, to json: inout JSONText) {
    json.list { json in
      try? FlatJSON.withSpan(attributes: nil, events: span.events) { view in
        view.forEachEvent { event in
          json.object { json in
            json.field("timestamp", Int64(clamping: event.timeUnixNano / 1000))
            json.key("fields")
            json.list { json in
              if !event.name.isEmpty { tag("event", event.name.string, to: &json) }
              event.attributes.forEach { tag($0.string, $1, to: &json) }
            }
          }
        }
      }
    }
  }

  // MARK: Key and value

  private static func attributes(_ flat: Bytes?, to json: inout JSONText, except left: StaticString = "") {
    guard let flat else { return }
    // A text that is no flat JSON was edited by hand: the rest of the span is worth showing.
    try? FlatJSON.withSpan(attributes: flat) { span in
      span.attributes.forEach { key, value in
        if left.utf8CodeUnitCount == 0 || !(key == left) { tag(key.string, value, to: &json) }
      }
    }
  }

  private static func tag(_ key: String, _ text: String?, to json: inout JSONText) {
    guard let text else { return }
    json.object { json in
      json.field("key", key)
      json.field("type", "string")
      json.field("value", text)
    }
  }

  private static func tag(_ key: String, _ value: AnyValueView, to json: inout JSONText) {
    json.object { json in
      json.field("key", key)
      switch value.kind {
      case .bool(let flag):
        json.field("type", "bool")
        json.field("value", flag)
      case .int(let number):
        json.field("type", "int64")
        json.field("value", number)
      case .double(let number) where number.isFinite:
        json.field("type", "float64")
        json.field("value", number)
      default:
        json.field("type", "string")
        json.field("value", text(of: value))
      }
    }
  }

  /// A text as it is, anything else as JSON.
  static func text(of value: AnyValueView) -> String {
    if let text = value.text { return text.string }
    var buffer = ByteBuffer()
    FlatJSON.append(value, to: &buffer)
    return buffer.finish().text
  }

  /// Nil for a kind that Jaeger does not name.
  static func kindName(_ kind: Int64) -> String? {
    switch kind {
    case 1: "internal"
    case 2: "server"
    case 3: "client"
    case 4: "producer"
    case 5: "consumer"
    default: nil
    }
  }
}
