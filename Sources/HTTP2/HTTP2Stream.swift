// One stream of a session: a request's header and body as they arrive, and the answer as it leaves.

package import Bytes

/// A header field, its name in lower case (RFC 9113 section 8.2).
package struct HTTP2Field: Sendable {
  package let name: String
  package let value: String

  package init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// A request's complete header list as lines, `name: value CR LF`; `:authority` is called `host`.
package struct HTTP2Head: Sendable {
  package var lines = Bytes()
  /// Where the values of the pseudo fields are in `lines`.
  package var methodRange = 0..<0
  package var pathRange = 0..<0
  /// Larger than the settings allow: what follows the limit is missing.
  package var isTooLarge = false
}

/// A stream, for as long as it is open. Belongs to its session's thread.
package final class HTTP2Stream {
  package let id: Int32
  package internal(set) var head = HTTP2Head()
  /// The body so far; nothing once it was too large.
  package internal(set) var body = ByteBuffer()
  /// More body has arrived than the settings allow.
  package internal(set) var isBodyTooLarge = false
  /// The peer sends nothing more on it.
  package internal(set) var hasEnded = false
  /// An answer was handed to the session, or the stream was reset.
  package internal(set) var isAnswered = false
  /// The session has forgotten the stream.
  package internal(set) var isClosed = false

  // What the session's owner remembers of the stream.

  /// When what the stream waits for began, and when it has to be done, in nanoseconds.
  package var start: UInt64 = 0
  package var deadline = UInt64.max
  /// Whether the body is one message behind its length; nil before the header list was looked at.
  package var isFramed: Bool?

  /// Received bytes for which no window has been granted yet, and those for which only the connection's has.
  var heldBytes = 0
  var heldBackBytes = 0
  /// Where the stream is in the session's list.
  var slot = 0
  var answerBody = Bytes()
  var answerOffset = 0
  var trailers: [HTTP2Field] = []

  init(id: Int32) { self.id = id }

  /// Hands the body over.
  package func takeBody() -> Bytes {
    if body.isEmpty { return Bytes() }
    let complete = exchange(&body, with: ByteBuffer())
    return complete.finishTight()
  }

  /// The body is not needed any more.
  package func dropBody() { body = ByteBuffer() }

  /// Makes room for `total` bytes of body. What has not arrived yet takes no memory.
  package func expectBody(_ total: Int) { body.reserve(total: total) }
}
