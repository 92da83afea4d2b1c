// `otlpd journal`: looks into a journal's directory offline.

internal import Bytes
internal import Journal
internal import OTLP
internal import System

/// Prints what a journal's files hold; changes nothing.
enum JournalTool {
  enum Action {
    /// What is there, file by file and sink by sink.
    case inspect
    /// Whether anything is damaged; status 1 says yes.
    case verify
    /// Every request as a line of OTLP JSON.
    case export
  }

  /// - Parameter directory: nil: `journal` in the data directory of the environment.
  /// - Returns: the exit status.
  static func run(_ action: Action, directory: String?) -> Int32 {
    let environment = ProcessStatistics.environment
    let path = directory ?? DataDirectory.resolve(flag: nil, environment: environment) + "/journal"
    do {
      var invalid = 0
      let inspection = try JournalInspection(DiskDirectory(path: path)) { record in
        if case .export = action, !print(record) { invalid += 1 }
      }
      switch action {
      case .inspect: describe(inspection, path)
      case .verify: return verify(inspection, path)
      case .export: break
      }
      if invalid > 0 {
        StandardStream.error.write("\(invalid) records are no OTLP requests of this version, and were left out.\n")
      }
      return ExitStatus.success.rawValue
    } catch {
      StandardStream.error.write("otlpd journal: \(error). Name the journal's directory.\n")
      return ExitStatus.diskFailure.rawValue
    }
  }

  /// - Returns: whether the record was a request.
  private static func print(_ record: JournalInspection.Record) -> Bool {
    guard let signal = Signal(rawValue: record.signal),
      let request = try? ExportRequest(stored: record.payload, signal: signal)
    else { return false }
    var line = ByteBuffer(capacity: record.payload.count * 2)
    request.appendJSON(to: &line)
    line.append(UInt8(ascii: "\n"))
    StandardStream.output.write(line.finish().text)
    return true
  }

  private static func describe(_ inspection: JournalInspection, _ path: String) {
    var text = "journal \(path), id \(inspection.id.map { String($0.bits, radix: 16) } ?? "unknown")\n"
    for segment in inspection.segments {
      text += "\(segment.name): \(segment.bytes) bytes, \(segment.records) requests, \(segment.items) items"
      if let first = segment.first, let last = segment.last { text += ", sequence \(first) to \(last)" }
      if let oldest = segment.oldestUnixNano, let newest = segment.newestUnixNano {
        text += ", accepted \(time(oldest)) to \(time(newest))"
      }
      text += damage(segment) + "\n"
    }
    for position in inspection.positions {
      let signal = Signal(rawValue: position.signal)?.name ?? "signal \(position.signal)"
      text += "\(position.sink) \(signal): at \(position.sequence), pending \(position.pendingRecords) requests, "
      text += "\(position.pendingItems) items, \(position.pendingBytes) bytes\n"
    }
    if inspection.areCursorsDamaged { text += "cursors: damaged; every sink would get again what is there\n" }
    for name in inspection.quarantinedFiles { text += "\(name): damaged bytes that a start put aside\n" }
    StandardStream.output.write(text)
  }

  private static func damage(_ segment: JournalInspection.Segment) -> String {
    var text = ""
    if segment.damagedBytes > 0 { text += ", DAMAGED \(segment.damagedBytes) bytes" }
    if segment.missingRecords > 0 { text += ", MISSING \(segment.missingRecords) requests" }
    if segment.trailingBytes > 0 { text += ", \(segment.trailingBytes) bytes behind the last request" }
    return text
  }

  private static func verify(_ inspection: JournalInspection, _ path: String) -> Int32 {
    guard inspection.isDamaged else {
      let records = inspection.segments.reduce(0) { $0 + $1.records }
      StandardStream.output.write("\(path): \(records) requests, no damage\n")
      return ExitStatus.success.rawValue
    }
    describe(inspection, path)
    StandardStream.output.write("\(path): damaged. otlpd starts all the same, and counts what is lost.\n")
    return 1
  }

  private static func time(_ unixNano: UInt64) -> String { UTCTime(unixNanoseconds: unixNano).timestamp }
}
