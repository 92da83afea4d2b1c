// How the bodies of HTTP/2 streams share the memory of all requests in flight.

import Bytes
import Compression
import HTTPServer
import System
import Testing

@Suite("HTTP2Exchange and memory")
struct HTTP2MemoryTests {
  private static let budget = 4 << 20

  private static let opening = Frames.opening() + Frames.frame(4, flags: Frames.acknowledge)

  /// The beginning of a call whose message has `length` bytes, with `count` of them.
  private static func begun(_ stream: Int, length: Int, count: Int) -> [UInt8] {
    Frames.headers(stream, Frames.call())
      + Frames.data(stream, Frames.message([UInt8](repeating: 1, count: count), length: length))
  }

  private static func rest(_ stream: Int, _ count: Int) -> [UInt8] {
    var frames: [UInt8] = []
    var left = count
    while left > 0 {
      let part = min(left, 16_000)
      left -= part
      frames += Frames.data(stream, [UInt8](repeating: 1, count: part), ends: left == 0)
    }
    return frames
  }

  @Test("A message holds what it announces until it is answered, a small one holds nothing")
  func holding() {
    let memory = MemoryBudget(bytesMax: Self.budget)
    let peer = Peer(opening: Self.opening, memory: memory)
    peer.send(Self.begun(1, length: 100_000, count: 1000))
    #expect(memory.used == 100_005)
    peer.send(Self.rest(1, 99_000) + Frames.export(3))
    #expect(peer.requests.map(\.request.body.count) == [100_000, 3] && memory.used == 100_005)
    peer.answer(1)
    #expect(memory.used == 0)
  }

  @Test("What goes away gives its memory back: a stream that is reset, and a whole connection")
  func leaving() {
    let memory = MemoryBudget(bytesMax: Self.budget)
    do {
      let peer = Peer(opening: Self.opening, memory: memory)
      peer.send(Self.begun(1, length: 100_000, count: 1000) + Self.begun(3, length: 50_000, count: 1000))
      peer.send(Frames.reset(1))
      #expect(memory.used == 50_005)
      peer.send(Self.begun(5, length: 3 << 20, count: 1000))
      #expect(memory.waiting == 1)
    }
    #expect(memory.used == 0 && memory.waiting == 0)
  }

  @Test("Without room a message gets no window beyond its first, and goes on when some is given back")
  func waiting() {
    var limits = Limits()
    limits.streamWindowBytes = 64 << 10
    let memory = MemoryBudget(bytesMax: Self.budget)
    let holder = Peer(opening: Self.opening, memory: memory)
    holder.send(Self.begun(1, length: 3_000_000, count: 1000))
    let peer = Peer(limits, opening: Self.opening, memory: memory)
    peer.send(Self.begun(1, length: 2_000_000, count: 16_000))
    for _ in 0..<2 { peer.send(Frames.data(1, [UInt8](repeating: 1, count: 16_000))) }
    #expect(peer.exchange.waitingCount == 1 && memory.used == 3_048_010)
    #expect(!peer.received().contains { $0.type == 8 && $0.stream == 1 })
    // The other calls of the connection go on.
    peer.send(Frames.export(3) + Self.begun(5, length: 40_000, count: 10) + Self.rest(5, 39_990))
    #expect(peer.requests.map(\.stream) == [3, 5])
    #expect(peer.useFreedMemory() == [])
    holder.send(Frames.reset(1))
    #expect(peer.useFreedMemory() == [1])
    #expect(peer.exchange.waitingCount == 0 && memory.used == 2_000_005 + 40_005)
    #expect(peer.received().contains { $0.type == 8 && $0.stream == 1 })
    peer.send(Self.rest(1, 2_000_000 - 48_000), pieces: 16_000)
    #expect(peer.requests.last?.request.body.count == 2_000_000)
  }

  @Test("Who waits in vain is told to come back, and its memory and its window are given back")
  func inVain() {
    let memory = MemoryBudget(bytesMax: Self.budget)
    let peer = Peer(opening: Self.opening, memory: memory)
    peer.send(Self.begun(1, length: 3_000_000, count: 1000) + Self.begun(3, length: 3_000_000, count: 1000))
    peer.wait(Limits().holdTime - .milliseconds(1))
    #expect(peer.refusals.isEmpty)
    #expect(peer.exchange.firstDeadline <= (peer.now + .milliseconds(1)).nanoseconds)
    peer.wait(.milliseconds(1))
    #expect(peer.refusals.map(\.refusal.reason) == [.memoryFull] && peer.refusals[0].stream == 3)
    #expect(peer.refusals[0].refusal.status == 503 && peer.refusals[0].refusal.contentType == "application/grpc")
    #expect(peer.exchange.waitingCount == 0 && memory.used == 3_000_005)
  }

  @Test("Calls that together announce more than there is are all served, one after the other")
  func oneAfterTheOther() {
    let memory = MemoryBudget(bytesMax: Self.budget)
    let peer = Peer(opening: Self.opening, memory: memory)
    let streams = (0..<20).map { 2 * $0 + 1 }
    for stream in streams { peer.send(Self.begun(stream, length: 1_000_000, count: 100)) }
    #expect(memory.used <= Self.budget && peer.exchange.waitingCount == 17)
    var left = streams
    while let stream = left.first {
      peer.send(Self.rest(stream, 999_900), pieces: 16_000)
      #expect(peer.requests.last?.stream == Int32(stream))
      peer.answer(Int32(stream))
      peer.useFreedMemory()
      left.removeFirst()
      #expect(memory.used <= Self.budget)
    }
    #expect(peer.requests.count == 20 && memory.used == 0 && memory.waiting == 0)
  }

  @Test("Nothing is kept for which there is no room at all")
  func full() {
    let memory = MemoryBudget(bytesMax: 1 << 20)
    var peers: [Peer] = []
    for _ in 0..<40 {
      let peer = Peer(opening: Self.opening, memory: memory)
      for stream in [1, 3] {
        peer.send(Self.begun(stream, length: 700_000, count: 16_000) + Self.rest(stream, 48_000).dropEnd())
      }
      peers.append(peer)
      #expect(memory.used <= memory.bytesMax)
    }
    #expect(peers.contains { $0.refusals.contains { $0.refusal.reason == .memoryFull } })
    peers = []
    #expect(memory.used == 0 && memory.waiting == 0)
  }

  @Test("A packed message waits for the memory of its content, and holds that until it is answered")
  func packed() {
    var compressor = Compressor(.gzip)
    let content = [UInt8](repeating: 5, count: 2_000_000)
    let packed = compressor.compress(Bytes(content).span).array
    let memory = MemoryBudget(bytesMax: Self.budget)
    let holder = Peer(opening: Self.opening, memory: memory)
    holder.send(Self.begun(1, length: 2_000_000, count: 1000))
    let peer = Peer(opening: Self.opening, memory: memory)
    peer.send(
      Frames.headers(1, Frames.call([("grpc-encoding", "gzip")]))
        + Frames.data(1, Frames.message(packed, compressed: 1), ends: true))
    // A first claim of some hundred kilobytes is not enough, and for more there is no room.
    #expect(peer.requests.isEmpty && peer.exchange.waitingCount == 1)
    holder.send(Frames.reset(1))
    while !peer.useFreedMemory().isEmpty {}
    #expect(peer.requests.map(\.request.body.count) == [2_000_000] && memory.used == 2_000_000)
    peer.answer(1)
    #expect(memory.used == 0)
  }
}

extension [UInt8] {
  /// The last frame without its END_STREAM flag: DATA frames of these tests have their flags nine bytes before 16,000.
  fileprivate func dropEnd() -> [UInt8] {
    var frames = self
    frames[frames.count - 16_000 - 9 + 4] = 0
    return frames
  }
}
