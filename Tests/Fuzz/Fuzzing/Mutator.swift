// Damage to inputs: a few random changes that keep most of what was there.

/// Changes bytes in a few places; sometimes repeats, drops or mixes whole pieces.
struct Mutator {
  /// Pieces that mean something where the input is read.
  let tokens: [[UInt8]]

  /// Inputs do not grow beyond this, so that one try stays short.
  static let bytesMax = 64 << 10

  func damage(_ input: inout [UInt8], other: [UInt8], _ random: inout SplitMix) {
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      guard !input.isEmpty else { return input += tokens.randomElement(using: &random) ?? [0] }
      let index = Int.random(in: 0..<input.count, using: &random)
      let end = min(input.count, index + Int.random(in: 1...24, using: &random))
      switch Int.random(in: 0..<10, using: &random) {
      case 0: input[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 1: input[index] = UInt8.random(in: 0...255, using: &random)
      case 2: input[index] &+= Bool.random(using: &random) ? 1 : 255
      case 3: input.removeSubrange(index..<end)
      case 4: input.insert(contentsOf: input[index..<end], at: index)
      case 5: input.removeSubrange(index...)
      case 6: input.insert(contentsOf: input[index..<end], at: Int.random(in: 0..<input.count, using: &random))
      case 7: input.replaceSubrange(index..<end, with: other.suffix(Int.random(in: 0...40, using: &random)))
      case 8: splice(&input, other, &random)
      default: input.insert(contentsOf: tokens.randomElement(using: &random) ?? [], at: index)
      }
    }
    if input.count > Mutator.bytesMax { input.removeSubrange(Mutator.bytesMax...) }
  }

  /// The beginning of one input and the end of another.
  private func splice(_ input: inout [UInt8], _ other: [UInt8], _ random: inout SplitMix) {
    guard !other.isEmpty else { return }
    let cut = Int.random(in: 0..<other.count, using: &random)
    input.replaceSubrange(Int.random(in: 0..<input.count, using: &random)..., with: other[cut...])
  }
}
