// Proves by simulation that a journal on disk keeps its promises, and that the simulation would notice if it did not.

import Journal
import System
import Testing

private let environment = ProcessStatistics.environment

/// The first seed: another one each time would find more, but a failure should mean that the code changed.
private let firstSeed = environment["OTLPD_SIMULATION_SEED"].flatMap { UInt64($0) } ?? 1
/// How many times as many histories as usual.
private let factor = environment["OTLPD_SIMULATION_FACTOR"].flatMap { Int($0) } ?? 1

@Suite struct SimulationTests {
  private func crash(histories: Int, _ options: Simulation.Options) -> Int {
    var crashPoints = 0
    for seed in firstSeed..<firstSeed + UInt64(histories * factor) {
      let result = Simulation(seed: seed, options: options).run()
      crashPoints += result.crashPoints
      #expect(result.violations.isEmpty, "OTLPD_SIMULATION_SEED=\(seed): \(result.violations.first ?? "")")
      if !result.violations.isEmpty { break }
    }
    return crashPoints
  }

  @Test("Power lost before any change of the disk costs nothing that was acknowledged")
  func powerLoss() {
    let start = SystemClock().monotonic
    let crashPoints = crash(histories: 110, Simulation.Options())
    let seconds = SystemClock().monotonic.since(start).seconds
    print(
      "power loss: \(crashPoints) crash points from OTLPD_SIMULATION_SEED=\(firstSeed), "
        + "\(Int(Double(crashPoints) / seconds)) recoveries a second")
    #expect(crashPoints >= 10_000)
  }

  @Test("Neither does power lost on a disk whose syncs fail now and then")
  func failingSync() {
    let faults = SimulatedDisk.Faults(syncFailure: 20)
    #expect(crash(histories: 40, Simulation.Options(faults: faults)) > 500)
  }

  @Test("Neither does power lost on a disk that is full now and then")
  func fullDisk() {
    let faults = SimulatedDisk.Faults(noSpace: 12)
    #expect(crash(histories: 40, Simulation.Options(faults: faults)) > 500)
  }

  @Test("A sector that cannot be read keeps no journal from starting, and what is lost with it is counted")
  func spoiledSector() {
    #expect(crash(histories: 40, Simulation.Options(spoils: true, segmentBytes: 12_000)) > 500)
  }

  @Test("Neither does the end of the process, and os needs no more than that", arguments: [Durability.disk, .os])
  func kill(durability: Durability) {
    #expect(crash(histories: 20, Simulation.Options(durability: durability, losesPower: false)) > 500)
  }

  @Test("A rule that is broken is noticed", arguments: DiskFlaw.allCases)
  func brokenDisk(flaw: DiskFlaw) {
    let syncFailure = flaw == .retriedSync ? 20 : 0
    let options = Simulation.Options(faults: SimulatedDisk.Faults(flaw: flaw, syncFailure: syncFailure))
    #expect(historiesUntilNoticed(options) != nil)
  }

  @Test(
    "A rule of the journal that is broken is noticed",
    arguments: [Relaxations.unchecked, .readAhead, .removeFirst, .lazyCursors])
  func brokenRule(relaxation: Relaxations) {
    #expect(historiesUntilNoticed(Simulation.Options(relaxations: relaxation)) != nil)
  }

  private func historiesUntilNoticed(_ options: Simulation.Options) -> Int? {
    (1...200).first { !Simulation(seed: UInt64($0), options: options).run().violations.isEmpty }
  }
}
