// What a simulation knows to be true: who was promised what, and who got what.

import Bytes
import Journal

/// One signal of one sink.
struct Reader: Hashable {
  let sink: String
  let signal: UInt8
}

/// The memory of the outside world, which no loss of power touches.
struct Oracle {
  struct Request {
    let sinks: [String]
    let signal: UInt8
    let count: Int
  }

  /// Everything that was ever sent, by the number in its payload.
  private(set) var sent: [Int: Request] = [:]
  /// What was acknowledged and each reader has yet to settle.
  private(set) var owed: [Reader: Set<Int>] = [:]
  /// What each reader settled.
  private(set) var settled: [Reader: Set<Int>] = [:]
  /// The numbers that records had when readers saw them.
  private(set) var seen: [UInt64: Int] = [:]
  /// Sinks that keep their own position, as the SQLite store does inside its transactions.
  private(set) var ownPositions: [Reader: UInt64] = [:]
  private(set) var violations: [String] = []

  var highestSeen: UInt64 { seen.keys.max() ?? 0 }

  mutating func violate(_ text: String) { violations.append(text) }

  mutating func send(sinks: [String], signal: UInt8, count: Int) -> (number: Int, payload: Bytes) {
    let number = sent.count + 1
    sent[number] = Request(sinks: sinks, signal: signal, count: count)
    return (number, Bytes(Oracle.payload(number, count: count)))
  }

  private static func payload(_ number: Int, count: Int) -> [UInt8] {
    let head = (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    return head + [UInt8](repeating: UInt8(number % 127 + 1), count: count - 4)
  }

  /// - Parameter sinks: those whose cursors are durable.
  mutating func acknowledge(_ number: Int, durable sinks: [String]) {
    guard let request = sent[number] else { return }
    for sink in request.sinks where sinks.contains(sink) {
      let reader = Reader(sink: sink, signal: request.signal)
      if settled[reader]?.contains(number) != true { owed[reader, default: []].insert(number) }
    }
  }

  /// Which request a record is; nil, and a violation, when nobody sent it so.
  mutating func identify(_ payload: Bytes, sequence: UInt64, for reader: Reader) -> Int? {
    let number = payload.count < 4 ? 0 : (0..<4).reduce(0) { $0 | Int(payload[$1]) << (8 * $1) }
    guard let request = sent[number], request.count == payload.count, request.signal == reader.signal,
      request.sinks.contains(reader.sink), payload.array == Oracle.payload(number, count: request.count)
    else {
      violate("INVENTED: \(reader) got a record \(sequence) that nobody sent it")
      return nil
    }
    if let other = seen[sequence], other != number {
      violate("REUSED: sequence number \(sequence) was \(other) and is \(number)")
    }
    return number
  }

  mutating func see(_ number: Int, sequence: UInt64) { seen[sequence] = number }

  mutating func settle(_ number: Int, sequence: UInt64, _ reader: Reader, keepsPosition: Bool) {
    let isNew = settled[reader, default: []].insert(number).inserted
    if keepsPosition {
      if !isNew { violate("TWICE: \(reader) got \(number) again") }
      ownPositions[reader] = max(ownPositions[reader] ?? 0, sequence)
    }
    owed[reader]?.remove(number)
  }

  /// The sink was taken out of the configuration: it is promised nothing any more.
  mutating func forget(_ sink: String) {
    for reader in owed.keys where reader.sink == sink { owed[reader] = nil }
  }
}
