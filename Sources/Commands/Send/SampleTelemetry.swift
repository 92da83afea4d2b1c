// Telemetry that looks like a small shop's, made up as fast as it can be sent.

internal import Bytes
package import OTLP

/// Makes export requests; one thread uses it.
///
/// They are written as OTLP JSON and pass the same door as a client's, so that they are valid by construction.
package struct SampleTelemetry {
  private static let routes: [StaticString] = ["/orders", "/orders/{id}", "/cart", "/checkout"]
  /// Each hundredth item is an error.
  private static let errorEvery = 100

  private let service: String
  private let start: UInt64
  private var random: SplitMix
  private var made = 0

  /// - Parameters:
  ///   - seed: equal seeds make equal telemetry.
  ///   - start: Unix nanoseconds; since when counters count.
  package init(service: String, seed: UInt64, start: UInt64) {
    self.service = JSONValue.text(service).json
    self.start = start
    random = SplitMix(state: seed)
  }

  /// A request of so many items.
  ///
  /// - Parameter now: Unix nanoseconds; when the items ended.
  package mutating func request(_ signal: Signal, items: Int, now: UInt64) -> ExportRequest {
    var json = ByteBuffer(capacity: 512 * items + 512)
    open(signal, &json)
    for index in 0..<items {
      if index > 0 { json.append(UInt8(ascii: ",")) }
      switch signal {
      case .traces: appendSpan(isRoot: index % 2 == 0, now, &json)
      case .metrics: appendPoint(now, &json)
      case .logs: appendRecord(now, &json)
      }
      made += 1
    }
    json.append(signal == .metrics ? "]}}]}]}]}" : "]}]}]}")
    do throws(DecodeError) {
      return try ExportRequest(decoding: json.finish(), as: .json, signal: signal)
    } catch {
      preconditionFailure("what is made here is OTLP: \(error)")
    }
  }

  private func open(_ signal: Signal, _ json: inout ByteBuffer) {
    let (group, list): (StaticString, StaticString) =
      switch signal {
      case .traces: ("Spans", "\"spans\":[")
      case .metrics:
        (
          "Metrics",
          """
          "metrics":[{"name":"shop.requests","unit":"{request}","description":"Requests that were answered.",\
          "sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[
          """
        )
      case .logs: ("Logs", "\"logRecords\":[")
      }
    json.append("{\"resource")
    json.append(group)
    json.append("\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":")
    json.append(service)
    json.append("}}]},\"scope")
    json.append(group)
    json.append("\":[{\"scope\":{\"name\":\"otlpd send\"},")
    json.append(list)
  }

  // MARK: Items

  private var traceID: (UInt64, UInt64) = (0, 0)
  private var rootID: UInt64 = 0
  private var rootEnd: UInt64 = 0

  /// A request to the shop, or the database call inside the one before.
  private mutating func appendSpan(isRoot: Bool, _ now: UInt64, _ json: inout ByteBuffer) {
    let isError = made % SampleTelemetry.errorEvery == 0 && made > 0
    let lasted = 1_000_000 + random.next() % 99_000_000
    if isRoot { (traceID, rootID) = ((random.next() | 1, random.next()), random.next() | 1) }
    let route = SampleTelemetry.routes[made / 2 % SampleTelemetry.routes.count]
    json.append("{\"traceId\":\"")
    appendHex(traceID.0, &json)
    appendHex(traceID.1, &json)
    json.append("\",\"spanId\":\"")
    appendHex(isRoot ? rootID : random.next() | 1, &json)
    if isRoot {
      json.append("\",\"kind\":2,\"name\":\"GET ")
      json.append(route)
      json.append("\",\"attributes\":[{\"key\":\"http.request.method\",\"value\":{\"stringValue\":\"GET\"}},")
      json.append("{\"key\":\"http.route\",\"value\":{\"stringValue\":\"")
      json.append(route)
      json.append("\"}},{\"key\":\"http.response.status_code\",\"value\":{\"intValue\":")
      json.append(isError ? "500" : "200")
      json.append("}}]")
    } else {
      json.append("\",\"parentSpanId\":\"")
      appendHex(rootID, &json)
      json.append("\",\"kind\":3,\"name\":\"SELECT shop\",\"attributes\":[{\"key\":\"db.system.name\",\"value\":")
      json.append("{\"stringValue\":\"postgresql\"}},{\"key\":\"db.query.text\",\"value\":")
      json.append("{\"stringValue\":\"SELECT * FROM orders WHERE id = $1\"}}]")
    }
    if isError { json.append(",\"status\":{\"code\":2,\"message\":\"payment declined\"}") }
    // The call lies inside its request.
    let end = isRoot ? now : rootEnd - 1000
    let start = isRoot ? now - lasted : end - min(lasted, 900_000)
    rootEnd = isRoot ? now : rootEnd
    appendTime("startTimeUnixNano", start, &json)
    appendTime("endTimeUnixNano", end, &json)
    json.append("}")
  }

  private mutating func appendPoint(_ now: UInt64, _ json: inout ByteBuffer) {
    json.append("{\"attributes\":[{\"key\":\"http.route\",\"value\":{\"stringValue\":\"")
    json.append(SampleTelemetry.routes[made % SampleTelemetry.routes.count])
    json.append("\"}}],\"asInt\":\"")
    json.append(decimal: made / SampleTelemetry.routes.count + 1)
    json.append("\"")
    appendTime("startTimeUnixNano", start, &json)
    appendTime("timeUnixNano", now, &json)
    json.append("}")
  }

  private mutating func appendRecord(_ now: UInt64, _ json: inout ByteBuffer) {
    let isError = made % SampleTelemetry.errorEvery == 0 && made > 0
    json.append("{\"severityNumber\":")
    json.append(isError ? "17,\"severityText\":\"ERROR\"" : "9,\"severityText\":\"INFO\"")
    json.append(",\"body\":{\"stringValue\":\"order ")
    json.append(decimal: made + 1)
    json.append(isError ? ": payment declined\"}" : " placed\"}")
    appendTime("timeUnixNano", now, &json)
    appendTime("observedTimeUnixNano", now, &json)
    json.append("}")
  }

  private func appendTime(_ name: StaticString, _ time: UInt64, _ json: inout ByteBuffer) {
    json.append(",\"")
    json.append(name)
    json.append("\":\"")
    json.append(decimal: time)
    json.append("\"")
  }

  private func appendHex(_ number: UInt64, _ json: inout ByteBuffer) {
    for shift in stride(from: 60, through: 0, by: -4) {
      let digit = UInt8(truncatingIfNeeded: number >> UInt64(shift)) & 0xF
      json.append(digit + (digit < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10))
    }
  }
}

/// Sebastiano Vigna's SplitMix64: numbers that look random, from 64 bits of state.
struct SplitMix {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
