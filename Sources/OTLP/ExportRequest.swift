// A validated export request: the unit of the journal.

package import Bytes

/// One OTLP export request in its canonical protobuf bytes; whatever reads it afterwards cannot fail.
///
/// Problem: a request arrives in one of two encodings from a stranger, is then read many times by parts of otlpd, and
/// sent to other collectors. Checking it again and again is slow, and one bad record that slips through poisons a
/// batch.
///
/// Idea: the bytes are proved once, here, and kept as they are. Every `ExportRequest` holds:
/// - I1 Every length stays inside its parent; every varint has at most 10 bytes; there are no groups.
/// - I2 Every string field is valid UTF-8.
/// - I3 Trace ids are 16 bytes or empty, span ids 8 bytes or empty.
/// - I4 At most 100 messages lie inside one another, the request included: reference decoders stop there.
/// - I5 Canonical: a singular field occurs at most once, at most one member of a oneof occurs, and a resource or scope
///   precedes what it describes. Lists of numbers may be packed, in one or several pieces, or not.
/// - I6 `itemCount` is the number of spans, log records or data points.
///
/// Unknown fields are kept and mean nothing; a known number with another wire type is an unknown field.
///
///     protobuf ── WireWalker ──────────────┬── canonical ───────────── the body's own bytes
///     JSON ────── JSONTranscoder ──────────┤
///                                          └── not ── Canonicalizer ── rewritten bytes, items dropped
///
/// What breaks I1, I2 or I4, or JSON's grammar, refuses the request. What breaks I3 costs the item, what breaks I5 is
/// mended. Rejected: decoding into objects (20 times the cost of the walk), and refusing what protobuf allows.
package struct ExportRequest: Sendable {
  package let signal: Signal
  /// The canonical protobuf bytes of the Export*ServiceRequest.
  package let payload: Bytes
  /// Spans, log records or data points in the request (I6).
  package let itemCount: Int
  /// Items dropped at the door, to be answered as `partial_success`.
  package let rejected: Rejection?
  /// What was accepted although a client should not send it.
  package let leniencies: Leniencies

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

  /// Departures from OTLP that lose nothing, counted so that their senders can be found.
  package struct Leniencies: Sendable, Equatable {
    /// Trace and span ids in JSON that were base64 instead of hex.
    package let base64IDs: Int

    package init(base64IDs: Int = 0) { self.base64IDs = base64IDs }
  }

  /// Validates a body and keeps it as canonical protobuf.
  ///
  /// Any thread; costs one pass over protobuf, which keeps the body's own bytes, or one pass over JSON and an output
  /// block of its own size. A request that is not canonical costs a second, slower pass.
  /// - Throws: `DecodeError` when the client's bytes break I1, I2, I4 or the JSON grammar.
  package init(decoding body: Bytes, as encoding: Encoding, signal: Signal) throws(DecodeError) {
    switch encoding {
    case .protobuf: try self.init(protobuf: body, signal: signal, leniencies: Leniencies())
    case .json: try self.init(json: body, signal: signal)
    }
  }

  /// Validates bytes that were stored as a request's `payload`.
  ///
  /// Any thread; costs one pass.
  /// - Throws: `DecodeError` when the bytes are not what was stored.
  package init(stored payload: Bytes, signal: Signal) throws(DecodeError) {
    try self.init(protobuf: payload, signal: signal, leniencies: Leniencies())
  }

  /// Guards the invariants: only what this file has proved comes here.
  private init(signal: Signal, payload: Bytes, itemCount: Int, rejected: Rejection?, leniencies: Leniencies) {
    self.signal = signal
    self.payload = payload
    self.itemCount = itemCount
    self.rejected = rejected
    self.leniencies = leniencies
  }

  private init(protobuf body: Bytes, signal: Signal, leniencies: Leniencies) throws(DecodeError) {
    var walker = WireWalker()
    // Safe: the walker reads inside the body and at most `Bytes.padding` bytes behind it.
    let refusal = unsafe body.withUnsafePaddedBytes { (base, count) -> DecodeError? in
      let start = unsafe InputPosition(base)
      do throws(Refusal) {
        try walker.walk(start, until: start + count, message: MessageKind.request(of: signal).rawValue, depth: 1)
        return nil
      } catch {
        return DecodeError(error, protobuf: body.span, base: start.address, signal: signal)
      }
    }
    if let refusal { throw refusal }
    if walker.isCanonical {
      self.init(
        signal: signal, payload: body, itemCount: walker.itemCount, rejected: nil, leniencies: leniencies)
    } else {
      let canonical = Canonicalizer.rewrite(body, signal: signal)
      self.init(
        signal: signal, payload: canonical.payload, itemCount: canonical.itemCount, rejected: canonical.rejected,
        leniencies: leniencies)
    }
  }

  private init(json body: Bytes, signal: Signal) throws(DecodeError) {
    let text = body.endingWithZero
    let transcoder = JSONTranscoder.forThisThread
    let transcoded: Bytes
    do throws(Refusal) {
      transcoded = try transcoder.transcode(text, signal: signal)
    } catch {
      // Safe: the pointer is used as a number only.
      let base = unsafe text.withUnsafePaddedBytes { base, _ in UInt(bitPattern: base) }
      throw DecodeError(error, json: text.span, base: base)
    }
    let leniencies = Leniencies(base64IDs: transcoder.base64IDs)
    if transcoder.isCanonical {
      self.init(
        signal: signal, payload: transcoded, itemCount: transcoder.itemCount, rejected: nil, leniencies: leniencies)
    } else {
      try self.init(protobuf: transcoded, signal: signal, leniencies: leniencies)
    }
  }
}

extension Bytes {
  /// The same bytes followed by a zero byte: those behind the end of a whole allocation are, a slice is copied.
  fileprivate var endingWithZero: Bytes {
    // Safe: `padding` bytes behind the end may be read.
    let isFollowedByZero = unsafe withUnsafePaddedBytes { base, count in unsafe base[count] == 0 }
    return isFollowedByZero ? self : Bytes(copying: span)
  }
}
