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
  private var unread: [SentFrame] = []
  /// Streams for which memory was freed.
  private let woken = Lock<[Int32]>([])

  var isFinished: Bool { exchange.isFinished }
  var streamCount: Int { exchange.streamCount }

  /// - Parameter opening: what the client says first; its preface and SETTINGS. Windows are those of RFC 9113 before it
  ///   has acknowledged the server's.
  init(
    _ limits: Limits = Limits(), opening: [UInt8] = Frames.opening(),
    memory: MemoryBudget = MemoryBudget(bytesMax: 256 << 20), admit: (@Sendable (HTTPRequest) -> Admission)? = nil
  ) {
    exchange = HTTP2Exchange(limits: limits, peer: "peer", at: now, memory: memory, admit: admit) { [woken] stream in
      { woken.withLock { $0.append(stream) } }
    }
    send(opening)
    _ = received()
  }

  /// Sends bytes in pieces, and reads what comes between them; what is refused is answered at once.
  func send(_ bytes: [UInt8], pieces size: Int = .max) {
    var start = 0
    while start < bytes.count {
      let end = start + min(size, bytes.count - start)
      let part = Bytes(bytes[start..<end])
      exchange.receive(part.span, at: now)
      while let step = exchange.next(&decompressor) { note(step) }
      start = end
      if start < bytes.count { unread += sent() }
    }
  }

  /// Lets time pass, and the exchange look at its streams.
  func wait(_ duration: Duration) {
    now = now + duration
    while let step = exchange.nextOverdue(at: now) { note(step) }
  }

  /// Does what the loop does when memory was freed.
  ///
  /// - Returns: the streams that were called.
  @discardableResult
  func useFreedMemory() -> [Int32] {
    let streams = woken.withLock { woken in
      defer { woken = [] }
      return woken
    }
    for stream in streams {
      exchange.memoryFreed(for: stream, at: now)
      while let step = exchange.next(&decompressor) { note(step) }
    }
    return streams
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

  /// The frames that the exchange has sent since the last call.
  func received() -> [SentFrame] {
    defer { unread = [] }
    return unread + sent()
  }

  private func sent() -> [SentFrame] {
    var output = ByteBuffer()
    exchange.write(to: &output, limit: .max)
    return SentFrame.all(in: output.finish().array) ?? []
  }
}
