// When a file is put aside, under which name, and which of those are kept.

internal import System

/// The Collector's `rotation`: `traces.jsonl` becomes `traces-2026-11-21T05-06-07.123.jsonl`.
package struct FileRotation: Sendable, Equatable {
  /// A batch that would make the file larger goes into the next one.
  package var bytesMax: Int
  /// Days that older files are kept; 0: for ever.
  package var daysMax: Int
  /// Older files that are kept; 0: all.
  package var backupsMax: Int

  package init(bytesMax: Int, daysMax: Int = 0, backupsMax: Int = 0) {
    self.bytesMax = bytesMax
    self.daysMax = daysMax
    self.backupsMax = backupsMax
  }

  /// A name for the file that is full, which no other has: the moment in UTC.
  func backup(of name: String, now: UInt64, among names: [String]) -> String {
    let (stem, ending) = FileRotation.parts(of: name)
    var moment = now
    while true {
      let backup = "\(stem)-\(FileRotation.stamp(moment))\(ending)"
      if !names.contains(backup) { return backup }
      moment += 1_000_000
    }
  }

  /// The older files that are too many or too old.
  func surplus(in names: [String], of name: String, now: UInt64) -> [String] {
    let (stem, ending) = FileRotation.parts(of: name)
    let stamps = names.compactMap { FileRotation.stamp(in: $0, stem, ending) }.sorted(by: >)
    let age = UInt64(daysMax) * 86_400_000_000_000
    let oldest = daysMax > 0 && age < now ? FileRotation.stamp(now - age) : ""
    let kept = stamps.prefix(backupsMax > 0 ? backupsMax : .max).prefix { $0 >= oldest }
    return stamps.dropFirst(kept.count).map { "\(stem)-\($0)\(ending)" }
  }

  /// The name up to its last point, and the rest.
  private static func parts(of name: String) -> (stem: Substring, ending: Substring) {
    let point = name.lastIndex(of: ".") ?? name.endIndex
    return (name[..<point], name[point...])
  }

  /// `2026-11-21T05-06-07.123`: sorts as the time does.
  private static func stamp(_ moment: UInt64) -> String {
    String(UTCTime(unixNanoseconds: moment).timestamp.dropLast().map { $0 == ":" ? "-" : $0 })
  }

  /// The stamp in the name of an older file; nil for another file.
  private static func stamp(in name: String, _ stem: Substring, _ ending: Substring) -> String? {
    guard name.hasPrefix("\(stem)-"), name.hasSuffix(ending), name.count > stem.count + ending.count else { return nil }
    let stamp = name.dropFirst(stem.count + 1).dropLast(ending.count)
    let shape = stamp.map { $0.isASCII && $0.isNumber ? "0" : $0 }
    return String(shape) == "0000-00-00T00-00-00.000" ? String(stamp) : nil
  }
}
