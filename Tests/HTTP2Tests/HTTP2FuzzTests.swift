// One HTTP/2 connection under mutated frames: it answers, refuses or ends, within its bounds.

import Bytes
import HTTPServer
import System
import Testing

@Suite("HTTP2Exchange under mutation")
struct HTTP2FuzzTests {
  /// A small generator with a known sequence, so that a failure can be repeated (SplitMix64).
  private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ (mixed &>> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed &>> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed &>> 31)
    }
  }

  /// One frame of a random kind, on one of a few streams.
  private static func frame(_ generator: inout SeededGenerator) -> [UInt8] {
    let stream = Int.random(in: 0...7, using: &generator)
    let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator)
    }
    switch Int.random(in: 0..<12, using: &generator) {
    case 0...2: return Frames.export(2 * stream + 1, bytes)
    case 3: return Frames.headers(2 * stream + 1, Frames.call([("grpc-encoding", "gzip")]))
    case 4: return Frames.data(2 * stream + 1, bytes, ends: Bool.random(using: &generator))
    case 5:
      return Frames.data(2 * stream + 1, Frames.message(bytes, compressed: UInt8.random(in: 0...2, using: &generator)))
    case 6: return Frames.reset(2 * stream + 1)
    case 7: return Frames.frame(8, stream: stream, payload: [0, 0, UInt8.random(in: 0...1, using: &generator), 0])
    case 8: return Frames.frame(4, payload: Array((bytes + [0, 0, 0, 0, 0, 0]).prefix(6)))
    case 9: return Frames.frame(9, flags: Frames.endHeaders, stream: 2 * stream + 1, payload: bytes)
    case 10:
      return Frames.frame(
        UInt8.random(in: 0...12, using: &generator), flags: UInt8.random(in: 0...255, using: &generator),
        stream: stream, payload: bytes)
    default: return Frames.ping()
    }
  }

  private static func mutate(_ input: inout [UInt8], _ generator: inout SeededGenerator) {
    guard !input.isEmpty else { return }
    let index = Int.random(in: 0..<input.count, using: &generator)
    switch Int.random(in: 0..<4, using: &generator) {
    case 0: input[index] = UInt8.random(in: 0...255, using: &generator)
    case 1: input[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
    case 2: input.remove(at: index)
    default: input.insert(contentsOf: input[index..<min(input.count, index + 30)], at: index)
    }
  }

  @Test("Random and mutated frames leave the connection within its bounds", arguments: 0..<8)
  func mutations(_ part: Int) {
    var limits = Limits()
    limits.bodyBytesMax = 64
    limits.streamsMax = 4
    var generator = SeededGenerator(state: UInt64(part) &+ 1)
    for round in 0..<300 {
      var input = (0..<Int.random(in: 1...12, using: &generator)).flatMap { _ in HTTP2FuzzTests.frame(&generator) }
      for _ in 0..<Int.random(in: 0...3, using: &generator) { HTTP2FuzzTests.mutate(&input, &generator) }
      let peer = Peer(limits, opening: Frames.opening() + Frames.frame(4, flags: Frames.acknowledge))
      let place = "part \(part), round \(round)"
      var answered = 0
      var start = 0
      while start < input.count {
        let end = min(input.count, start + Int.random(in: 1...80, using: &generator))
        peer.send(Array(input[start..<end]))
        start = end
        while answered < peer.requests.count {
          #expect(peer.requests[answered].request.body.count <= 64, "\(place)")
          if Bool.random(using: &generator) { peer.answer(peer.requests[answered].stream) }
          answered += 1
        }
        if Bool.random(using: &generator) { peer.wait(.seconds(Int.random(in: 0...20, using: &generator))) }
        #expect(peer.streamCount <= 4, "\(place)")
      }
      var output = ByteBuffer()
      peer.exchange.write(to: &output, limit: .max)
      #expect(SentFrame.all(in: output.finish().array) != nil, "\(place)")
      peer.wait(.seconds(100))
      _ = peer.received()
      peer.wait(.seconds(100))
      #expect(peer.streamCount == 0 || peer.isFinished, "\(place)")
    }
  }
}
