// The table of OTLP/gRPC, statuses in trailers and headers, and the frame around a message.

import Bytes
import Compression
import HTTPClient
import OTLP
import Pipeline
import Sinks
import Testing

@Suite("GRPCStatus")
struct GRPCStatusTests {
  private struct Unexpected: Error {}

  private func response(_ fields: [(String, String)], status: Int = 200, body: Bytes = Bytes()) -> HTTPClientResponse {
    HTTPClientResponse(status: status, fields: fields.map { HTTPField($0.0, $0.1) }, body: body)
  }

  private func answer(_ code: GRPCStatus.Code, _ message: String = "", after delay: Duration? = nil) -> OTLPAnswer {
    OTLPAnswer(GRPCStatus(code: code, message: message, retryDelay: delay), from: "http://h")
  }

  @Test("The status is the last that is said, and its message is percent-decoded")
  func reading() {
    let both = GRPCStatus(response([("grpc-status", "0"), ("Grpc-Status", "14"), ("grpc-message", "b%C3%BCsy %zz%4")]))
    #expect(both == GRPCStatus(code: .unavailable, message: "büsy %zz%4"))
    #expect(GRPCStatus(response([("grpc-status", "99")])).code == .unknown)
  }

  @Test(
    "Without a status, HTTP's counts, as for a proxy in between",
    arguments: [
      (400, GRPCStatus.Code.internal), (401, .unauthenticated), (403, .permissionDenied), (404, .unimplemented),
      (429, .unavailable), (502, .unavailable), (503, .unavailable), (504, .unavailable),
      (200, .unimplemented), (301, .unimplemented), (500, .unknown),
    ])
  func httpStatus(status: Int, code: GRPCStatus.Code) {
    let found = GRPCStatus(response([("grpc-status", "none")], status: status))
    #expect(found.code == code && found.message.contains("\(status)"))
  }

  @Test("RetryInfo is read from the details, with and without padding, and what is none is no failure")
  func retryInfo() {
    let padded = Self.details(seconds: 1, nanoseconds: 500_000_000)
    for text in [padded, padded.replacing("=", with: "")] {
      let status = GRPCStatus(response([("grpc-status", "8"), ("grpc-status-details-bin", text)]))
      #expect(status.retryDelay == .milliseconds(1500))
    }
    for text in ["", "AAAA", "!", "CAg="] {
      #expect(GRPCStatus(response([("grpc-status", "8"), ("grpc-status-details-bin", text)])).retryDelay == nil)
    }
  }

  /// A Status with a RetryInfo among its details, as base64.
  private static func details(seconds: UInt8, nanoseconds: Int) -> String {
    func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] { [number << 3 | 2, UInt8(content.count)] + content }
    var rest = nanoseconds
    var varint: [UInt8] = []
    while rest > 0x7F {
      varint.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    let duration = [0x08, seconds, 0x10] + varint + [UInt8(rest)]
    let any = field(1, Array("type.googleapis.com/google.rpc.RetryInfo".utf8)) + field(2, field(1, duration))
    let other = field(1, Array("type.googleapis.com/google.rpc.DebugInfo".utf8))
    return Bytes([0x08, 8] + field(3, other) + field(3, any)).base64
  }

  @Test(
    "These codes are tried again, after the delay that is asked for",
    arguments: [GRPCStatus.Code.cancelled, .deadlineExceeded, .aborted, .outOfRange, .unavailable, .dataLoss])
  func retryable(code: GRPCStatus.Code) {
    #expect(answer(code) == .failed(.retryable(after: nil, reason: "http://h answered \(code.name)")))
    #expect(
      answer(code, "busy", after: .seconds(3))
        == .failed(.retryable(after: .seconds(3), reason: "http://h answered \(code.name): busy")))
    guard case .failed(.retryable(RetryAfter.longest, _)) = answer(code, after: .seconds(1 << 40)) else {
      Issue.record("an absurd delay is not cut")
      return
    }
  }

  @Test("RESOURCE_EXHAUSTED is tried again only with RetryInfo, and in smaller parts when it is about the size")
  func exhausted() {
    #expect(
      answer(.resourceExhausted, after: .seconds(1))
        == .failed(.retryable(after: .seconds(1), reason: "http://h answered RESOURCE_EXHAUSTED")))
    #expect(
      answer(.resourceExhausted)
        == .rejected(label: "rejected_resource_exhausted", detail: "http://h answered RESOURCE_EXHAUSTED"))
    let words = "grpc: received message larger than max (5 vs. 4)"
    #expect(
      answer(.resourceExhausted, words)
        == .failed(.tooLarge(reason: "http://h answered RESOURCE_EXHAUSTED: \(words)")))
    let other = "Error, decoded message length too large: found 5 bytes, the limit is: 4 bytes"
    #expect(answer(.outOfRange, other) == .failed(.tooLarge(reason: "http://h answered OUT_OF_RANGE: \(other)")))
  }

  @Test(
    "What only a change of a configuration can mend stops the signal",
    arguments: [GRPCStatus.Code.unauthenticated, .permissionDenied, .unimplemented, .notFound])
  func blocked(code: GRPCStatus.Code) throws {
    guard case .failed(.blocked(let reason)) = answer(code, "no") else { throw Unexpected() }
    #expect(reason.hasPrefix("http://h answered \(code.name): no. "))
  }

  @Test("INVALID_ARGUMENT is about some record, and the rest is final")
  func final() {
    #expect(answer(.invalidArgument) == .failed(.invalid(reason: "http://h answered INVALID_ARGUMENT")))
    for code in [GRPCStatus.Code.unknown, .alreadyExists, .failedPrecondition, .internal] {
      let label = "rejected_\(code.name.lowercased())"
      #expect(answer(code) == .rejected(label: label, detail: "http://h answered \(code.name)"))
    }
  }

  @Test("Every call's body is one frame, and a partial success is read from the answer's")
  func frames() {
    let requests = ["ab", "c"].map { ExportRequest(held: Bytes($0), itemCount: 1, signal: .logs) }
    var settings = OTLPClientSettings(client: HTTPClientSettings(userAgent: "t"))
    settings.compression = nil
    let transport = OTLPGRPCTransport(base: "http://h:1", authority: "shop", settings: settings)
    var none: Compressor?
    #expect(transport.body(of: requests, packedBy: &none).array == [0, 0, 0, 0, 3] + Array("abc".utf8))
    var gzip: Compressor? = Compressor(.gzip)
    let packed = transport.body(of: requests, packedBy: &gzip)
    #expect(packed.array.prefix(5) == [1, 0, 0, 0, UInt8(packed.count - 5)])
    #expect(transport.url(for: .logs) == "http://h:1/opentelemetry.proto.collector.logs.v1.LogsService/Export")
    #expect(transport.fields.contains(HTTPField("Host", "shop")))
    #expect(transport.fields.contains(HTTPField("grpc-timeout", "30000m")))

    let rejection = ExportRequest.Rejection(itemCount: 3, message: "too old")
    let message = ExportResponse.success(rejection: rejection, signal: .logs, encoding: .protobuf)
    var frame = ByteBuffer()
    GRPCFrame.appendHead(count: message.count, isCompressed: false, to: &frame)
    frame.append(message)
    let ok = [("grpc-status", "0")]
    let taken = transport.answer(response(ok, body: frame.finish()), from: "http://h", signal: .logs, now: 0)
    #expect(taken == .delivered(rejection))
    for body in [[], [0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 9, 1], [0, 255, 255, 255, 255]] as [[UInt8]] {
      let odd = transport.answer(response(ok, body: Bytes(body)), from: "http://h", signal: .logs, now: 0)
      #expect(odd == .delivered(nil))
    }
  }
}
