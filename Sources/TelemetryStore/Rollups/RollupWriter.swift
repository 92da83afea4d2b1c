// Gathers what the spans of a transaction add to the roll-ups, and writes it at the end of the transaction.

internal import Bytes
internal import OTLP
internal import SQLite

/// Counts spans that were really inserted; a span that the file had already is not counted again.
///
/// A span belongs to the minute in which it ended, however late it arrives; one without an end to that of its start.
struct RollupWriter: ~Copyable {
  private struct Entry {
    let key: RollupKey
    var rollup = Rollup()
    /// The bucket of each duration; sorted and counted once, at the end.
    var buckets: [UInt16] = []
  }

  private static let minute: UInt64 = 60_000_000_000

  private var minutes: RollupTable
  private var hours: RollupTable
  private var indices: [RollupKey: Int] = [:]
  private var entries: [Entry] = []
  /// The entry of the span before, which is often the next one's.
  private var last = 0

  init(_ database: Database) throws(SQLiteError) {
    let minutes = try RollupTable("operation_minutes", time: "minute", in: database)
    let hours = try RollupTable("operation_hours", time: "hour", in: database)
    self.minutes = minutes
    self.hours = hours
  }

  mutating func count(_ span: SpanView, statusCode: Int64?, operation: Int64) {
    let (start, end) = (span.startTimeUnixNano, span.endTimeUnixNano)
    let duration = start != 0 && end > start ? Int64(clamping: end - start) : 0
    let time = end == 0 ? start : end
    let index = entry(RollupKey(time: Int64(time / RollupWriter.minute), operation: operation))
    let code = statusCode ?? 0
    entries[index].rollup.count += 1
    if span.status.code == 2 || code >= 500 { entries[index].rollup.errors += 1 }
    if code >= 400, code < 500 { entries[index].rollup.clientErrors += 1 }
    let (sum, overflow) = entries[index].rollup.sum.addingReportingOverflow(duration)
    entries[index].rollup.sum = overflow ? .max : sum
    if duration > entries[index].rollup.max || entries[index].rollup.count == 1 {
      entries[index].rollup.max = duration
      entries[index].rollup.slowestTraceID = span.traceID.bytes
    }
    entries[index].buckets.append(UInt16(LatencyHistogram.bucket(of: UInt64(duration))))
  }

  private mutating func entry(_ key: RollupKey) -> Int {
    if last < entries.count, entries[last].key == key { return last }
    if let index = indices[key] {
      last = index
    } else {
      last = entries.count
      indices[key] = last
      entries.append(Entry(key: key))
    }
    return last
  }

  /// Adds what was gathered to the tables.
  mutating func flush() throws(SQLiteError) {
    var perHour: [RollupKey: Rollup] = [:]
    for index in entries.indices {
      entries[index].buckets.sort()
      for bucket in entries[index].buckets { entries[index].rollup.histogram.add(bucket: Int(bucket)) }
      let (key, rollup) = (entries[index].key, entries[index].rollup)
      try minutes.add(rollup, to: key)
      perHour[RollupKey(time: key.time / 60, operation: key.operation), default: Rollup()].merge(rollup)
    }
    for (key, rollup) in perHour { try hours.add(rollup, to: key) }
    indices.removeAll(keepingCapacity: true)
    entries.removeAll(keepingCapacity: true)
    last = 0
  }
}
