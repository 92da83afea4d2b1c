// How long a gRPC server asks to be left alone: google.rpc.RetryInfo in the details of a google.rpc.Status.

package import Bytes

/// OTLP/gRPC "Throttling": RetryInfo makes RESOURCE_EXHAUSTED retryable, and its delay is honoured.
package enum RetryInfo {
  private static let type = "type.googleapis.com/google.rpc.RetryInfo"

  /// The delay that a serialised Status asks for, zero when it is negative; nil when it has no RetryInfo.
  package static func delay(in status: Bytes) -> Duration? {
    let span = status.span
    var details: [Range<Int>] = []
    // Status.details, a list of google.protobuf.Any.
    guard span.forEachReplyField({ if $0 == 3, case .content(let range) = $1 { details.append(range) } }) else {
      return nil
    }
    for detail in details {
      var (name, value): (String, Range<Int>) = ("", detail.lowerBound..<detail.lowerBound)
      let isAny = span.forEachReplyField(in: detail) { number, content in
        guard case .content(let range) = content else { return }
        if number == 1 { name = status.slice(range).text } else if number == 2 { value = range }
      }
      if isAny, name == type { return delay(in: value, span) }
    }
    return nil
  }

  /// RetryInfo.retry_delay, a google.protobuf.Duration.
  private static func delay(in info: Range<Int>, _ span: Span<UInt8>) -> Duration {
    var (seconds, nanoseconds): (Int64, Int64) = (0, 0)
    _ = span.forEachReplyField(in: info) { number, content in
      guard number == 1, case .content(let range) = content else { return }
      _ = span.forEachReplyField(in: range) { number, content in
        guard case .varint(let value) = content else { return }
        if number == 1 {
          seconds = Int64(bitPattern: value)
        } else if number == 2 {
          nanoseconds = Int64(bitPattern: value)
        }
      }
    }
    return max(.zero, .seconds(seconds) + .nanoseconds(nanoseconds))
  }
}
