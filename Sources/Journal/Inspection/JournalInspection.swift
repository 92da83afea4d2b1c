// Looks into a journal's directory without changing anything in it.

package import Bytes
package import System

/// Reads what a journal's files hold. For a directory that no otlpd is using: a running one changes it meanwhile.
package struct JournalInspection {
  /// A segment file.
  package struct Segment: Sendable, Equatable {
    package let name: String
    package var bytes = 0
    package var records = 0
    package var items = 0
    /// Sequence numbers; nil when there is no record.
    package var first: UInt64?
    package var last: UInt64?
    /// When the first and last record were accepted, nanoseconds since 1970.
    package var oldestUnixNano: UInt64?
    package var newestUnixNano: UInt64?
    /// Bytes that are no records, with records behind them, or of a damaged header.
    package var damagedBytes = 0
    /// Bytes behind the last record: in the newest file an unfinished write, in others damage.
    package var trailingBytes = 0
    /// Sequence numbers that are missing in the file and before it.
    package var missingRecords: UInt64 = 0
  }

  /// Where a sink stands.
  package struct Position: Sendable, Equatable {
    package let sink: String
    package let signal: UInt8
    /// The lowest sequence number that it has yet to settle.
    package let sequence: UInt64
    /// What the files hold for it from there on.
    package var pendingRecords = 0
    package var pendingItems = 0
    package var pendingBytes = 0
  }

  /// A record, in sequence order.
  package struct Record: Sendable {
    package let sequence: UInt64
    package let signal: UInt8
    package let itemCount: Int
    package let sinks: [String]
    package let acceptedUnixNano: UInt64
    package let payload: Bytes
  }

  /// Nil when no file says it.
  package private(set) var id: JournalID?
  package private(set) var segments: [Segment] = []
  package private(set) var positions: [Position] = []
  /// Whether the file of the cursors is there and cannot be read.
  package private(set) var areCursorsDamaged = false
  /// Damaged bytes that a start put aside.
  package private(set) var quarantinedFiles: [String] = []
  private let files: any FileSystem

  /// Whether something was lost, or will be when a daemon starts on these files.
  package var isDamaged: Bool {
    areCursorsDamaged || segments.contains { $0.damagedBytes > 0 || $0.missingRecords > 0 }
      || segments.dropLast().contains { $0.trailingBytes > 0 }
  }

  /// Reads all files, and hands each undamaged record over in sequence order.
  ///
  /// - Throws: `JournalError`; damage is no error.
  package init(_ files: any FileSystem, each: (Record) -> Void = { _ in }) throws(JournalError) {
    self.files = files
    do {
      let names = try files.list()
      quarantinedFiles = names.filter { $0.hasSuffix(JournalFormat.quarantineSuffix) }.sorted()
      if names.contains(JournalFormat.cursors) { readCursors(try read(JournalFormat.cursors)) }
      for base in names.compactMap({ JournalFormat.segmentBase($0) }).sorted() {
        readSegment(base, try read(JournalFormat.segmentName(base)), each)
      }
    } catch { throw .failed(error) }
  }

  private func read(_ name: String) throws(SystemError) -> Bytes {
    let file = try files.open(name)
    return try file.salvagedBytes(count: try file.size())
  }

  private mutating func readCursors(_ bytes: Bytes) {
    guard case .cursors(let file) = CursorsFile.read(bytes.span) else {
      areCursorsDamaged = true
      return
    }
    id = file.id
    positions = file.positions.map { Position(sink: $0.key.sink, signal: $0.key.signal, sequence: $0.value) }
      .sorted { ($0.sink, $0.signal) < ($1.sink, $1.signal) }
  }

  private mutating func readSegment(_ base: UInt64, _ bytes: Bytes, _ each: (Record) -> Void) {
    var segment = Segment(name: JournalFormat.segmentName(base), bytes: bytes.count)
    guard case .header(let header) = SegmentHeader.read(bytes.span) else {
      segment.damagedBytes = bytes.count
      segments.append(segment)
      return
    }
    id = header.id
    let expected = segments.last { $0.last != nil }?.last.map { $0 + 1 } ?? base
    var scan = SegmentScan(coder: FrameCoder(id: header.id), base: base, expected: expected)
    loop: while true {
      switch scan.next(in: bytes.span) {
      case .record(let frame, let missing):
        segment.missingRecords += missing
        take(frame, of: bytes, &segment, each)
      case .damage(let range): segment.damagedBytes += range.count
      case .rest(let range): segment.trailingBytes += range.count
      case .end: break loop
      }
    }
    segments.append(segment)
  }

  private mutating func take(_ frame: Frame, of bytes: Bytes, _ segment: inout Segment, _ each: (Record) -> Void) {
    segment.records += 1
    segment.items += frame.itemCount
    segment.first = segment.first ?? frame.sequence
    segment.last = frame.sequence
    segment.oldestUnixNano = segment.oldestUnixNano ?? frame.acceptedUnixNano
    segment.newestUnixNano = frame.acceptedUnixNano
    let routes = bytes.slice(frame.routesStart..<frame.payloadStart)
    let sinks = FrameCoder.sinks(routes.span)
    for index in positions.indices
    where positions[index].sequence <= frame.sequence && positions[index].signal == frame.signal
      && sinks.contains(positions[index].sink)
    {
      positions[index].pendingRecords += 1
      positions[index].pendingItems += frame.itemCount
      positions[index].pendingBytes += frame.payloadCount
    }
    let payload = bytes.slice(frame.payloadStart..<frame.payloadStart + frame.payloadCount)
    each(
      Record(
        sequence: frame.sequence, signal: frame.signal, itemCount: frame.itemCount, sinks: sinks,
        acceptedUnixNano: frame.acceptedUnixNano, payload: payload))
  }
}
