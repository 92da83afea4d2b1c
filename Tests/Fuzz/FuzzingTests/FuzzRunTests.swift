// The fuzzing loop itself: what breaks is kept, and nothing else is.

import Foundation
import Fuzzing
import Testing

@Suite("The fuzzing loop")
struct FuzzRunTests {
  private let corpus = Corpus(directory: FileManager.default.temporaryDirectory.appending(path: UUID().uuidString))

  private func target(failing: Bool) -> FuzzTarget {
    FuzzTarget(name: "bytes", tokens: [[7]]) { input in
      if failing, input.contains(7) { throw FuzzFailure("a seven") }
      return true
    }
  }

  private func kept() throws -> [[UInt8]] { try corpus.files(in: "crashes", suffix: "bytes").map(\.bytes) }

  @Test("An input that breaks a promise is kept, and found again until the promise holds")
  func breaks() throws {
    for folder in ["corpus", "crashes"] {
      let path = corpus.directory.appending(path: folder)
      try FileManager.default.createDirectory(at: path, withIntermediateDirectories: true)
    }
    defer { try? FileManager.default.removeItem(at: corpus.directory) }
    try Data([1, 2, 3]).write(to: corpus.directory.appending(path: "corpus/seed.bytes"))
    let broken = FuzzRun(target(failing: true), corpus: corpus)
    #expect(try broken.replay().tried == 1)
    #expect(throws: FuzzFailure.self) { try broken.loop(seed: 1, count: 1_000) }
    #expect(try kept().count == 1 && kept()[0].contains(7))
    #expect(throws: FuzzFailure.self) { try broken.replay() }
    let mended = FuzzRun(target(failing: false), corpus: corpus)
    #expect(try mended.replay().tried == 2)
    #expect(try mended.loop(seed: 2, count: 100).accepted == 100)
    #expect(try kept().count == 1)
  }
}
