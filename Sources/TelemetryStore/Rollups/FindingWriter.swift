// Finds database calls that a trace repeats or waits for, while its spans arrive.

internal import Bytes
internal import OTLP
internal import SQLite

/// Watches the statements of the traces seen last, and keeps what it finds in the table `findings`.
///
/// A finding is `n_plus_one`, when spans of one parent ran one statement at least 5 times, one after the other, and for
/// at least 50 ms together; or `slow_statement`, when one execution took at least 500 ms. There is one row for each
/// place (the operation around the parent) and statement, with the worst trace as evidence.
///
/// Spans of a trace may come in any order and in several batches: later ones update what was found. What is remembered
/// of the traces is lost with the process, so that of a trace cut by a restart only the rest counts.
struct FindingWriter: ~Copyable {
  static let executionsMin: Int64 = 5
  static let togetherMin: Int64 = 50_000_000
  static let slowMin: Int64 = 500_000_000
  /// Groups of one generation; two generations are remembered, about 10 MB.
  private static let groupsMax = 32_768
  /// Batches that a finding waits for the span that it happened in.
  private static let waitsMax = 20
  /// Findings that wait; the oldest goes first.
  private static let waitingMax = 1024

  /// The executions of one statement under one parent span.
  private struct GroupKey: Hashable {
    let trace: SpanContext
    let statement: Int64
  }

  private struct Group {
    var executions: Int64 = 0
    var total: Int64 = 0
    /// The time from the first start to the last end.
    var first: UInt64 = .max
    var last: UInt64 = 0
    /// What the finding has of it already.
    var found = (executions: Int64(0), total: Int64(0))
    var isChanged = false
  }

  private var young: [GroupKey: Group] = [:]
  private var old: [GroupKey: Group] = [:]
  private var changed: [GroupKey] = []
  private var slow: [Finding] = []
  private var waiting: [(finding: Finding, waits: Int)] = []
  private var table: FindingTable

  init(_ database: Database) throws(SQLiteError) { table = try FindingTable(database) }

  /// Sees one database call that was inserted.
  ///
  /// - Parameter statement: the operation's id.
  mutating func note(_ span: SpanView, statement: Int64) {
    let (start, end) = (span.startTimeUnixNano, span.endTimeUnixNano)
    guard start != 0, end > start, let parent = SpanContext(trace: span.traceID, span: span.parentSpanID) else {
      return
    }
    let duration = Int64(clamping: end - start)
    let key = GroupKey(trace: parent, statement: statement)
    if duration >= FindingWriter.slowMin {
      slow.append(
        Finding(
          kind: .slow, parent: parent, statement: statement, traces: 1, executions: 1, total: duration, first: start,
          last: end, traceExecutions: 1, traceTotal: duration))
    }
    var group = recall(key)
    // One that runs while another runs is waited for together with it: no loop over single rows.
    if start >= group.last || end <= group.first {
      group.executions += 1
      group.total = group.total.addingReportingOverflow(duration).overflow ? .max : group.total + duration
    }
    group.first = min(group.first, start)
    group.last = max(group.last, end)
    if group.executions >= FindingWriter.executionsMin, group.total >= FindingWriter.togetherMin, !group.isChanged {
      group.isChanged = true
      changed.append(key)
    }
    young[key] = group
  }

  private mutating func recall(_ key: GroupKey) -> Group {
    if let group = young[key] { return group }
    if young.count >= FindingWriter.groupsMax {
      old = young
      young = [:]
    }
    return old[key] ?? Group()
  }

  /// Writes what was found to the table.
  mutating func flush() throws(SQLiteError) {
    var findings = waiting + slow.map { (finding: $0, waits: 0) }
    waiting.removeAll()
    slow.removeAll(keepingCapacity: true)
    for key in changed { if let finding = take(key) { findings.append((finding, 0)) } }
    changed.removeAll(keepingCapacity: true)
    for (finding, waits) in findings {
      if try table.add(finding, isLastChance: waits >= FindingWriter.waitsMax) { continue }
      if waiting.count >= FindingWriter.waitingMax { waiting.removeFirst() }
      waiting.append((finding, waits + 1))
    }
  }

  /// What a group has that its finding has not.
  private mutating func take(_ key: GroupKey) -> Finding? {
    guard var group = young[key] ?? old[key] else { return nil }
    let finding = Finding(
      kind: .repeated, parent: key.trace, statement: key.statement, traces: group.found.executions == 0 ? 1 : 0,
      executions: group.executions - group.found.executions, total: group.total - group.found.total,
      first: group.first, last: group.last, traceExecutions: group.executions, traceTotal: group.total)
    group.found = (group.executions, group.total)
    group.isChanged = false
    young[key] = group
    return finding
  }
}

/// What a finding gets: the news of one trace.
struct Finding {
  enum Kind: String {
    case repeated = "n_plus_one"
    case slow = "slow_statement"
  }

  let kind: Kind
  /// The span that ran the statement.
  let parent: SpanContext
  let statement: Int64
  /// 1 when the trace is new to the finding.
  let traces: Int64
  let executions: Int64
  /// Nanoseconds, like all times here.
  let total: Int64
  let first: UInt64
  let last: UInt64
  /// All that the trace did, to tell which trace is the worst.
  let traceExecutions: Int64
  let traceTotal: Int64
}

/// The ids of a span, as a key of small size.
struct SpanContext: Hashable {
  private let high: UInt64
  private let low: UInt64
  private let span: UInt64

  /// Nil when one of the ids is missing.
  init?(trace: BytesView, span: BytesView) {
    guard trace.count == 16, span.count == 8 else { return nil }
    high = trace.span.number(at: 0)
    low = trace.span.number(at: 8)
    self.span = span.span.number(at: 0)
  }

  /// The same trace's other span.
  private init(high: UInt64, low: UInt64, span: UInt64) {
    self.high = high
    self.low = low
    self.span = span
  }

  func with(span bytes: Bytes) -> SpanContext? {
    bytes.count == 8 ? SpanContext(high: high, low: low, span: bytes.span.number(at: 0)) : nil
  }

  var traceID: Bytes { Bytes(high.bigEndianBytes + low.bigEndianBytes) }
  var spanID: Bytes { Bytes(span.bigEndianBytes) }
}

extension UInt64 {
  fileprivate var bigEndianBytes: [UInt8] {
    stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: self >> UInt64($0)) }
  }
}

extension Span<UInt8> {
  fileprivate func number(at start: Int) -> UInt64 {
    var value: UInt64 = 0
    for offset in start..<(start + 8) { value = value << 8 | UInt64(self[offset]) }
    return value
  }
}
