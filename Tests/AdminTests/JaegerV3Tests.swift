// Version 3 of Jaeger's query API: golden answers, and traces that are OTLP again.

import Admin
import Bytes
import HTTPServer
import OTLP
import System
import TelemetryStore
import Testing

@Suite struct JaegerV3Tests {
  typealias Shop = QueryAPITests.Shop

  @Test(
    "The pages of version 3 are as Jaeger's clients read them",
    arguments: [
      ("/api/v3/services", #"{"services":["shop"]}"#),
      ("/api/v3/operations?service=shop", #"{"operations":[{"name":"GET /orders","spanKind":"server"}]}"#),
      ("/api/v3/operations?service=shop&span_kind=client", #"{"operations":[]}"#),
      ("/api/v3/traces/ab", traces), ("/api/v3/traces?\(window)", traces),
      (
        "/api/v3/traces?\(window)&query.serviceName=shop&query.operationName=GET%20/orders&query.durationMin=9ms"
          + "&query.durationMax=1s&query.searchDepth=5&query.attributes=%7B%22ratio%22%3A0.5%2C%22error%22%3Atrue%7D",
        traces
      ),
      (
        "/api/v3/traces?query.start_time_min=2026-11-21T13:00:00.5%2B01:00&query.start_time_max=2026-11-21T12:00:01Z"
          + "&query.service_name=shop&query.search_depth=1", #"{"error":{"httpCode":404,"message":"No traces found"}}"#
      ),
      ("/api/v3/traces/1234", #"{"error":{"httpCode":404,"message":"No traces found"}}"#),
      ("/api/v3/traces/xyz", #"{"error":{"httpCode":400,"message":"malformed trace id: xyz"}}"#),
      (
        "/api/v3/traces",
        #"{"error":{"httpCode":400,"message":"query.startTimeMin and query.startTimeMax are required"}}"#
      ),
      ("/api/v3/operations", #"{"error":{"httpCode":400,"message":"parameter 'service' is required"}}"#),
    ])
  func pages(target: String, body: String) throws {
    let answer = try Shop().get(target)
    #expect(answer.body.text == body)
    #expect((answer.status == 200) == !body.hasPrefix(#"{"error""#))
  }

  static let window = "query.startTimeMin=2026-11-21T12:00:00Z&query.startTimeMax=2026-11-21T12:00:01.000000001Z"

  static let traces =
    #"{"result":{"resourceSpans":[{"resource":{"attributes":["#
    + #"{"key":"service.name","value":{"stringValue":"shop"}},"#
    + #"{"key":"host.name","value":{"stringValue":"node-1"}}]},"#
    + #""scopeSpans":[{"scope":{"name":"fastapi","version":"1.0"},"spans":["#
    + #"{"traceId":"000000000000000000000000000000ab","spanId":"0000000000000001","flags":257,"#
    + #""name":"GET /orders","kind":2,"startTimeUnixNano":"1795262400000000000","#
    + #""endTimeUnixNano":"1795262400250000000","attributes":["#
    + #"{"key":"http.request.method","value":{"stringValue":"GET"}},"#
    + #"{"key":"http.route","value":{"stringValue":"/orders"}},"#
    + #"{"key":"http.response.status_code","value":{"intValue":"500"}},"#
    + #"{"key":"ratio","value":{"doubleValue":0.5}},{"key":"cached","value":{"boolValue":true}},"#
    + #"{"key":"tags","value":{"arrayValue":{"values":[{"stringValue":"a"},{"intValue":"1"}]}}}],"#
    + #""events":[{"timeUnixNano":"1795262400000005000","name":"exception","attributes":["#
    + #"{"key":"exception.type","value":{"stringValue":"KeyError"}}]}],"#
    + #""status":{"message":"no \"stock\"","code":2}},"#
    + #"{"traceId":"000000000000000000000000000000ab","spanId":"0000000000000002","#
    + #""parentSpanId":"0000000000000001","name":"work","kind":1,"startTimeUnixNano":"1795262400000001000","#
    + #""endTimeUnixNano":"1795262400000003000","#
    + #""links":[{"traceId":"000000000000000000000000000000cd","spanId":"0000000000000009"}],"status":{}}]}]}]}}"#

  @Test("A trace read back is the request that was sent, in every field")
  func roundTrips() throws {
    let sent = #"""
      {"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"a \"b\" \u0001"}},
          {"key":"$k","value":{"bytesValue":"AP8="}}],"droppedAttributesCount":3},
        "scopeSpans":[{"scope":{"name":"s","version":"2","attributes":[{"key":"x","value":{"doubleValue":1e300}}],
            "droppedAttributesCount":4},
          "spans":[{"traceId":"000000000000000000000000000000ef","spanId":"0000000000000001","traceState":"a=b",
            "parentSpanId":"0000000000000009","flags":768,"name":"n","kind":5,
            "startTimeUnixNano":"1795262400000000000","endTimeUnixNano":"18446744073709551615",
            "attributes":[{"key":"e","value":{}},{"key":"n"},{"key":"d","value":{"doubleValue":"NaN"}},
              {"key":"l","value":{"kvlistValue":{"values":[{"key":"m","value":{"intValue":"-7"}}]}}}],
            "droppedAttributesCount":5,
            "events":[{"timeUnixNano":"7","name":"e","attributes":[{"key":"z","value":{"boolValue":false}}],
              "droppedAttributesCount":1},{}],"droppedEventsCount":6,
            "links":[{"traceId":"000000000000000000000000000000cd","spanId":"0000000000000009","traceState":"c=d",
              "attributes":[{"key":"z","value":{"intValue":"1"}}],"droppedAttributesCount":2,"flags":1}],
            "droppedLinksCount":8,"status":{"message":"m","code":1}}],
          "schemaUrl":"https://scope"}],"schemaUrl":"https://resource"}]}
      """#
    let request = try ExportRequest(decoding: Bytes(sent), as: .json, signal: .traces)
    let shop = try Shop()
    try shop.store([request])
    let text = shop.get("/api/v3/traces/ef").body.text
    let inner = String(text.dropFirst(#"{"result":"#.utf8.count).dropLast())
    let back = try ExportRequest(decoding: Bytes(inner), as: .json, signal: .traces)
    #expect(back.payload.array == request.payload.array)
  }
}
