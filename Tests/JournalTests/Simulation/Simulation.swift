// Runs a journal on a simulated disk, and looks at what every moment's loss of power would leave.

import Bytes
import Journal
import SelfTelemetry
import System

/// One history from one seed: several lives of a journal, with a crash between them.
///
/// Before every change of the disk the simulation takes the disk as a crash at that moment would leave it, recovers a
/// journal from it, and holds it against the oracle; some of those recoveries are interrupted in turn.
final class Simulation: Sendable {
  struct Options {
    var faults = SimulatedDisk.Faults()
    var relaxations: Relaxations = []
    var durability = Durability.disk
    /// Only processes end; the kernel goes on, and keeps what it was told.
    var losesPower = true
    var lives = 3
    var steps = 20
    /// Between two lives, a sector of an older file becomes unreadable.
    var spoils = false
    var segmentBytes = 4000
  }

  private struct State {
    var random: SeededRandom
    var oracle = Oracle()
    var crashPoints = 0
    /// Changes of the disk until this life ends.
    var changesLeft = 0
    var life: Life?
    /// A recovery found damage, and counted it: acknowledged records may be gone.
    var isDamaged = false
  }

  /// The journal that runs, with its cursors.
  private struct Life: Sendable {
    let journal: Journal
    let clock: ManualClock
    let sinks: [String]
    let cursors: [Reader: Cursor]

    /// Whether the recovery says that something was lost.
    var isDamaged: Bool {
      journal.recovery.map { $0.quarantinedBytes > 0 || $0.missingRecords > 0 } ?? false
    }
  }

  private let options: Options
  private let state: Lock<State>

  /// `own` keeps its position itself; `debug` is a best-effort sink. In some lives `more` has the name `renamed`.
  private static let durableSinks = ["own", "lag", "more", "renamed"]

  init(seed: UInt64, options: Options) {
    self.options = options
    state = Lock(State(random: SeededRandom(state: seed)))
  }

  struct Result {
    var crashPoints = 0
    var violations: [String] = []
  }

  func run() -> Result {
    var image = DiskImage()
    for life in 0..<options.lives {
      let isLast = life == options.lives - 1
      image = live(on: image, changes: isLast ? .max : draw(5...120))
      if options.losesPower, draw(0...4) > 0 { image = crashed(image) }
      if options.spoils { image = spoiled(image) }
      if state.withLock({ !$0.oracle.violations.isEmpty }) { break }
    }
    return state.withLock { Result(crashPoints: $0.crashPoints, violations: $0.oracle.violations) }
  }

  private func draw(_ range: ClosedRange<Int>) -> Int {
    state.withLock { Int.random(in: range, using: &$0.random) }
  }

  private func crashed(_ image: DiskImage) -> DiskImage {
    var image = image
    state.withLock { image.losePower(&$0.random) }
    return image
  }

  private func spoiled(_ image: DiskImage) -> DiskImage {
    var image = image
    let files = image.list.filter { $0.hasSuffix(".segment") }.dropLast()
    guard !files.isEmpty else { return image }
    let name = files[draw(0...files.count - 1)]
    let bytes = image.node(name).map { image.content($0).count } ?? 0
    image.spoil(name, sector: draw(0...bytes) / DiskImage.sectorBytes)
    return image
  }

  // MARK: A life

  /// Lives until the given number of changes, and returns what programs see on the disk then.
  private func live(on image: DiskImage, changes: Int) -> DiskImage {
    let disk = SimulatedDisk(image, faults: options.faults, seed: UInt64(draw(1...1_000_000_000)))
    state.withLock { $0.changesLeft = changes }
    disk.setMoment { [weak disk] () throws(SimulatedDisk.Dead) in
      guard let disk else { return }
      try self.moment(disk)
    }
    let sinks = drawSinks()
    guard let life = open(disk, sinks: sinks) else { return disk.image }
    // What a removed one was owed is counted, and owed no more.
    state.withLock { state in
      for sink in Simulation.durableSinks where !sinks.contains(sink) { state.oracle.forget(sink) }
      if life.isDamaged { state.isDamaged = true }
      state.life = life
    }
    for _ in 0..<options.steps { step(life) }
    state.withLock { $0.life = nil }
    disk.setMoment(nil)
    return disk.image
  }

  /// Sinks come and go between lives, and get other names.
  private func drawSinks() -> [String] {
    let absent = draw(0...2) > 0 ? "renamed" : "more"
    return Simulation.durableSinks.filter { $0 == "own" || $0 != absent && draw(0...5) > 0 }
  }

  private func open(_ disk: SimulatedDisk, sinks: [String]) -> Life? {
    let settings = JournalSettings(
      durability: options.durability, directory: "", memoryBytesMax: 3000, diskBytesMax: 60_000, freeBytesMin: 0,
      segmentBytes: options.segmentBytes)
    let clock = ManualClock()
    guard
      let journal = try? Journal.open(
        files: disk, settings: settings, relaxations: options.relaxations, clock: clock, metrics: MetricRegistry())
    else { return nil }
    var cursors: [Reader: Cursor] = [:]
    for sink in sinks + ["debug"] {
      for signal in UInt8(0)...1 {
        cursors[Reader(sink: sink, signal: signal)] = journal.openCursor(
          sink: sink, signal: signal, whenFull: sink == "debug" ? .bestEffort : .refuse)
      }
    }
    let positions = state.withLock { $0.oracle.ownPositions }
    for (reader, position) in positions {
      journal.reserve(through: position)
      cursors[reader]?.advance(past: min(position, journal.durableSequence))
    }
    let life = Life(journal: journal, clock: clock, sinks: sinks, cursors: cursors)
    checkRemoved(life)
    return life
  }

  private func step(_ life: Life) {
    switch draw(0...9) {
    case 0...4:
      for _ in 0..<draw(1...3) { append(life) }
      life.journal.turn()
    case 5...7: deliver(life)
    case 8 where draw(0...3) == 0:
      // Everything delivered, so that every file may go.
      for _ in 0..<100 { deliver(life) }
      life.clock.advance(by: .seconds(1))
      life.journal.turn()
    case 8: append(life)
    default:
      life.clock.advance(by: .milliseconds(600))
      life.journal.turn()
    }
  }

  private func append(_ life: Life) {
    var (numbers, records): ([Int], [JournalRecord]) = ([], [])
    for _ in 0..<draw(1...3) {
      let chosen = (life.sinks + ["debug"]).filter { _ in draw(0...2) > 0 }
      let (signal, count) = (UInt8(draw(0...1)), draw(4...1500))
      let (number, payload) = state.withLock { $0.oracle.send(sinks: chosen, signal: signal, count: count) }
      numbers.append(number)
      records.append(
        JournalRecord(payload: payload, signal: signal, itemCount: 1, routes: life.journal.routes(to: chosen)))
    }
    life.journal.append(records) { [numbers] outcome in
      guard outcome == .accepted else { return }
      self.state.withLock { state in
        for number in numbers { state.oracle.acknowledge(number, durable: life.sinks) }
      }
    }
  }

  /// Lets some reader read and settle.
  private func deliver(_ life: Life) {
    let sinks = life.sinks + ["debug"]
    let reader = Reader(sink: sinks[draw(0...sinks.count - 1)], signal: UInt8(draw(0...1)))
    guard let cursor = life.cursors[reader] else { return }
    for _ in 0..<draw(1...6) {
      guard let (number, sequence) = read(cursor, reader, remembers: true) else { return }
      if let number {
        state.withLock {
          $0.oracle.settle(number, sequence: sequence, reader, keepsPosition: reader.sink == "own")
        }
      }
      cursor.advance(past: sequence)
    }
  }

  /// The next record; its number is nil when it is not what was sent.
  private func read(_ cursor: Cursor, _ reader: Reader, remembers: Bool) -> (number: Int?, sequence: UInt64)? {
    guard let batch = cursor.nextBatch(limits: Cursor.Limits(itemsMax: 1, bytesMax: 1)) else { return nil }
    let number = state.withLock { state in
      let number = state.oracle.identify(batch.entries[0].payload, sequence: batch.lastSequence, for: reader)
      // What only best-effort sinks get is in no file, so its number may be used again after a crash.
      if let number, remembers, reader.sink != "debug" { state.oracle.see(number, sequence: batch.lastSequence) }
      return number
    }
    return (number, batch.lastSequence)
  }

  // MARK: A moment

  /// Called before every change of the disk.
  private func moment(_ disk: SimulatedDisk) throws(SimulatedDisk.Dead) {
    // A sink's thread may run while the journal's thread is in the kernel.
    if draw(0...3) == 0, let life = state.withLock({ $0.life }) { deliver(life) }
    inspect(disk.image, mayNest: true)
    let isOver = state.withLock { state in
      state.changesLeft -= 1
      return state.changesLeft < 0
    }
    if isOver { throw SimulatedDisk.Dead() }
  }

  /// Recovers from the disk as a crash now would leave it, and checks what is there.
  private func inspect(_ image: DiskImage, mayNest: Bool) {
    guard state.withLock({ $0.oracle.violations.isEmpty }) else { return }
    state.withLock { $0.crashPoints += 1 }
    let image = options.losesPower && draw(0...7) > 0 ? crashed(image) : image
    let faults = SimulatedDisk.Faults(flaw: options.faults.flaw)
    let disk = SimulatedDisk(image, faults: faults)
    if mayNest, draw(0...3) == 0 {
      // One crash during recovery, too.
      let countdown = Lock(draw(0...6))
      disk.setMoment { [weak disk] () throws(SimulatedDisk.Dead) in
        let isNow = countdown.withLock { left in
          left -= 1
          return left == -1
        }
        if isNow, let disk { self.inspect(disk.image, mayNest: false) }
      }
    }
    let sinks = draw(0...3) > 0 ? state.withLock { $0.life?.sinks } ?? drawSinks() : drawSinks()
    guard let life = open(disk, sinks: sinks) else {
      return state.withLock { $0.oracle.violate("DOES NOT START") }
    }
    disk.setMoment(nil)
    let isDamaged = life.isDamaged || state.withLock { $0.isDamaged }
    for (reader, cursor) in life.cursors { check(cursor, reader, isDamaged: isDamaged) }
    checkLiveness(life)
  }

  /// What a sink without a cursor was promised is counted as given up.
  private func checkRemoved(_ life: Life) {
    var counts: [Reader: Int] = [:]
    for removed in life.journal.giveUpRemovedSinks() {
      counts[Reader(sink: removed.sink, signal: removed.signal)] = removed.pending.records
    }
    state.withLock { state in
      for (reader, owed) in state.oracle.owed where !life.sinks.contains(reader.sink) {
        if counts[reader] ?? 0 < owed.count, !state.isDamaged, !life.isDamaged {
          state.oracle.violate("UNCOUNTED: \(reader) was owed \(owed.count), and \(counts[reader] ?? 0) are counted")
        }
      }
    }
  }

  private func check(_ cursor: Cursor, _ reader: Reader, isDamaged: Bool) {
    var found: Set<Int> = []
    var last: UInt64 = 0
    while let (number, sequence) = read(cursor, reader, remembers: false) {
      if sequence <= last { state.withLock { $0.oracle.violate("ORDER: \(reader) \(sequence) after \(last)") } }
      last = sequence
      if let number { found.insert(number) }
      cursor.advance(past: sequence)
    }
    state.withLock { state in
      let missing = state.oracle.owed[reader, default: []].subtracting(found)
      if !missing.isEmpty, !isDamaged { state.oracle.violate("LOST: \(reader) will not get \(missing.sorted())") }
      if reader.sink == "own", let again = state.oracle.settled[reader]?.intersection(found), !again.isEmpty {
        state.oracle.violate("TWICE: \(reader) would get \(again.sorted()) again")
      }
    }
  }

  /// A fresh request gets through, under a number that no reader knows for another one.
  private func checkLiveness(_ life: Life) {
    let isAccepted = Lock(false)
    let routes = life.journal.routes(to: life.sinks)
    life.journal.append([JournalRecord(payload: Bytes([1]), signal: 0, itemCount: 1, routes: routes)]) { outcome in
      isAccepted.withLock { $0 = outcome == .accepted }
    }
    life.journal.turn()
    for (reader, cursor) in life.cursors where reader.signal == 0 && reader.sink != "debug" {
      let batch = cursor.nextBatch(limits: Cursor.Limits(itemsMax: 1, bytesMax: 1))
      state.withLock { state in
        guard isAccepted.withLock({ $0 }), let batch, batch.entries[0].payload == Bytes([1]) else {
          return state.oracle.violate("STUCK: \(reader) gets nothing new")
        }
        if batch.lastSequence <= state.oracle.highestSeen {
          state.oracle.violate("REUSED: the next sequence number is \(batch.lastSequence)")
        }
      }
    }
  }
}
