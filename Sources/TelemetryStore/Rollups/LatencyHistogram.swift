// Durations counted in exponential buckets, so that percentiles of many minutes and files add up.

package import Bytes
internal import Glibc

/// An exponential histogram of nanoseconds, scale 5: bucket `i` holds durations from `2^(i/32)` to `2^((i+1)/32)` µs.
///
/// The buckets are those of OTLP's exponential histogram at scale 5, seen from a microsecond. Shorter durations count
/// in the first bucket, those from an hour on in the last. Merging adds counts, so it is exact in any order; a quantile
/// is off by at most 1.08 % of itself, (2^(1/32) - 1) / (2^(1/32) + 1), between a microsecond and an hour.
package struct LatencyHistogram: Sendable, Equatable {
  /// Buckets between 1 µs and 1 h, and the one that holds an hour.
  package static let bucketsMax = 1015
  private static let bucketsPerDoubling = 32.0

  /// Counts of the buckets `first ..< first + counts.count`.
  package private(set) var counts: [UInt64] = []
  package private(set) var first = 0

  package init() {}

  /// The bucket of a duration in nanoseconds.
  package static func bucket(of nanoseconds: UInt64) -> Int {
    guard nanoseconds > 1000 else { return 0 }
    return min(Int(log2(Double(nanoseconds) / 1000) * bucketsPerDoubling), bucketsMax - 1)
  }

  /// The duration, in nanoseconds, that stands for a bucket: it has the same relative distance to both bounds.
  package static func middle(of bucket: Int) -> Double {
    let (low, high) = (exp2(Double(bucket) / bucketsPerDoubling), exp2(Double(bucket + 1) / bucketsPerDoubling))
    return 2000 * low * high / (low + high)
  }

  /// How many durations are counted.
  package var count: UInt64 { counts.reduce(0, &+) }

  package mutating func add(bucket: Int, count: UInt64 = 1) {
    precondition(bucket >= 0 && bucket < LatencyHistogram.bucketsMax, "a bucket comes from `bucket(of:)`")
    if counts.isEmpty { first = bucket }
    if bucket < first {
      counts.insert(contentsOf: repeatElement(0, count: first - bucket), at: 0)
      first = bucket
    }
    while bucket - first >= counts.count { counts.append(0) }
    counts[bucket - first] &+= count
  }

  package mutating func merge(_ other: LatencyHistogram) {
    for (offset, count) in other.counts.enumerated() where count > 0 { add(bucket: other.first + offset, count: count) }
  }

  /// The duration in nanoseconds below which the share `quantile` (0 … 1) of the durations lies; nil when empty.
  package func quantile(_ quantile: Double) -> Double? {
    let total = count
    guard total > 0 else { return nil }
    // The rank of the nearest-rank method: the smallest duration with at least this share at or below it.
    let rank = max(1, UInt64((min(max(quantile, 0), 1) * Double(total)).rounded(.up)))
    var seen: UInt64 = 0
    for (offset, count) in counts.enumerated() {
      seen &+= count
      if seen >= rank { return LatencyHistogram.middle(of: first + offset) }
    }
    return nil
  }

  // MARK: Stored form

  /// A version byte, then varints: the first bucket, and for each bucket its count, or 0 and how many are empty.
  package func append(to buffer: inout ByteBuffer) {
    buffer.append(LatencyHistogram.version)
    buffer.append(varint: UInt64(first))
    var empty = 0
    for count in counts {
      guard count > 0 else {
        empty += 1
        continue
      }
      if empty > 0 {
        buffer.append(varint: 0)
        buffer.append(varint: UInt64(empty))
        empty = 0
      }
      buffer.append(varint: count)
    }
  }

  /// Reads the stored form; nil when the bytes are none.
  package init?(_ bytes: Bytes) {
    guard merge(stored: bytes.span) else { return nil }
  }

  /// Adds a stored histogram without making it first.
  ///
  /// - Returns: false when the bytes are none; a part of them may have been added.
  package mutating func merge(stored span: Span<UInt8>) -> Bool {
    guard span.count > 0, span[0] == LatencyHistogram.version else { return false }
    var offset = 1
    guard var bucket = span.varint(at: &offset), bucket < LatencyHistogram.bucketsMax else { return false }
    if counts.isEmpty { first = Int(bucket) }
    while offset < span.count {
      guard let count = span.varint(at: &offset) else { return false }
      if count > 0 {
        guard bucket < LatencyHistogram.bucketsMax else { return false }
        let index = Int(bucket) - first
        if counts.indices.contains(index) {
          counts[index] &+= count
        } else {
          add(bucket: Int(bucket), count: count)
        }
        bucket += 1
      } else {
        guard let empty = span.varint(at: &offset), empty <= LatencyHistogram.bucketsMax else { return false }
        bucket += empty
      }
    }
    return true
  }

  private static let version: UInt8 = 1
}

extension ByteBuffer {
  fileprivate mutating func append(varint value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(rest))
  }
}

extension Span<UInt8> {
  fileprivate func varint(at offset: inout Int) -> UInt64? {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      guard offset < count else { return nil }
      let byte = self[offset]
      offset += 1
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
    }
    return nil
  }
}
