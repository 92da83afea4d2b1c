// Kept and damaged inputs of every fuzz target: whatever arrives, it is refused, or keeps its promises.

import Foundation
import Fuzzing
import Testing

@Suite("Fuzzing", .serialized)
struct FuzzTargetTests {
  private static let seed = ProcessInfo.processInfo.environment["OTLPD_FUZZ_SEED"].flatMap(UInt64.init) ?? 1
  private static let count = ProcessInfo.processInfo.environment["OTLPD_FUZZ_COUNT"].flatMap(Int.init) ?? 2_000

  @Test("What is kept holds its promises", arguments: FuzzTarget.all)
  func replay(_ target: FuzzTarget) throws {
    #expect(try FuzzRun(target).replay().tried > 0)
  }

  @Test("So does what is damaged", arguments: FuzzTarget.all)
  func loop(_ target: FuzzTarget) throws {
    print("fuzzing \(target): OTLPD_FUZZ_SEED=\(FuzzTargetTests.seed)")
    let outcome = try FuzzRun(target).loop(seed: FuzzTargetTests.seed, count: FuzzTargetTests.count)
    #expect(outcome.tried == FuzzTargetTests.count)
    // Else the loop would only prove that nonsense is refused.
    #expect(outcome.accepted > outcome.tried / 20, "\(outcome)")
  }
}
