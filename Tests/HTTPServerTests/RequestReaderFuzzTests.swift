// The reading half of a connection under mutated input: it reads or refuses, and never depends on the cut.

import HTTPServer
import Testing

/// A small generator with a known sequence, so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  // SplitMix64.
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed &>> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed &>> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed &>> 31)
  }
}

@Suite("RequestReader under mutation")
struct RequestReaderFuzzTests {
  private static let seeds = (RequestReaderTests.accepted + RequestReaderTests.refused).map { Array($0.input.utf8) }
  private static let telling: [UInt8] = Array("\r\n\0 \t:;,/?*0159afx\u{16}\u{7F}".utf8)

  @Test("Mutated requests are read or refused, the same in any cut", arguments: 0..<8)
  func mutations(_ part: Int) {
    var generator = SeededGenerator(seed: UInt64(part) &+ 1)
    for round in 0..<400 {
      var input = RequestReaderFuzzTests.seeds.randomElement(using: &generator) ?? []
      if Bool.random(using: &generator) { input += RequestReaderFuzzTests.seeds.randomElement(using: &generator) ?? [] }
      for _ in 0..<Int.random(in: 1...4, using: &generator) { mutate(&input, &generator) }
      let whole = readAll(input).filter { $0 != "continue" }
      for size in [1, Int.random(in: 2...40, using: &generator)] {
        let cut = readAll(input, pieces: size).filter { $0 != "continue" }
        #expect(cut == whole, "part \(part), round \(round), pieces of \(size)")
      }
    }
  }

  private func mutate(_ input: inout [UInt8], _ generator: inout SeededGenerator) {
    guard !input.isEmpty else { return input.append(0) }
    let index = Int.random(in: 0..<input.count, using: &generator)
    switch Int.random(in: 0..<6, using: &generator) {
    case 0: input[index] = UInt8.random(in: 0...255, using: &generator)
    case 1: input[index] = RequestReaderFuzzTests.telling.randomElement(using: &generator) ?? 0
    case 2: input.remove(at: index)
    case 3: input.insert(RequestReaderFuzzTests.telling.randomElement(using: &generator) ?? 0, at: index)
    case 4: input.removeSubrange(index..<min(input.count, index + Int.random(in: 1...20, using: &generator)))
    default: input.insert(contentsOf: input[index..<min(input.count, index + 30)], at: index)
    }
  }
}
