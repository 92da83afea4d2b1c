// What stands behind the question mark of a query's address.

internal import Config
internal import System
package import TelemetryStore

/// The parameters of one request, decoded.
package struct QueryParameters: Sendable {
  private let pairs: [(name: String, value: String)]

  /// Parameters that are decoded already.
  package init(_ pairs: [(name: String, value: String)]) { self.pairs = pairs }

  /// - Parameter query: as in the request's target.
  package init(_ query: String) {
    pairs = query.split(separator: "&").map { pair in
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return (Self.decoded(parts[0]), parts.count > 1 ? Self.decoded(parts[1]) : "")
    }
  }

  /// The first non-empty value of the name.
  package subscript(name: String) -> String? { pairs.first { $0.name == name && !$0.value.isEmpty }?.value }

  package func all(_ name: String) -> [String] { pairs.filter { $0.name == name }.map(\.value) }

  /// Refuses names that the page does not know.
  package func allow(_ names: [String]) throws(QueryError) {
    for pair in pairs where !names.contains(pair.name) {
      throw .invalid("there is no parameter \(pair.name) here; there are \(names.joined(separator: ", "))")
    }
  }

  package func integer(_ name: String, default value: Int, in range: ClosedRange<Int>) throws(QueryError) -> Int {
    guard let text = self[name] else { return value }
    guard let number = Int(text), range.contains(number) else {
      throw .invalid("\(name): expected a number from \(range.lowerBound) to \(range.upperBound), found \(text)")
    }
    return number
  }

  /// Nanoseconds of `250ms`, `1.5s`, `2h`, `7d` or a sum of such.
  package func duration(_ name: String) throws(QueryError) -> Double? {
    guard let text = self[name] else { return nil }
    guard let nanoseconds = Self.nanoseconds(text) else {
      throw .invalid("\(name): expected a duration like 250ms, 1.5s or 2h, found \(text)")
    }
    return nanoseconds
  }

  /// `since=1h`, or `from` and `to`; the last hour when there is none of them.
  ///
  /// - Parameter now: Unix nanoseconds.
  package func window(now: UInt64) throws(QueryError) -> TimeWindow {
    let now = Double(now)
    let to = try time("to", now: now) ?? now
    var from = try time("from", now: now)
    if let since = try duration("since") { from = to - since }
    let limit = 9.2e18
    guard
      let window = TimeWindow(from: Int64(max(0, min(from ?? to - 3.6e12, limit))), to: Int64(max(0, min(to, limit))))
    else { throw .invalid("expected a time range whose start is before its end") }
    return window
  }

  /// Unix seconds, `now`, or `now-15m`.
  private func time(_ name: String, now: Double) throws(QueryError) -> Double? {
    guard let text = self[name] else { return nil }
    if let seconds = Double(text), seconds.isFinite { return seconds * 1e9 }
    if text == "now" { return now }
    if text.hasPrefix("now-"), let ago = Self.nanoseconds(String(text.dropFirst(4))) { return now - ago }
    throw .invalid("\(name): expected Unix seconds, now, or now-15m, found \(text)")
  }

  private static func nanoseconds(_ text: String) -> Double? {
    // Days are not among Go's units.
    if text.hasSuffix("d"), let days = Double(text.dropLast()), days.isFinite, days >= 0 { return days * 8.64e13 }
    return Duration(goSyntax: text).map { Double($0.nanoseconds) }
  }

  /// Undoes percent-encoding, and `+` for a space.
  package static func decoded(_ text: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16),
        rest.count >= 2
      {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
