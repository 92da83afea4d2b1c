// What one HTTP/2 connection does to a client that costs more than it brings.

import Bytes
import HTTPServer
import System
import Testing

@Suite("HTTP2Exchange under abuse")
struct HTTP2AbuseTests {
  private static let calm = 0xb

  private static let floods: [(name: String, frames: [UInt8], count: Int)] = [
    ("PING", Frames.ping(), 1000),
    ("SETTINGS", Frames.frame(4), 1000),
    ("PRIORITY", Frames.frame(2, stream: 1, payload: [0, 0, 0, 3, 0]), 1000),
    ("WINDOW_UPDATE", Frames.frame(8, payload: [0, 0, 0, 1]), 1000),
  ]

  @Test("A flood of frames without telemetry ends the connection", arguments: 0..<4)
  func floods(index: Int) {
    let flood = HTTP2AbuseTests.floods[index]
    let peer = Peer()
    for _ in 0..<flood.count { peer.send(flood.frames) }
    let frames = peer.received()
    #expect(frames.filter { $0.type == 7 }.map(\.code) == [HTTP2AbuseTests.calm], "\(flood.name)")
    #expect(peer.isFinished)
    // Bounded: not every one of them was answered.
    #expect(frames.count < 300)
  }

  @Test("A flood in one piece ends the connection as well")
  func floodAtOnce() {
    let peer = Peer()
    peer.send([[UInt8]](repeating: Frames.ping(), count: 5000).flatMap { $0 })
    #expect(peer.received().contains { $0.type == 7 && $0.code == HTTP2AbuseTests.calm })
    #expect(peer.isFinished)
  }

  @Test("Empty DATA frames are a flood, too")
  func emptyData() {
    let peer = Peer()
    peer.send(Frames.headers(1, Frames.call()))
    for _ in 0..<1000 { peer.send(Frames.data(1, [])) }
    #expect(peer.received().contains { $0.type == 7 && $0.code == HTTP2AbuseTests.calm })
  }

  @Test("Streams opened and reset again and again end the connection")
  func rapidReset() {
    let peer = Peer()
    for index in 0..<1000 {
      let stream = 2 * index + 1
      peer.send(Frames.headers(stream, Frames.call()) + Frames.reset(stream))
    }
    #expect(peer.received().contains { $0.type == 7 && $0.code == HTTP2AbuseTests.calm })
    #expect(peer.isFinished && peer.streamCount == 0)
  }

  @Test("Mistakes that make the server reset streams count as resets")
  func madeYouReset() {
    let peer = Peer()
    for index in 0..<1000 {
      let stream = 2 * index + 1
      // RFC 9113 section 6.9: an increment of 0 on a stream is a stream error.
      peer.send(Frames.headers(stream, Frames.call()) + Frames.frame(8, stream: stream, payload: [0, 0, 0, 0]))
      _ = peer.received()
      if peer.isFinished { break }
    }
    #expect(peer.isFinished)
  }

  @Test("Resets at a sane rate are borne for ever")
  func saneResets() {
    let peer = Peer()
    for index in 0..<2000 {
      let stream = 2 * index + 1
      peer.send(Frames.export(stream) + Frames.reset(stream))
      peer.wait(.milliseconds(100))
    }
    #expect(!peer.received().contains { $0.type == 7 })
  }

  @Test("Calls earn the control frames that clients send with them")
  func earned() {
    let peer = Peer()
    for index in 0..<2000 {
      let stream = 2 * index + 1
      peer.send(Frames.export(stream) + Frames.ping() + Frames.frame(8, payload: [0, 0, 0, 1]))
      peer.answer(Int32(stream))
      #expect(!peer.received().contains { $0.type == 7 })
    }
    #expect(peer.requests.count == 2000)
  }

  @Test("A header block of many frames ends the connection")
  func continuationFlood() {
    let peer = Peer()
    peer.send(Frames.frame(1, stream: 1, payload: Frames.block([(":method", "POST")])))
    for index in 0..<100 {
      peer.send(Frames.frame(9, stream: 1, payload: Frames.block([("x-\(index)", "y")])))
    }
    #expect(peer.received().last?.code == HTTP2AbuseTests.calm)
    #expect(peer.isFinished)
  }

  @Test("A header list above the limit is refused with 431, and the next request is served")
  func largeHead() {
    let peer = Peer()
    peer.send(Frames.headers(1, Frames.call([("x-large", String(repeating: "a", count: 16_100))]), ends: true))
    #expect(peer.refusals.map(\.refusal.status) == [431])
    peer.send(Frames.export(3))
    #expect(peer.requests.map(\.stream) == [3])
  }

  @Test("A small block that stands for an enormous header list ends the connection")
  func headerBomb() {
    let peer = Peer()
    // RFC 7541: one entry of 4,000 bytes goes into the table, and index 62 repeats it, one byte each time.
    let entry: [UInt8] = [0x40, 1, 0x78, 127, 0xA1, 0x1E] + [UInt8](repeating: 0x61, count: 4000)
    let payload = Frames.block([(":method", "POST")]) + entry + [UInt8](repeating: 0xBE, count: 10_000)
    peer.send(Frames.frame(1, flags: Frames.endHeaders, stream: 1, payload: payload))
    #expect(peer.received().contains { $0.type == 7 && $0.code == HTTP2AbuseTests.calm })
    #expect(peer.requests.isEmpty && peer.isFinished)
  }

  @Test("Streams above the limit are refused, the others are served")
  func tooManyStreams() {
    let peer = Peer()
    for index in 0..<150 { peer.send(Frames.headers(2 * index + 1, Frames.call())) }
    #expect(peer.streamCount == 100)
    // RFC 9113 section 7: REFUSED_STREAM is 7.
    #expect(peer.received().filter { $0.type == 3 && $0.code == 7 }.count == 50)
  }

  @Test("A client that has acknowledged the limit of streams and goes beyond it is told to go")
  func limitIgnored() {
    let peer = Peer()
    peer.send(Frames.frame(4, flags: Frames.acknowledge))
    for index in 0..<101 { peer.send(Frames.headers(2 * index + 1, Frames.call())) }
    #expect(peer.received().contains { $0.type == 7 && $0.code == 1 })
  }

  @Test("DATA behind the end of a request is an error of the stream or the connection, and no second request")
  func dataAfterEnd() {
    let peer = Peer()
    peer.send(Frames.export(1) + Frames.data(1, Frames.message([9]), ends: true))
    #expect(peer.requests.count <= 1)
    #expect(peer.received().contains { $0.type == 3 || $0.type == 7 })
  }

  @Test("A client that is not HTTP/2 after all is told so")
  func notHTTP2() {
    let peer = Peer(opening: Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
    #expect(peer.isFinished || peer.received().contains { $0.type == 7 })
    #expect(peer.requests.isEmpty)
  }

  @Test("An answer that the client's window does not admit is given up after the write time")
  func zeroWindow() {
    // SETTINGS_INITIAL_WINDOW_SIZE is 4.
    let peer = Peer(opening: Frames.opening([(4, 0)]))
    peer.send(Frames.export(1))
    peer.answer(1)
    #expect(peer.received().filter { $0.stream == 1 }.map(\.type) == [1])
    peer.wait(Limits().writeTime - .seconds(1))
    #expect(peer.streamCount == 1)
    peer.wait(.seconds(2))
    #expect(peer.received().filter { $0.stream == 1 }.map(\.type) == [3])
    #expect(peer.streamCount == 0)
  }
}
