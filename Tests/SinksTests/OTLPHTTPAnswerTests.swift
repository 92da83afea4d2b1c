// The status table of OTLP/HTTP, and the answers that no table foresees.

import Bytes
import HTTPClient
import OTLP
import Sinks
import Testing

@Suite("OTLPHTTPAnswer")
struct OTLPHTTPAnswerTests {
  private struct Unexpected: Error {}

  private func answer(_ status: Int, _ body: Bytes = Bytes(), type: String? = nil, _ fields: [HTTPField] = [])
    -> OTLPHTTPAnswer
  {
    let type = type.map { [HTTPField("Content-Type", $0)] } ?? []
    let response = HTTPClientResponse(status: status, fields: type + fields, body: body)
    return OTLPHTTPAnswer(response, to: "http://h/v1/traces", signal: .traces, now: 1_000_000_000)
  }

  @Test("Any 2xx is a delivery, whatever its body", arguments: [200, 202, 204, 299])
  func success(status: Int) {
    #expect(answer(status) == .delivered(nil))
    #expect(answer(status, Bytes([0x0a, 0x00]), type: "application/x-protobuf") == .delivered(nil))
    #expect(answer(status, Bytes("{\"partialSuccess\":{}}"), type: "application/json") == .delivered(nil))
    #expect(answer(status, Bytes("<html>hello</html>"), type: "text/html") == .delivered(nil))
    #expect(answer(status, Bytes([0xFF, 0xFF, 0xFF]), type: "application/x-protobuf") == .delivered(nil))
    #expect(answer(status, Bytes("{"), type: "application/json") == .delivered(nil))
  }

  @Test("A partial success is read in both encodings, also without a content type")
  func partialSuccess() {
    let rejection = ExportRequest.Rejection(itemCount: 3, message: "too old")
    for (encoding, type) in [
      (Encoding.protobuf, "application/x-protobuf"), (.json, "Application/JSON ; charset=utf-8"),
    ] {
      let body = ExportResponse.success(rejection: rejection, signal: .traces, encoding: encoding)
      #expect(answer(200, body, type: type) == .delivered(rejection))
    }
    let body = ExportResponse.success(rejection: rejection, signal: .traces, encoding: .protobuf)
    #expect(answer(200, body) == .delivered(rejection))
  }

  @Test("429, 502, 503 and 504 are tried again, when the server says", arguments: [429, 502, 503, 504])
  func retryable(status: Int) {
    #expect(answer(status) == .retry(after: nil, reason: "http://h/v1/traces answered \(status)"))
    let later = answer(status, Bytes("busy\u{1b}"), [HTTPField("retry-AFTER", "17")])
    #expect(later == .retry(after: .seconds(17), reason: "http://h/v1/traces answered \(status): busy\\u001b"))
    let malformed = answer(status, Bytes(), [HTTPField("Retry-After", "soon")])
    #expect(malformed == .retry(after: nil, reason: "http://h/v1/traces answered \(status)"))
  }

  @Test("401, 403 and 404 pause the signal and say what to change", arguments: [401, 403, 404])
  func paused(status: Int) throws {
    guard case .retry(let after, let reason) = answer(status) else { throw Unexpected() }
    #expect(after == OTLPHTTPAnswer.pause)
    let hint = [401: "headers", 403: "credentials", 404: "endpoint"][status]!
    #expect(reason.contains("\(status)") && reason.contains(hint))
  }

  @Test("413 asks for smaller bodies")
  func tooLarge() {
    #expect(answer(413) == .tooLarge(detail: "http://h/v1/traces answered 413"))
  }

  @Test(
    "Any other status is final and counted under its number",
    arguments: [100, 400, 402, 405, 408, 415, 422, 499, 500, 501, 505, 599, 0, 999])
  func rejected(status: Int) throws {
    guard case .rejected(let label, _) = answer(status) else { throw Unexpected() }
    #expect(label == "rejected_\(status)")
  }

  @Test("A redirect is final, and its target is named without being followed")
  func redirected() throws {
    let location = HTTPField("Location", "https://h/v1/traces\u{7}")
    guard case .rejected("redirected", let detail) = answer(308, Bytes(), [location]) else { throw Unexpected() }
    #expect(detail.contains("points to https://h/v1/traces\\u0007"))
  }

  @Test("The server's own words are quoted: the message of its Status in either encoding, else what it sent")
  func messages() {
    let status = RPCStatus(code: 3, message: "spans[0]: bad\nid")
    let quoted = OTLPHTTPAnswer.rejected(
      label: "rejected_400", detail: "http://h/v1/traces answered 400: spans[0]: bad\\nid")
    #expect(answer(400, status.encoded(as: .json), type: "application/json") == quoted)
    #expect(answer(400, status.encoded(as: .protobuf), type: "application/x-protobuf") == quoted)
    let html = OTLPHTTPAnswer.rejected(label: "rejected_400", detail: "http://h/v1/traces answered 400: <h1>no</h1>")
    #expect(answer(400, Bytes("<h1>no</h1>"), type: "text/html") == html)
    let long = answer(400, Bytes(String(repeating: "x", count: 5000)))
    let cut = String(repeating: "x", count: 200) + "…"
    #expect(long == .rejected(label: "rejected_400", detail: "http://h/v1/traces answered 400: \(cut)"))
  }

  @Test("Failures without an answer are tried again; a response without end is not")
  func errors() throws {
    let retried: [HTTPClientError] = [.transport("reset"), .timedOut("slow"), .interrupted]
    for error in retried {
      guard case .retry(nil, _) = OTLPHTTPAnswer(error, to: "http://h") else { throw Unexpected() }
    }
    for error in [HTTPClientError.unavailable("no library"), .unusable("bad file")] {
      guard case .retry(OTLPHTTPAnswer.pause, _) = OTLPHTTPAnswer(error, to: "http://h") else { throw Unexpected() }
    }
    let endless = OTLPHTTPAnswer(.responseTooLarge(bytesMax: 9), to: "http://h")
    guard case .rejected("response_too_large", _) = endless else { throw Unexpected() }
  }
}
