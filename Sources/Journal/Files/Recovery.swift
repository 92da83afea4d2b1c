// Opens a journal directory after whatever happened to it, and always comes to a journal that works.

// # Rules
// R1  What was acknowledged and is undamaged is kept; what is damaged is put aside and counted; neither stops a start.
// R2  Bytes behind the last record of the newest file were never acknowledged: at most one batch is not yet durable.
//     They are cut off.
// R3  Nothing is ever appended to a file of an earlier life.
// R4  What is served is durable first: the newest file and the directory are synced.
// R5  The next sequence number is above every record and every cursor.

internal import Bytes
internal import System

/// A segment file as the running journal knows it.
struct Segment: Equatable {
  /// The sequence number of its first record.
  let base: UInt64
  /// The sequence number of its last record.
  var last: UInt64
  /// What its records take of the journal's bound.
  var charge: Int

  var name: String { JournalFormat.segmentName(base) }
}

/// What a start found.
package struct RecoveryReport: Sendable, Equatable {
  package var records = 0
  package var items = 0
  /// Bytes cut off behind the last record of the newest file.
  package var truncatedBytes = 0
  /// Bytes that are no records and were put aside.
  package var quarantinedBytes = 0
  /// Sequence numbers that were written and are gone.
  package var missingRecords: UInt64 = 0
  /// Whether the file of the cursors could not be read: every sink gets again what is there.
  package var cursorsLost = false
}

/// A record found in a file.
struct RecoveredRecord {
  let frame: Frame
  let routes: [String]
}

struct Recovery {
  private let files: any FileSystem
  private let relaxations: Relaxations
  private(set) var report = RecoveryReport()
  private(set) var segments: [Segment] = []
  private(set) var cursors: CursorsFile
  /// Above every record (R5).
  private(set) var next: UInt64 = 1
  /// The lowest sequence number that the files account for.
  private(set) var oldest: UInt64?
  /// Files of another version: nothing is changed then.
  private var refusal: JournalError?

  var id: JournalID { cursors.id }

  /// The most that is kept aside; damage beyond it is counted and let go.
  private static let quarantineBytesMax = 64 << 20

  /// Reads the directory, and hands each record over in sequence order.
  init(
    _ files: any FileSystem, relaxations: Relaxations, take: (RecoveredRecord) -> Void
  ) throws(JournalError) {
    self.files = files
    self.relaxations = relaxations
    cursors = CursorsFile(id: .random(), next: 1)
    do { try run(take) } catch { throw .failed(error) }
    if let refusal { throw refusal }
  }

  private mutating func run(_ take: (RecoveredRecord) -> Void) throws(SystemError) {
    let names = try files.list()
    let bases = names.compactMap { JournalFormat.segmentBase($0) }.sorted()
    let stored = try readCursors(names.contains(JournalFormat.cursors))
    var headers: [(base: UInt64, header: SegmentHeader?)] = []
    for base in bases { headers.append((base, try readHeader(base))) }
    if refusal != nil { return }
    if report.cursorsLost { try quarantineFile(JournalFormat.cursors) }
    // The records are worth more than the cursors: a cursors file of another journal says nothing.
    let id = headers.last { $0.header != nil }?.header?.id ?? stored?.id ?? .random()
    cursors = stored.flatMap { $0.id == id ? $0 : nil } ?? CursorsFile(id: id, next: 1)
    // Files below every cursor may be gone in any subset; what is missing there is no loss.
    let floor = cursors.positions.values.min() ?? 0
    // A later file, whatever is in it, was begun when this one was durable to its end.
    let newest = headers.last?.base
    for (base, header) in headers {
      // Without its header a file still has its name, and its records tell by their checksums whose they are.
      let isOurs = if let header { header.id == id && header.base == base } else { try hasRecords(base) }
      if isOurs {
        try readSegment(base, isNewest: base == newest, floor: floor, take)
        continue
      }
      try quarantineFile(JournalFormat.segmentName(base))
      // A new file must not get its name, in case it could not be renamed.
      if base < JournalFormat.sequenceMax / 2 { next = max(next, base + 1) }
    }
    next = max(next, cursors.next, cursors.positions.values.max() ?? 1)
    try files.syncDirectory()
  }

  private mutating func readCursors(_ isThere: Bool) throws(SystemError) -> CursorsFile? {
    guard isThere else { return nil }
    let bytes = try salvaged(JournalFormat.cursors, upTo: 5 << 20)
    switch CursorsFile.read(bytes.span) {
    case .cursors(let file) where file.next < JournalFormat.sequenceMax: return file
    case .incompatible(let version, let features):
      refusal = .incompatible(file: JournalFormat.cursors, version: version, features: features)
      return nil
    case .cursors, .damaged, .missing:
      report.cursorsLost = true
      return nil
    }
  }

  /// The header of a segment; nil when it is damaged.
  private mutating func readHeader(_ base: UInt64) throws(SystemError) -> SegmentHeader? {
    let name = JournalFormat.segmentName(base)
    let bytes = try salvaged(name, upTo: SegmentHeader.bytes)
    switch SegmentHeader.read(bytes.span) {
    case .header(let header): return header
    case .damaged: return nil
    case .incompatible(let version, let features):
      refusal = .incompatible(file: name, version: version, features: features)
      return nil
    }
  }

  /// Whether there are records of this journal in a file whose header is damaged.
  private func hasRecords(_ base: UInt64) throws(SystemError) -> Bool {
    let bytes = try salvaged(JournalFormat.segmentName(base), upTo: .max)
    var scan = SegmentScan(coder: FrameCoder(id: id, relaxations: relaxations), base: base, expected: base)
    switch scan.next(in: bytes.span) {
    case .record, .damage: return true
    case .rest, .end: return false
    }
  }

  /// The file's first bytes; what the medium does not give back is damage like any other.
  ///
  /// A file that cannot even be opened may be whole, and put aside it would be lost for its sinks: the next start tries
  /// again.
  private func salvaged(_ name: String, upTo count: Int) throws(SystemError) -> Bytes {
    let file: any File
    do throws(SystemError) { file = try files.open(name) } catch {
      if error.isCorruption { return Bytes() }
      throw error
    }
    return try file.salvagedBytes(count: min(try file.size(), count))
  }

  // MARK: One segment

  private mutating func readSegment(
    _ base: UInt64, isNewest: Bool, floor: UInt64, _ take: (RecoveredRecord) -> Void
  ) throws(SystemError) {
    let name = JournalFormat.segmentName(base)
    let bytes = try salvaged(name, upTo: .max)
    // What is missing before the first segment is known when a cursor is opened that stood there.
    let expected = segments.last.map { $0.last + 1 } ?? base
    var scan = SegmentScan(coder: FrameCoder(id: id, relaxations: relaxations), base: base, expected: expected)
    var reading = Reading()
    loop: while true {
      switch scan.next(in: bytes.span) {
      case .record(let frame, let missing):
        if segments.isEmpty, reading.last == nil, reading.group.isEmpty {
          // What is missing in the file itself is in the report, and is not to be counted again by a cursor.
          oldest = frame.sequence - min(frame.sequence, UInt64(frame.skipped) + missing)
        }
        if frame.sequence > floor { report.missingRecords += min(missing, frame.sequence - floor) }
        let routes = bytes.slice(frame.routesStart..<frame.payloadStart)
        reading.group.append(RecoveredRecord(frame: frame, routes: FrameCoder.sinks(routes.span)))
        if !frame.groupGoesOn { flush(&reading, take) }
      case .damage(let range):
        flush(&reading, take)
        try quarantine(bytes.slice(range), of: name, at: range.lowerBound)
      case .rest(let range):
        // The cursors were stored when everything below their `next` was durable.
        if isNewest, scan.expected >= cursors.next {
          report.truncatedBytes += range.count
        } else {
          try quarantine(bytes.slice(range), of: name, at: range.lowerBound)
        }
      case .end: break loop
      }
    }
    // A group without its end was never acknowledged (R2); in an older file it was, and its end is damaged.
    if !isNewest { flush(&reading, take) }
    next = max(next, scan.expected, base)
    guard let last = reading.last else { return try files.remove(name) }
    segments.append(Segment(base: base, last: last, charge: reading.charge))
    guard isNewest else { return }
    let file = try files.open(name)
    if reading.end < bytes.count { try file.truncate(to: reading.end) }
    try file.sync()
  }

  /// What is known of a segment while it is read.
  private struct Reading {
    /// Records of a group whose end was not seen yet.
    var group: [RecoveredRecord] = []
    /// The end of the last whole group.
    var end = SegmentHeader.bytes
    var last: UInt64?
    var charge = 0
  }

  private mutating func flush(_ reading: inout Reading, _ take: (RecoveredRecord) -> Void) {
    for record in reading.group {
      take(record)
      report.records += 1
      report.items += record.frame.itemCount
      reading.charge += JournalSettings.charge(
        payload: record.frame.payloadCount, routes: record.frame.routesCount)
      reading.last = record.frame.sequence
      reading.end = record.frame.end
    }
    reading.group.removeAll()
  }

  // MARK: Damage

  private mutating func quarantine(_ bytes: Bytes, of name: String, at offset: Int) throws(SystemError) {
    report.quarantinedBytes += bytes.count
    guard report.quarantinedBytes <= Recovery.quarantineBytesMax else { return }
    let copy = "\(name).\(offset)\(JournalFormat.quarantineSuffix)"
    // Kept for people to look at: no reason to fail, and the copy of an earlier start is the same.
    guard let file = try? files.create(copy) else { return }
    try? file.write(bytes.span, at: 0)
  }

  private mutating func quarantineFile(_ name: String) throws(SystemError) {
    let size = try? files.open(name).size()
    report.quarantinedBytes += size ?? 0
    // A file that was made and never written to is no damage.
    if size == 0 { return try files.remove(name) }
    // Where it stays when there is no room for the new name, nobody minds it.
    do { try files.rename(name, to: name + JournalFormat.quarantineSuffix) } catch {
      guard error.isOutOfSpace || error.isMediumFailure else { throw error }
    }
  }
}
