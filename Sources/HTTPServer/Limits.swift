// Every bound of the HTTP server, in one place.

/// How much a client may ask for: sizes in bytes, counts, and times.
package struct Limits: Sendable {
  // MARK: Sizes

  /// The largest request body, as sent and again after decompression; 413 above it.
  /// OTLP/HTTP "OTLP/HTTP Request" recommends 64 MiB.
  package var bodyBytesMax = 64 << 20
  /// The longest request line; 414 above it.
  package var requestLineBytesMax = 8 << 10
  /// The largest request line and header fields together; 431 above it. One field may take all of it.
  package var headBytesMax = 64 << 10
  /// The most header fields; 431 above it.
  package var fieldsMax = 100
  /// The longest extension of one chunk (RFC 9112 section 7.1.1); 400 above it.
  package var chunkExtensionBytesMax = 256
  /// The largest trailer section (RFC 9112 section 7.1.2); 431 above it.
  package var trailerBytesMax = 8 << 10
  /// How much of the next requests is read while one is being answered.
  package var pipelinedBytesMax = 64 << 10
  /// How many bytes of answers may wait for a slow reader before its next request is looked at.
  package var unsentBytesMax = 16 << 10
  /// The largest body that is taken without reserving memory: it costs no more than its connection.
  package var unreservedBodyBytesMax = 4 << 10

  // MARK: Forms

  /// What bodies may be packed with; 415 for anything else.
  package var contentCodings: [ContentCoding] = [.identity, .gzip, .deflate, .zlib, .zstd]

  // MARK: Counts

  /// The most connections open at once, on all listeners; 503 above it.
  package var connectionsMax = 10_000
  /// The most connections from one IPv4 address or IPv6 /64; 503 above it. nil: 1000, and no limit for this machine
  /// itself, where proxies run.
  package var connectionsPerAddressMax: Int?
  /// How many refused connections stay until they have read why.
  package var lingeringRefusalsMax = 256

  // MARK: Times

  /// From the connection to the end of the TLS handshake.
  package var handshakeTime = Duration.seconds(10)
  /// From the first byte of a request to the end of its header; 408 after it.
  package var headTime = Duration.seconds(10)
  /// For a body, extended by one second for every `bodyBytesPerSecondMin` bytes received, but never to more than this
  /// from now on, so that nobody saves time up; 408 after it.
  package var bodyTime = Duration.seconds(30)
  /// The slowest sender that is served to the end of a large body.
  package var bodyBytesPerSecondMin = 16 << 10
  /// How long a connection may be quiet between requests.
  package var idleTime = Duration.seconds(60)
  /// How long a request may wait for its answer from the handler; 503 after it.
  package var answerTime = Duration.seconds(60)
  /// How long a request may wait for memory before its body is read, and again before it is unpacked; 503 after it.
  package var holdTime = Duration.seconds(2)
  /// How long a reader may take none of an answer.
  package var writeTime = Duration.seconds(30)
  /// How long a refused client may go on sending before the connection closes.
  package var lingerTime = Duration.seconds(5)
  /// How many bytes of a refused client are read and thrown away.
  package var lingerBytesMax = 256 << 20

  // MARK: HTTP/2

  /// How many requests one connection may have in flight; further ones are refused, and gRPC clients wait (RFC 9113
  /// section 5.1.2).
  package var streamsMax = 100
  /// The largest header list of one request, with 32 bytes for each field (RFC 9113 section 6.5.2); 431 above it.
  package var headerListBytesMax = 16 << 10
  /// How much of one request's body, and of all bodies of a connection, may be on its way unasked.
  package var streamWindowBytes = 256 << 10
  package var connectionWindowBytes = 1 << 20
  /// Frames of a connection that carry no telemetry: so many at once, and so many per second; GOAWAY above it.
  package var controlFramesMax = 200
  package var controlFramesPerSecond = 20
  /// Requests of a connection that were reset: so many at once, and so many per second; GOAWAY above it.
  package var resetsMax = 200
  package var resetsPerSecond = 20
  package var keepalive = Keepalive()

  /// How the life of a quiet or old HTTP/2 connection is bounded; nil for never.
  package struct Keepalive: Sendable, Equatable {
    /// A connection without requests is told to go after this time.
    package var idleMax: Duration? = .seconds(600)
    /// A connection is told to go at this age, and closed when the grace is over, too.
    package var ageMax: Duration?
    package var ageGrace: Duration?
    /// A peer that sent nothing for so long is asked for a sign of life, and has so much time for it.
    package var pingAfter = Duration.seconds(7200)
    package var pingTimeout = Duration.seconds(20)
    /// A peer that asks for signs of life more often than this is told to go; nil for what `controlFramesMax` bears.
    package var pingIntervalMin: Duration?
    /// Whether it may ask while it has no requests in flight.
    package var allowsIdlePings = true

    package init() {}
  }

  package init() {}

  /// The most connections from one network address.
  func connectionsPerAddress(isLocal: Bool) -> Int { connectionsPerAddressMax ?? (isLocal ? .max : 1000) }
}
