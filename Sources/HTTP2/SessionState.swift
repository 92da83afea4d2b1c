// What the callbacks of a session write down, for its owner to read when the library has returned.

internal import Bytes

/// Something that happened to a stream while bytes were received.
package struct HTTP2Event {
  package enum Kind: Sendable {
    /// The header list is complete; the body follows.
    case head
    /// A part of the body has arrived, and more follows.
    case data
    /// The request is complete.
    case ended
    /// The stream is gone: reset, or answered to its end.
    case closed
  }

  package let kind: Kind
  package let stream: HTTP2Stream

  package init(kind: Kind, stream: HTTP2Stream) {
    self.kind = kind
    self.stream = stream
  }
}

/// The session's memory besides libnghttp2's own. One thread at a time.
struct SessionState: ~Copyable {
  let settings: HTTP2Settings
  var events: [HTTP2Event] = []
  var streams: [HTTP2Stream] = []
  var now: UInt64
  var controlFrames: TokenBucket
  var resets: TokenBucket
  /// Why the session was ended, when it was.
  var offence: HTTP2Offence?
  /// A PING of ours was answered.
  var wasPingAnswered = false
  /// PINGs of the peer since the owner looked last.
  var pingCount = 0

  // The header block that is arriving; blocks never interleave (RFC 9113 section 4.3).
  private var head = HTTP2Head()
  private var lines = ByteBuffer()
  private var listBytes = 0
  private var fieldCount = 0
  /// Whether the block begins a request; trailers are checked and thrown away.
  private var isRequest = false

  /// Header lists this many times as large as allowed end the connection.
  private static let headerExcessMax = 64

  init(_ settings: HTTP2Settings, now: UInt64) {
    self.settings = settings
    self.now = now
    controlFrames = TokenBucket(settings.controlFrames, at: now)
    resets = TokenBucket(settings.resets, at: now)
  }

  // MARK: Streams

  mutating func open(_ id: Int32) -> HTTP2Stream {
    let stream = HTTP2Stream(id: id)
    stream.slot = streams.count
    stream.start = now
    streams.append(stream)
    return stream
  }

  mutating func close(_ stream: HTTP2Stream) {
    stream.isClosed = true
    stream.body = ByteBuffer()
    let last = streams.removeLast()
    if last !== stream {
      last.slot = stream.slot
      streams[stream.slot] = last
    }
    events.append(HTTP2Event(kind: .closed, stream: stream))
  }

  // MARK: Header lists

  mutating func beginHead(isRequest: Bool) {
    head = HTTP2Head()
    lines.removeAll()
    listBytes = 0
    fieldCount = 0
    self.isRequest = isRequest
  }

  /// Keeps one field.
  ///
  /// - Returns: false when the peer has gone far beyond what is allowed.
  mutating func addField(_ name: Span<UInt8>, _ value: Span<UInt8>) -> Bool {
    // RFC 9113 section 6.5.2: how a list's size is counted.
    listBytes += name.count + value.count + 32
    fieldCount += 1
    if listBytes > settings.headerListBytesMax || fieldCount > settings.headerFieldsMax {
      head.isTooLarge = true
      return listBytes <= settings.headerListBytesMax * SessionState.headerExcessMax
    }
    guard isRequest else { return true }
    if name.equals(":authority") { lines.append("host" as StaticString) } else { lines.append(name) }
    lines.append(": " as StaticString)
    let start = lines.count
    lines.append(value)
    if name.equals(":method") { head.methodRange = start..<lines.count }
    if name.equals(":path") { head.pathRange = start..<lines.count }
    lines.append("\r\n" as StaticString)
    return true
  }

  mutating func takeHead() -> HTTP2Head {
    head.lines = Bytes(copying: lines.span)
    return head
  }

  // MARK: Bodies

  func add(_ data: Span<UInt8>, to stream: HTTP2Stream) {
    stream.heldBytes += data.count
    if stream.isAnswered || stream.isBodyTooLarge { return }
    if data.count > settings.bodyBytesMax - stream.body.count {
      stream.isBodyTooLarge = true
      stream.body = ByteBuffer()
    } else {
      // Most bodies fit into the window, and get their memory at once.
      if stream.body.isEmpty, let total = settings.announcedLength?(data), total > data.count {
        stream.body.reserve(total: min(total, settings.streamWindowBytes))
      }
      stream.body.append(data)
    }
  }
}
