// A client in front of an HTTP2Exchange: no socket, no clock.

import Bytes
import Compression
import HTTPServer
import System

/// Feeds an exchange and writes down what it makes of it.
final class Peer {
  var exchange: HTTP2Exchange
  var now = Instant(nanoseconds: 1_000_000_000_000)
  private(set) var requests: [(request: HTTPRequest, stream: Int32)] = []
  private(set) var refusals: [(refusal: HTTPRefusal, stream: Int32)] = []
  private var decompressor = Decompressor()

  var isFinished: Bool { exchange.isFinished }
  var streamCount: Int { exchange.streamCount }

  /// - Parameter opening: what the client says first; its preface and SETTINGS.
  init(
    _ limits: Limits = Limits(), opening: [UInt8] = Frames.opening(),
    admit: (@Sendable (HTTPRequest) -> Admission)? = nil
  ) {
    exchange = HTTP2Exchange(limits: limits, peer: "peer", at: now, admit: admit)
    send(opening)
    _ = received()
  }

  /// Sends bytes in pieces; what is refused is answered at once.
  func send(_ bytes: [UInt8], pieces size: Int = .max) {
    var start = 0
    while start < bytes.count {
      let end = start + min(size, bytes.count - start)
      let part = Bytes(bytes[start..<end])
      exchange.receive(part.span, at: now)
      while let step = exchange.next(&decompressor) { note(step) }
      start = end
    }
  }

  /// Lets time pass, and the exchange look at its streams.
  func wait(_ duration: Duration) {
    now = now + duration
    while let step = exchange.nextOverdue(at: now) { note(step) }
  }

  private func note(_ step: HTTP2Exchange.Step) {
    switch step {
    case .request(let request, let stream): requests.append((request, stream))
    case .refuse(let refusal, let stream):
      refusals.append((refusal, stream))
      exchange.answer(stream, refusal.textResponse, at: now)
    }
  }

  /// Answers a request as a gRPC success.
  @discardableResult
  func answer(_ stream: Int32, body: Bytes = Bytes([0, 0, 0, 0, 0])) -> Bool {
    exchange.answer(
      stream,
      HTTPResponse(
        status: 200, contentType: "application/grpc", body: body, trailers: [HTTPHeader("grpc-status", "0")]),
      at: now)
  }

  /// The frames that the exchange has ready.
  func received() -> [SentFrame] {
    var output = ByteBuffer()
    exchange.write(to: &output, limit: .max)
    return SentFrame.all(in: output.finish().array) ?? []
  }
}
