// The OTLP/HTTP receiver: a complete HTTP request in, an OTLP answer out.

internal import Bytes
package import HTTPServer
package import OTLP

/// Takes export requests over HTTP and hands them to the pipeline.
///
/// Sources: OTLP specification, "OTLP/HTTP"; google.rpc.Status for the bodies of refusals.
package struct OTLPReceiver: Sendable {
  /// Where each signal is posted to; a signal that no pipeline takes has no path (404).
  private let signals: [(path: String, signal: Signal)]
  private let intake: OTLPIntake
  private let misdirected: MisdirectedRequests

  /// - Parameter paths: the URL paths of the signals that some pipeline takes from this receiver.
  package init(paths: [Signal: String], intake: OTLPIntake, misdirected: MisdirectedRequests) {
    self.intake = intake
    self.misdirected = misdirected
    signals = paths.map { ($0.value, $0.key) }
  }

  /// Answers one request, at once or when the journal has it. Runs on a reactor thread and never blocks.
  package func handle(_ request: HTTPRequest, _ reply: Reply) {
    guard let signal = signal(of: request) else { return reply.send(notFound(request)) }
    guard request.method == .post else { return reply.send(methodNotAllowed(request)) }
    guard let encoding = request.encoding else { return reply.send(unsupportedMediaType(request)) }
    intake.take(request.body, as: encoding, signal) { answer in
      reply.send(HTTPResponse(answer, to: signal, as: encoding))
    }
  }

  private func signal(of request: HTTPRequest) -> Signal? {
    for entry in signals where request.isAt(entry.path) { return entry.signal }
    return nil
  }

  /// The answer to a request that the HTTP server itself refused, in the form OTLP wants.
  package static func refusal(_ refusal: HTTPRefusal) -> HTTPResponse {
    let encoding = refusal.contentType.flatMap { Encoding(contentType: Bytes($0).span) } ?? .json
    var response = HTTPResponse.refusal(OTLPStatus(refusalCode: refusal.status), refusal.message, as: encoding)
    // The server's own status; what OTLP makes of it is the code in the body.
    response.status = refusal.status
    return response
  }
}

// MARK: - Refusals

extension OTLPReceiver {
  private func notFound(_ request: HTTPRequest) -> HTTPResponse {
    let known = signals.map(\.path).sorted().joined(separator: ", ")
    let mistake = request.method == .post ? OTLPReceiver.mistake(request.path) : nil
    if let mistake { misdirected.note(mistake, peer: request.peer) }
    let advice = mistake.map { "; \($0.advice)" } ?? ""
    return .refusal(.notFound, "no such path; OTLP is taken at \(known)\(advice)", as: request.encoding ?? .json)
  }

  /// What a client has got wrong that posts to this path, when it is one of the usual mistakes.
  private static func mistake(_ path: String) -> MisdirectedRequests.Kind? {
    if path == "/" { return .rootPath }
    if path.hasPrefix("/v1/v1/") { return .doubledPath }
    for signal in Signal.allCases {
      // Each mistake with and without a slash at the end.
      let path = path.hasSuffix("/") ? path.dropLast() : path[...]
      if path.hasSuffix("/v1/\(signal.name)/v1/\(signal.name)") { return .doubledPath }
      if path == "/v1/\(signal.name.dropLast())" { return .singularPath }
    }
    return nil
  }

  private func methodNotAllowed(_ request: HTTPRequest) -> HTTPResponse {
    // RFC 9110 section 15.5.6: a 405 names the methods that are allowed.
    let message = "this is an OTLP endpoint: send telemetry with POST, as application/x-protobuf or application/json"
    return .refusal(
      .methodNotAllowed, message, as: request.encoding ?? .json, headers: [HTTPHeader("Allow", "POST")])
  }

  private func unsupportedMediaType(_ request: HTTPRequest) -> HTTPResponse {
    let found = request.header("content-type").map { "\"\($0)\"" } ?? "none"
    return .refusal(
      .unsupportedMediaType,
      "expected the content type application/x-protobuf or application/json, found \(found)", as: .json)
  }
}

// MARK: - Encodings and answers

extension HTTPRequest {
  /// The encoding that the Content-Type header names.
  fileprivate var encoding: Encoding? { withHeader("content-type") { Encoding(contentType: $0) } }
}

extension Encoding {
  /// RFC 9110 section 8.3.1: media types compare without regard to case, and parameters do not matter here.
  init?(contentType: Span<UInt8>) {
    var end = contentType.firstIndex(of: UInt8(ascii: ";")) ?? contentType.count
    while end > 0, contentType[end - 1] == UInt8(ascii: " ") || contentType[end - 1] == UInt8(ascii: "\t") { end -= 1 }
    let type = contentType.extracting(0..<end)
    if type.equalsIgnoringCase("application/x-protobuf" as StaticString) {
      self = .protobuf
    } else if type.equalsIgnoringCase("application/json" as StaticString) {
      self = .json
    } else {
      return nil
    }
  }

  fileprivate var contentType: String {
    switch self {
    case .protobuf: "application/x-protobuf"
    case .json: "application/json"
    }
  }
}

extension HTTPResponse {
  /// OTLP/HTTP "Full Success", "Partial Success" and "Failures", in the request's own encoding.
  fileprivate init(_ answer: OTLPAnswer, to signal: Signal, as encoding: Encoding) {
    switch answer {
    case .success(let rejection):
      self.init(
        status: OTLPStatus.ok.httpStatus, contentType: encoding.contentType,
        body: ExportResponse.success(rejection: rejection, signal: signal, encoding: encoding))
    case .failure(let status, let message):
      self = .refusal(status, message, as: encoding, headers: status.headers)
    }
  }

  fileprivate static func refusal(
    _ status: OTLPStatus, _ message: String, as encoding: Encoding, headers: [HTTPHeader] = []
  ) -> HTTPResponse {
    HTTPResponse(
      status: status.httpStatus, contentType: encoding.contentType,
      body: RPCStatus(code: status.rpcCode, message: message).encoded(as: encoding), headers: headers)
  }
}
