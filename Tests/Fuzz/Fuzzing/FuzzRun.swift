// The loop: makes inputs, tries them, and keeps what breaks.

package import Foundation

/// Tries many inputs of one target, the same ones from the same seed.
///
/// The input under test is always in a file of `crashes`: a crash leaves it there, where every later run finds it.
package struct FuzzRun {
  let target: FuzzTarget
  let corpus: Corpus

  package struct Outcome: Sendable {
    package var tried = 0
    package var accepted = 0
  }

  package init(_ target: FuzzTarget, corpus: Corpus = Corpus()) {
    self.target = target
    self.corpus = corpus
  }

  /// Tries every file of the corpus and everything that once broke something.
  package func replay() throws -> Outcome {
    var outcome = Outcome()
    let watchdog = try Watchdog()
    defer { watchdog.stop() }
    for folder in ["corpus", "crashes"] {
      for file in try corpus.files(in: folder, suffix: target.name) {
        watchdog.feed("\(folder)/\(file.name)")
        do {
          if try target.check(file.bytes) { outcome.accepted += 1 }
        } catch {
          throw FuzzFailure("\(target): \(error)\n\(folder)/\(file.name) shows it")
        }
        outcome.tried += 1
      }
    }
    return outcome
  }

  /// Tries up to `count` new inputs, until `deadline`.
  package func loop(seed: UInt64, count: Int, until deadline: Date = .distantFuture) throws -> Outcome {
    let seeds = try corpus.files(in: "corpus", suffix: target.name).map(\.bytes)
    try require(!seeds.isEmpty || target.generate != nil, "\(target): no file of the corpus ends with .\(target)")
    let current = try corpus.record("seed\(seed).\(target)")
    let watchdog = try Watchdog()
    defer { watchdog.stop() }
    var outcome = Outcome()
    while outcome.tried < count, outcome.tried % 64 != 0 || Date() < deadline {
      // Any round can be had alone: its inputs depend on the seed and its number only.
      var random = SplitMix(seed: seed &+ UInt64(outcome.tried) &* 0x2545_f491_4f6c_dd1d)
      let input = input(seeds, &random)
      try current.hold(input)
      watchdog.feed(current.path)
      do {
        if try target.check(input) { outcome.accepted += 1 }
      } catch {
        throw FuzzFailure("\(target): \(error)\nseed \(seed), round \(outcome.tried); kept in \(current.path)")
      }
      outcome.tried += 1
    }
    try current.remove()
    return outcome
  }

  private func input(_ seeds: [[UInt8]], _ random: inout SplitMix) -> [UInt8] {
    var input = seeds.randomElement(using: &random) ?? []
    if let generate = target.generate, seeds.isEmpty || Int.random(in: 0..<3, using: &random) == 0 {
      input = generate(&random)
    }
    // What is not damaged at all must hold its promises too.
    if Int.random(in: 0..<8, using: &random) > 0 {
      let other = seeds.randomElement(using: &random) ?? input
      Mutator(tokens: target.tokens).damage(&input, other: other, &random)
    }
    return input
  }
}
