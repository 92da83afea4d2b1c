// What one side of an HTTP/2 connection allows the other.

/// The bounds that a session enforces by itself, and those that it announces.
package struct HTTP2Settings: Sendable {
  /// How many streams the peer may have open at once (RFC 9113 section 5.1.2); further ones are refused.
  package var streamsMax = 100
  /// The largest header list: names and values together with 32 bytes for each field (RFC 9113 section 6.5.2).
  package var headerListBytesMax = 16 << 10
  /// The most fields of a header list.
  package var headerFieldsMax = 100
  /// The largest body that is kept; more of it is thrown away, and the stream is marked.
  package var bodyBytesMax = 64 << 20
  /// What may arrive on one stream before the session's owner grants more.
  package var streamWindowBytes = 256 << 10
  /// What may arrive on all streams together before the session's owner grants more.
  package var connectionWindowBytes = 1 << 20
  /// How long a body says that it is in its first bytes; what it says is not relied on.
  package var announcedLength: (@Sendable (Span<UInt8>) -> Int?)?
  /// SETTINGS, PING, PRIORITY, WINDOW_UPDATE and empty DATA frames: a burst, and so many per second.
  package var controlFrames = TokenBucket.Rate(burst: 200, perSecond: 20)
  /// Streams that end with RST_STREAM, whoever sends it.
  package var resets = TokenBucket.Rate(burst: 200, perSecond: 20)

  package init() {}
}
