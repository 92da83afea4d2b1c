// Holds the journal against a simple model through long random histories.

import Bytes
import Journal
import SelfTelemetry
import System
import Testing

/// What the journal should do, written for clarity: every record a struct, every cursor a list.
private struct Model {
  struct Record {
    let number: Int
    let signal: UInt8
    let sinks: Set<String>
    let items: Int
    let cost: Int
  }

  struct Reader {
    let sink: String
    let signal: UInt8
    let whenFull: WhenFull
    var pending: [UInt64] = []
    var routed = 0
    var advanced = 0
    var dropped = 0

    func wants(_ record: Record) -> Bool { record.signal == signal && record.sinks.contains(sink) }
  }

  let capacity: Int
  var stored: [UInt64: Record] = [:]
  var next: UInt64 = 1
  var readers: [Int: Reader] = [:]

  /// The records from the oldest pending one on.
  var held: [UInt64] {
    guard let oldest = readers.values.compactMap(\.pending.first).min() else { return [] }
    return Array(oldest..<next)
  }

  var heldBytes: Int { held.reduce(0) { $0 + (stored[$1]?.cost ?? 0) } }

  mutating func append(_ group: [Record]) -> AppendOutcome {
    let durable = group.filter { record in
      readers.values.contains { $0.wants(record) && $0.whenFull != .bestEffort }
    }
    let wanted = group.filter { record in readers.values.contains { $0.wants(record) } }
    let durableCost = durable.reduce(0) { $0 + $1.cost }
    if durableCost > capacity { return .refused(.tooLarge) }
    guard makeRoom(durableCost, { $0 != .refuse }) else { return .refused(.full) }
    let all = wanted.count == durable.count || makeRoom(wanted.reduce(0) { $0 + $1.cost }, { $0 == .bestEffort })
    for record in wanted {
      let isStored = all || durable.contains { $0.number == record.number }
      for (id, reader) in readers where reader.wants(record) {
        readers[id]?.routed += record.items
        if isStored { readers[id]?.pending.append(next) } else { readers[id]?.dropped += record.items }
      }
      if isStored {
        stored[next] = record
        next += 1
      }
    }
    return .accepted
  }

  private mutating func makeRoom(_ cost: Int, _ givesWay: (WhenFull) -> Bool) -> Bool {
    var attempt = self
    while attempt.heldBytes + cost > capacity {
      guard let oldest = attempt.held.first else { return false }
      for (id, reader) in attempt.readers where reader.pending.first == oldest {
        guard givesWay(reader.whenFull) else { return false }
        attempt.readers[id]?.pending.removeFirst()
        attempt.readers[id]?.dropped += stored[oldest]?.items ?? 0
      }
    }
    self = attempt
    return true
  }

  mutating func advance(_ id: Int, past sequence: UInt64) -> Int {
    var items = 0
    while let first = readers[id]?.pending.first, first <= sequence {
      readers[id]?.pending.removeFirst()
      items += stored[first]?.items ?? 0
    }
    readers[id]?.advanced += items
    return items
  }
}

/// The journal and its model side by side, driven by one seed.
private struct Trial {
  var random: SeededRandom
  let journal: Journal
  var model: Model
  var cursors: [Int: Cursor] = [:]
  var batches: [Int: Cursor.Batch] = [:]
  var cursorsOpened = 0
  var recordsMade = 0

  static let sinks = ["a", "b", "c"]
  static let policies: [WhenFull] = [.refuse, .dropOldest, .bestEffort]

  init(seed: UInt64) {
    random = SeededRandom(state: seed)
    let capacity = Int.random(in: 600...6000, using: &random)
    journal = Journal(
      settings: JournalSettings(memoryBytesMax: capacity), clock: ManualClock(), metrics: MetricRegistry())
    model = Model(capacity: capacity)
  }

  mutating func step() {
    switch Int.random(in: 0..<20, using: &random) {
    case 0: open()
    case 1: if Int.random(in: 0..<4, using: &random) == 0 { close() }
    case 2...9: append()
    case 10...14: read()
    default: advance()
    }
    check()
  }

  private mutating func open() {
    guard let sink = Trial.sinks.randomElement(using: &random),
      let policy = Trial.policies.randomElement(using: &random)
    else { return }
    let signal = UInt8.random(in: 0...1, using: &random)
    guard !model.readers.values.contains(where: { $0.sink == sink && $0.signal == signal }) else { return }
    cursorsOpened += 1
    let held = model.held
    cursors[cursorsOpened] = journal.openCursor(sink: sink, signal: signal, whenFull: policy)
    var reader = Model.Reader(sink: sink, signal: signal, whenFull: policy)
    reader.pending = held.filter { model.stored[$0].map(reader.wants) ?? false }
    reader.routed = reader.pending.reduce(0) { $0 + (model.stored[$1]?.items ?? 0) }
    model.readers[cursorsOpened] = reader
  }

  private mutating func close() {
    guard let id = cursors.keys.sorted().randomElement(using: &random), let cursor = cursors[id] else { return }
    let rest = model.readers[id]?.pending.reduce(0) { $0 + (model.stored[$1]?.items ?? 0) }
    #expect(cursor.close().items == rest)
    cursors[id] = nil
    batches[id] = nil
    model.readers[id] = nil
  }

  private mutating func append() {
    var group: [Model.Record] = []
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      recordsMade += 1
      let isLarge = Int.random(in: 0..<40, using: &random) == 0
      group.append(
        Model.Record(
          number: recordsMade, signal: UInt8.random(in: 0...1, using: &random),
          sinks: Set(Trial.sinks.filter { _ in Bool.random(using: &random) }),
          items: Int.random(in: 0...5, using: &random),
          cost: Int.random(in: 8...(isLarge ? 3000 : 300), using: &random) + overhead))
    }
    let records = group.map { record in
      var payload = ByteBuffer(capacity: record.cost)
      payload.append(decimal: record.number)
      for _ in 0..<(record.cost - overhead - payload.count) { payload.append(UInt8(ascii: " ")) }
      return JournalRecord(
        payload: payload.finish(), signal: record.signal, itemCount: record.items,
        routes: journal.routes(to: Array(record.sinks)))
    }
    let outcome = Lock<AppendOutcome?>(nil)
    journal.append(records) { result in outcome.withLock { $0 = result } }
    #expect(outcome.withLock { $0 } == model.append(group))
  }

  private mutating func read() {
    guard let id = cursors.keys.sorted().randomElement(using: &random), let cursor = cursors[id] else { return }
    let itemsMax = Int.random(in: 1...12, using: &random)
    let batch = cursor.nextBatch(limits: Cursor.Limits(itemsMax: itemsMax, bytesMax: 2000))
    var (expected, items, bytes): ([Int], Int, Int) = ([], 0, 0)
    for sequence in model.readers[id]?.pending ?? [] {
      guard let record = model.stored[sequence] else { continue }
      items += record.items
      bytes += record.cost - overhead
      if !expected.isEmpty, items > itemsMax || bytes > 2000 { break }
      expected.append(record.number)
    }
    #expect((batch?.entries ?? []).map { Int($0.payload.text.prefix { $0 != " " }) } == expected)
    batches[id] = batch
  }

  private mutating func advance() {
    guard let id = batches.keys.sorted().randomElement(using: &random), let batch = batches[id] else { return }
    #expect(cursors[id]?.advance(past: batch.lastSequence).items == model.advance(id, past: batch.lastSequence))
    batches[id] = nil
  }

  private func check() {
    #expect(journal.usage.bytes == model.heldBytes)
    #expect(journal.usage.bytes <= model.capacity)
    for (id, cursor) in cursors {
      guard let reader = model.readers[id] else { continue }
      let status = cursor.status
      #expect(status.routed.items == reader.routed)
      #expect(status.advanced.items == reader.advanced)
      #expect(status.dropped.items == reader.dropped)
      #expect(status.pending.records == reader.pending.count)
      #expect(status.position == reader.pending.first ?? model.next)
      #expect(status.routed.items == status.advanced.items + status.dropped.items + status.pending.items)
      #expect(status.routed.bytes == status.advanced.bytes + status.dropped.bytes + status.pending.bytes)
    }
  }
}

@Suite struct JournalModelTests {
  @Test("Any history of appends, reads, advances and cursors gives what the model gives", arguments: 0..<60)
  func history(seed: UInt64) {
    var trial = Trial(seed: seed)
    for _ in 0..<400 { trial.step() }
  }
}
