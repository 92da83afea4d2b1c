// Stored spans in OTLP's JSON encoding, as a client could have sent them.

internal import Bytes
internal import OTLP
internal import TelemetryStore

/// Writes `resourceSpans`; what a client did not send is left out, as in OTLP.
enum OTLPTraces {
  private typealias Field = (inout JSONText) -> Void

  static func write(_ spans: [StoredSpan], to json: inout JSONText) {
    json.field("resourceSpans", array: groups(spans, by: \.resourceKey)) { json, resource in
      json.object { json in
        json.field(
          "resource",
          object: { json in
            attributes(resource[0].resource, to: &json)
            json.count("droppedAttributesCount", resource[0].resourceDroppedAttributes)
          })
        json.field("scopeSpans", array: groups(resource, by: \.scopeKey)) { json, scope in
          json.object { json in
            json.field("scope", object: { write(scopeOf: scope[0], to: &$0) })
            json.field("spans", array: scope) { json, span in json.object { write(span, to: &$0) } }
            json.present("schemaUrl", scope[0].scopeSchemaURL)
          }
        }
        json.present("schemaUrl", resource[0].resourceSchemaURL)
      }
    }
  }

  /// The spans with equal keys together, in the order of the first of them.
  private static func groups(_ spans: [StoredSpan], by key: (StoredSpan) -> String) -> [[StoredSpan]] {
    var indices: [String: Int] = [:]
    var groups: [[StoredSpan]] = []
    for span in spans {
      let key = key(span)
      if let index = indices[key] {
        groups[index].append(span)
      } else {
        indices[key] = groups.count
        groups.append([span])
      }
    }
    return groups
  }

  private static func write(scopeOf span: StoredSpan, to json: inout JSONText) {
    json.present("name", span.scopeName)
    json.present("version", span.scopeVersion)
    attributes(span.scopeAttributes, to: &json)
    json.count("droppedAttributesCount", span.scopeDroppedAttributes)
  }

  private static func write(_ span: StoredSpan, to json: inout JSONText) {
    json.field("traceId", span.traceID)
    json.field("spanId", span.spanID ?? "")
    json.present("traceState", span.traceState)
    json.present("parentSpanId", span.parentSpanID)
    json.count("flags", span.flags)
    json.field("name", span.name)
    json.count("kind", span.kind)
    // 64-bit numbers are text in OTLP's JSON; the column has their bits.
    json.field("startTimeUnixNano", String(UInt64(bitPattern: span.start)))
    json.field("endTimeUnixNano", String(UInt64(bitPattern: span.end)))
    attributes(span.attributes, to: &json)
    json.count("droppedAttributesCount", span.droppedAttributes)
    try? FlatJSON.withSpan(attributes: nil, events: span.events, links: span.links) { view in
      if span.events != nil { json.field("events", json: view.events.json) }
      json.count("droppedEventsCount", span.droppedEvents)
      if span.links != nil { json.field("links", json: view.links.json) }
    }
    json.count("droppedLinksCount", span.droppedLinks)
    json.field(
      "status",
      object: { json in
        json.present("message", span.statusMessage)
        json.count("code", span.statusCode)
      })
  }

  private static func attributes(_ flat: Bytes?, to json: inout JSONText) {
    guard let flat else { return }
    // A text that is no flat JSON was edited by hand: the rest of the span is worth showing.
    try? FlatJSON.withSpan(attributes: flat) { view in
      var text = ByteBuffer()
      view.attributes.appendJSON(to: &text)
      json.field("attributes", json: text.finish())
    }
  }
}

extension StoredSpan {
  fileprivate var resourceKey: String { "\(resource?.text ?? "")\0\(resourceSchemaURL ?? "")" }
  fileprivate var scopeKey: String {
    "\(scopeName ?? "")\0\(scopeVersion ?? "")\0\(scopeAttributes?.text ?? "")\0\(scopeSchemaURL ?? "")"
  }
}

extension MessagesView {
  fileprivate var json: Bytes {
    var text = ByteBuffer()
    appendJSON(to: &text)
    return text.finish()
  }
}

extension JSONText {
  /// Leaves out a text that is not there.
  fileprivate mutating func present(_ name: String, _ text: String?) {
    if let text { field(name, text) }
  }

  /// Leaves out 0.
  fileprivate mutating func count(_ name: String, _ number: Int64) {
    if number != 0 { field(name, number) }
  }
}
