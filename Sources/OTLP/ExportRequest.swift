// A validated export request: the unit of the journal.

package import Bytes

/// One OTLP export request in its canonical protobuf bytes; whatever reads it afterwards cannot fail.
package struct ExportRequest: Sendable {
  package let signal: Signal
  /// The canonical protobuf bytes of the Export*ServiceRequest.
  package let payload: Bytes
  /// Spans, log records or data points in the request (I6).
  package let itemCount: Int
  /// Items dropped at the door, to be answered as `partial_success`.
  package let rejected: Rejection?

  /// Items that were dropped from a request, or a warning about it when `itemCount` is zero.
  package struct Rejection: Sendable, Equatable {
    package let itemCount: Int
    /// In English, for the client's developer.
    package let message: String

    package init(itemCount: Int, message: String) {
      self.itemCount = itemCount
      self.message = message
    }
  }

  /// Validates a body and keeps it as canonical protobuf.
  ///
  /// Any thread; costs one pass over protobuf, one pass and one output buffer for JSON.
  /// - Throws: `DecodeError` when the client's bytes break I1, I2, I4 or the JSON grammar.
  package init(decoding body: Bytes, as encoding: Encoding, signal: Signal) throws(DecodeError) {
    throw DecodeError(path: "", problem: "decoding has not landed yet", byte: 0)
  }
}
