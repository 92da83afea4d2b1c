// What one HTTP/2 connection makes of honest frames.

import Bytes
import Compression
import HTTPServer
import System
import Testing

@Suite("HTTP2Exchange")
struct HTTP2ExchangeTests {
  @Test("The server speaks first: its limits and the connection's window")
  func settings() throws {
    var exchange = HTTP2Exchange(
      limits: Limits(), peer: "peer", at: Instant(nanoseconds: 1), memory: MemoryBudget(bytesMax: 1 << 20)
    ) { _ in {} }
    var output = ByteBuffer()
    exchange.write(to: &output, limit: .max)
    let frames = try #require(SentFrame.all(in: output.finish().array))
    #expect(frames.map(\.type) == [4, 8])
    // SETTINGS_MAX_CONCURRENT_STREAMS is 3.
    #expect(frames[0].payload.starts(with: [0, 3, 0, 0, 0, 100]))
  }

  @Test("A call is handed over with its message, however the bytes are cut", arguments: [1, 3, 10, 64, 1000])
  func call(pieces: Int) {
    let peer = Peer()
    peer.send(Frames.export(1, [7, 8, 9], [("x-tenant", "a")]), pieces: pieces)
    #expect(peer.refusals.isEmpty && peer.requests.count == 1)
    let request = peer.requests[0].request
    #expect(request.body.array == [7, 8, 9])
    #expect(request.path == "/opentelemetry.proto.collector.trace.v1.TraceService/Export")
    #expect(request.method == .post && request.header("X-Tenant") == "a")
    #expect(request.header("host") == "localhost:4317" && request.peer == "peer")
  }

  @Test("A query is no part of the path")
  func query() {
    let peer = Peer()
    peer.send(Frames.headers(1, Frames.call(path: "/a?b=c")) + Frames.data(1, Frames.message([]), ends: true))
    #expect(peer.requests[0].request.path == "/a" && peer.requests[0].request.query == "b=c")
  }

  @Test("An answer is a header, a message and trailers that end the stream")
  func answer() {
    let peer = Peer()
    peer.send(Frames.export(1))
    #expect(peer.answer(1))
    let frames = peer.received().filter { $0.stream == 1 }
    #expect(frames.map(\.type) == [1, 0, 1])
    #expect(frames[1].payload == [0, 0, 0, 0, 0])
    #expect(frames.map { $0.flags & Frames.endStream } == [0, 0, 1])
    #expect(peer.streamCount == 0)
  }

  @Test("An answer without body and trailers is its header alone")
  func trailersOnly() {
    let peer = Peer()
    peer.send(Frames.export(1))
    let response = HTTPResponse(
      status: 200, contentType: "application/grpc", body: Bytes(), headers: [HTTPHeader("grpc-status", "12")])
    peer.exchange.answer(1, response, at: peer.now)
    let frames = peer.received().filter { $0.stream == 1 }
    #expect(frames.map(\.type) == [1])
    #expect(frames[0].flags & Frames.endStream == 1)
  }

  @Test("Calls of one connection are answered in any order")
  func order() {
    let peer = Peer()
    peer.send(Frames.export(1, [1]) + Frames.export(3, [3]) + Frames.export(5, [5]))
    for stream: Int32 in [5, 1, 3] { peer.answer(stream) }
    #expect(peer.received().filter { $0.type == 0 }.map(\.stream) == [5, 1, 3])
  }

  @Test("Padding and CONTINUATION change nothing")
  func paddingAndContinuation() {
    let peer = Peer()
    let block = Frames.block(Frames.call())
    let body = Frames.message([4, 2])
    peer.send(
      Frames.frame(1, stream: 1, payload: Array(block[..<20]))
        + Frames.frame(9, stream: 1, payload: Array(block[20..<40]))
        + Frames.frame(9, flags: Frames.endHeaders, stream: 1, payload: Array(block[40...]))
        + Frames.frame(0, flags: Frames.padded, stream: 1, payload: [3] + body[..<4] + [0, 0, 0])
        + Frames.data(1, Array(body[4...]), ends: true))
    #expect(peer.requests.map { $0.request.body.array } == [[4, 2]])
  }

  @Test("A message in gzip is unpacked")
  func gzip() {
    var compressor = Compressor(.gzip)
    let content = [UInt8](repeating: 5, count: 1000)
    let packed = compressor.compress(Bytes(content).span).array
    let peer = Peer()
    peer.send(
      Frames.headers(1, Frames.call([("grpc-encoding", "gzip")]))
        + Frames.data(1, Frames.message(packed, compressed: 1), ends: true))
    #expect(peer.requests.map { $0.request.body.array } == [content])
  }

  @Test(
    "A body that is no message is refused",
    arguments: [
      (Frames.message([1], compressed: 1), "deflate", 415, HTTPRefusal.Reason.messageEncodingUnsupported),
      (Frames.message([1], compressed: 1), "identity", 400, .messageEncodingMissing),
      (Frames.message([1], compressed: 1), "gzip", 400, .malformed),
      (Frames.message([1], compressed: 2), "identity", 400, .malformed),
      (Frames.message([1, 2], length: 3), "identity", 400, .malformed),
      (Frames.message([1]) + Frames.message([2]), "identity", 400, .malformed),
      ([0, 0], "identity", 400, .malformed),
      ([], "identity", 400, .malformed),
    ])
  func malformed(body: [UInt8], encoding: String, status: Int, reason: HTTPRefusal.Reason) {
    let peer = Peer()
    peer.send(Frames.headers(1, Frames.call([("grpc-encoding", encoding)])) + Frames.data(1, body, ends: true))
    #expect(peer.requests.isEmpty && peer.refusals.count == 1)
    #expect(peer.refusals[0].refusal.reason == reason && peer.refusals[0].refusal.status == status)
    #expect(peer.refusals[0].refusal.contentType == "application/grpc")
  }

  @Test("A message in zstd is unpacked")
  func zstd() {
    let peer = Peer()
    var compressor = Compressor(.zstd)
    let message = [UInt8](repeating: 7, count: 1000)
    let packed = compressor.compress(message.span).array
    peer.send(
      Frames.headers(1, Frames.call([("grpc-encoding", "zstd")]))
        + Frames.data(1, Frames.message(packed, compressed: 1), ends: true))
    #expect(peer.requests.map(\.request.body.array) == [message])
  }

  @Test("Who is not admitted is refused before the message is sent")
  func gate() {
    let peer = Peer(admit: { request in
      request.header("authorization") == "Bearer t"
        ? .admitted : .refused(HTTPRefusal(.unauthenticated, "who are you?"))
    })
    peer.send(Frames.headers(1, Frames.call()))
    #expect(peer.refusals.map(\.refusal.status) == [401] && peer.refusals[0].refusal.contentType == "application/grpc")
    peer.send(
      Frames.headers(3, Frames.call([("authorization", "Bearer t")])) + Frames.data(3, Frames.message([1]), ends: true))
    #expect(peer.requests.map(\.stream) == [3] && peer.refusals.count == 1)
  }

  @Test("A message that announces too much is refused at once, and need not be sent")
  func tooLarge() {
    var limits = Limits()
    limits.bodyBytesMax = 1000
    let peer = Peer(limits)
    peer.send(Frames.headers(1, Frames.call()) + Frames.data(1, Frames.message([1], length: 1001)))
    #expect(peer.refusals.map(\.refusal.status) == [413])
    let frames = peer.received().filter { $0.stream == 1 }
    // RFC 9113 section 8.1: RST_STREAM with NO_ERROR behind the answer.
    #expect(frames.last?.type == 3 && frames.last?.code == 0)
    peer.send(Frames.data(1, [2, 3]) + Frames.export(3))
    #expect(peer.requests.map(\.stream) == [3])
  }

  @Test("A body larger than allowed is not kept, whatever it announces")
  func tooMuch() {
    var limits = Limits()
    limits.bodyBytesMax = 1000
    let peer = Peer(limits)
    peer.send(
      Frames.headers(1, Frames.call()) + Frames.data(1, Frames.message([UInt8](repeating: 0, count: 1100), length: 9)))
    #expect(peer.refusals.map(\.refusal.status) == [413])
  }

  @Test("A message that inflates beyond the limit is refused")
  func bomb() {
    var limits = Limits()
    limits.bodyBytesMax = 10_000
    var compressor = Compressor(.gzip)
    let packed = compressor.compress(Bytes([UInt8](repeating: 0, count: 20_000)).span).array
    let peer = Peer(limits)
    peer.send(
      Frames.headers(1, Frames.call([("grpc-encoding", "gzip")]))
        + Frames.data(1, Frames.message(packed, compressed: 1), ends: true))
    #expect(peer.refusals.map(\.refusal.status) == [413])
  }

  @Test("A client that cancels gets no answer, and its stream is forgotten")
  func cancelled() {
    let peer = Peer()
    peer.send(Frames.export(1))
    peer.send(Frames.reset(1))
    #expect(peer.streamCount == 0)
    #expect(!peer.answer(1))
    #expect(!peer.received().contains { $0.stream == 1 })
  }

  @Test("Draining answers what is in flight, takes nothing new, and then ends")
  func drain() {
    let peer = Peer()
    peer.send(Frames.export(1))
    peer.exchange.drain()
    let goodbye = peer.received().filter { $0.type == 7 }
    #expect(goodbye.map(\.code) == [0])
    peer.send(Frames.export(3))
    #expect(peer.requests.map(\.stream) == [1])
    #expect(!peer.isFinished)
    peer.answer(1)
    #expect(peer.received().map(\.type) == [1, 0, 1])
    #expect(peer.isFinished)
  }

  @Test("PING is answered with its own content")
  func ping() {
    let peer = Peer()
    peer.send(Frames.ping())
    let answers = peer.received().filter { $0.type == 6 }
    #expect(answers == [SentFrame(type: 6, flags: Frames.acknowledge, stream: 0, payload: Array(1...8))])
  }

  @Test("A call whose grpc-timeout has passed is refused", arguments: [("200m", 1), ("1S", 2), ("99999999H", 0)])
  func timeout(text: String, seconds: Int) {
    let peer = Peer()
    peer.send(Frames.export(1, [1], [("grpc-timeout", text)]))
    peer.wait(.milliseconds(100))
    #expect(peer.refusals.isEmpty)
    peer.wait(.seconds(seconds))
    #expect(peer.refusals.map(\.refusal.status) == (seconds == 0 ? [] : [408]))
  }

  @Test("A body that does not arrive is refused after its time, and so is a request that nobody answers")
  func overdue() {
    let peer = Peer()
    peer.send(Frames.headers(1, Frames.call()) + Frames.export(3))
    peer.wait(Limits().bodyTime + .seconds(1))
    #expect(peer.refusals.map(\.refusal.status) == [408])
    peer.wait(Limits().answerTime)
    #expect(peer.refusals.map(\.refusal.status) == [408, 503])
  }
}
