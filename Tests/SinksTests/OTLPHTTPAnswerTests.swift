// The status table of OTLP/HTTP, and the answers that no table foresees.

import Bytes
import HTTPClient
import OTLP
import Pipeline
import Sinks
import Testing

@Suite("OTLPHTTPAnswer")
struct OTLPHTTPAnswerTests {
  private struct Unexpected: Error {}

  private func answer(_ status: Int, _ body: Bytes = Bytes(), type: String? = nil, _ fields: [HTTPField] = [])
    -> OTLPAnswer
  {
    let type = type.map { [HTTPField("Content-Type", $0)] } ?? []
    let response = HTTPClientResponse(status: status, fields: type + fields, body: body)
    return OTLPAnswer(http: response, from: "http://h/v1/traces", signal: .traces, now: 1_000_000_000)
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
    let plain = "http://h/v1/traces answered \(status)"
    #expect(answer(status) == .failed(.retryable(after: nil, reason: plain)))
    let later = answer(status, Bytes("busy\u{1b}"), [HTTPField("retry-AFTER", "17")])
    #expect(later == .failed(.retryable(after: .seconds(17), reason: plain + ": busy\\u001b")))
    let malformed = answer(status, Bytes(), [HTTPField("Retry-After", "soon")])
    #expect(malformed == .failed(.retryable(after: nil, reason: plain)))
  }

  @Test("What only a change of a configuration can mend stops the signal, and says what to change")
  func blocked() throws {
    for (status, hint) in [(401, "headers"), (403, "credentials"), (404, "endpoint")] {
      guard case .failed(.blocked(let reason)) = answer(status) else { throw Unexpected() }
      #expect(reason.contains("\(status)") && reason.contains(hint))
    }
    let location = HTTPField("Location", "https://h/v1/traces\u{7}")
    guard case .failed(.blocked(let reason)) = answer(308, Bytes(), [location]) else { throw Unexpected() }
    #expect(reason.contains("points to https://h/v1/traces\\u0007. Redirects are not followed"))
  }

  @Test("413 asks for smaller bodies, and so does a 400 that says so")
  func tooLarge() {
    #expect(answer(413) == .failed(.tooLarge(reason: "http://h/v1/traces answered 413")))
    for words in ["request body too large", "Message larger than max (5 vs. 4)", "body exceeds the limit of 1 MB"] {
      #expect(answer(400, Bytes(words)) == .failed(.tooLarge(reason: "http://h/v1/traces answered 400: \(words)")))
    }
  }

  @Test("Any other 400 is about some record of the batch")
  func invalid() {
    #expect(answer(400) == .failed(.invalid(reason: "http://h/v1/traces answered 400")))
  }

  @Test(
    "Any other status is final and counted under its number",
    arguments: [100, 402, 405, 408, 415, 422, 499, 500, 501, 505, 599, 0, 999])
  func rejected(status: Int) throws {
    guard case .rejected(let label, _) = answer(status) else { throw Unexpected() }
    #expect(label == "rejected_\(status)")
  }

  @Test("The server's own words are quoted: the message of its Status in either encoding, else what it sent")
  func messages() {
    let status = RPCStatus(code: 3, message: "spans[0]: bad\nid")
    func rejected(_ words: String) -> OTLPAnswer {
      .rejected(label: "rejected_422", detail: "http://h/v1/traces answered 422: \(words)")
    }
    let quoted = rejected("spans[0]: bad\\nid")
    #expect(answer(422, status.encoded(as: .json), type: "application/json") == quoted)
    #expect(answer(422, status.encoded(as: .protobuf), type: "application/x-protobuf") == quoted)
    #expect(answer(422, Bytes("<h1>no</h1>"), type: "text/html") == rejected("<h1>no</h1>"))
    let long = answer(422, Bytes(String(repeating: "x", count: 5000)))
    #expect(long == rejected(String(repeating: "x", count: 200) + "…"))
  }

  @Test("Failures without an answer are tried again; a response without end is not")
  func errors() throws {
    for error in [HTTPClientError.transport("reset"), .timedOut("slow"), .interrupted] {
      guard case .failed(.retryable(nil, _)) = OTLPAnswer(error, to: "http://h") else { throw Unexpected() }
    }
    for error in [HTTPClientError.unavailable("no library"), .unusable("bad file")] {
      guard case .failed(.blocked) = OTLPAnswer(error, to: "http://h") else { throw Unexpected() }
    }
    let endless = OTLPAnswer(.responseTooLarge(bytesMax: 9), to: "http://h")
    guard case .rejected("response_too_large", _) = endless else { throw Unexpected() }
  }
}
