// The server's side of one HTTP/2 connection, without its socket: libnghttp2 behind a safe surface.

package import Bytes
internal import CNGHTTP2

/// Frames, header compression and flow control of one connection (RFC 9113, RFC 7541).
///
/// Bytes that arrive go into `receive`; what they meant is in `takeEvents`; bytes to send come from `write`. Windows
/// are granted with `grant` only, so that whoever holds the received bytes decides how many there may be. One thread at
/// a time. About 30 KiB of memory.
// `@safe`: both pointers are private, made by `init` and freed by `deinit` only.
@safe
package struct HTTP2Session: ~Copyable {
  /// What every client sends first (RFC 9113 section 3.4).
  package static let preface: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

  private let session: OpaquePointer
  private let state: UnsafeMutablePointer<SessionState>
  /// A frame of our own making, after the library could not go on.
  private var lastWords = ByteBuffer()
  private var isBroken = false

  /// - Parameter now: nanoseconds on any clock that `receive` uses, too.
  package init(_ settings: HTTP2Settings, at now: UInt64) {
    unsafe state = .allocate(capacity: 1)
    unsafe state.initialize(to: SessionState(settings, now: now))
    var made: OpaquePointer?
    // Safe: the state has a fixed address until `deinit`.
    let result = unsafe nghttp2_session_server_new2(&made, sharedCallbacks, state, sharedOptions)
    guard result == 0, let made = unsafe made else { fatalError("there is memory for an HTTP/2 session") }
    unsafe session = made
    let entries = [
      nghttp2_settings_entry(
        settings_id: Int32(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue), value: UInt32(settings.streamsMax)),
      nghttp2_settings_entry(
        settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue), value: UInt32(settings.streamWindowBytes)),
      nghttp2_settings_entry(
        settings_id: Int32(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue),
        value: UInt32(settings.headerListBytesMax)),
    ]
    let none = UInt8(NGHTTP2_FLAG_NONE.rawValue)
    // Safe: the library copies the entries.
    unsafe nghttp2_submit_settings(session, none, entries, entries.count)
    unsafe nghttp2_session_set_local_window_size(session, none, 0, Int32(settings.connectionWindowBytes))
  }

  deinit {
    // Safe: both were made by `init`; the library calls nothing back while it frees a session.
    unsafe nghttp2_session_del(session)
    unsafe state.deinitialize(count: 1)
    unsafe state.deallocate()
  }

  // MARK: Receiving

  /// Reads what has arrived. Afterwards there may be events to take and bytes to write.
  package mutating func receive(_ input: Span<UInt8>, at now: UInt64) {
    if isBroken || input.isEmpty { return }
    unsafe state.pointee.now = now
    // Safe: the library reads the span during the call only.
    let result = unsafe input.withUnsafeBufferPointer { input in
      unsafe nghttp2_session_mem_recv(session, input.baseAddress!, input.count)
    }
    if result < 0 { giveUp(Int32(result)) }
  }

  /// The events since the last call, in order; `events` must be empty, and lends its storage.
  package mutating func takeEvents(_ events: inout [HTTP2Event]) {
    precondition(events.isEmpty, "the events taken before are worked off")
    unsafe swap(&state.pointee.events, &events)
  }

  /// The open stream of this number.
  package func stream(_ id: Int32) -> HTTP2Stream? { unsafe openStream(id, of: session) }

  /// The streams that are open now.
  package var streams: [HTTP2Stream] { unsafe state.pointee.streams }
  package var streamCount: Int { unsafe state.pointee.streams.count }

  /// Why the session ended before its time.
  package var offence: HTTP2Offence? { unsafe state.pointee.offence }

  /// How many PINGs the peer has sent, and whether it has answered ours, since the last call.
  package mutating func takePings() -> (count: Int, wasAnswered: Bool) {
    defer { unsafe (state.pointee.pingCount, state.pointee.wasPingAnswered) = (0, false) }
    return unsafe (state.pointee.pingCount, state.pointee.wasPingAnswered)
  }

  /// Lets the peer send as much more as has arrived on this stream since the last grant.
  ///
  /// - Parameter holdingBack: opens the connection's window only: the other streams go on, and this one gets no further
  ///   than its own window, until it is granted more.
  package mutating func grant(_ stream: HTTP2Stream, holdingBack: Bool = false) {
    guard !isBroken, stream.heldBytes + stream.heldBackBytes > 0 else { return }
    let count = stream.heldBytes
    stream.heldBytes = 0
    unsafe nghttp2_session_consume_connection(session, count)
    stream.heldBackBytes += count
    // A stream that has ended needs no window of its own.
    if holdingBack || stream.hasEnded || stream.isClosed { return }
    unsafe nghttp2_session_consume_stream(session, stream.id, stream.heldBackBytes)
    stream.heldBackBytes = 0
  }

  /// Counts a complete request in the peer's favour: it earns the control frames that come with one.
  package mutating func earned() { unsafe state.pointee.controlFrames.give(4) }

  // MARK: Answering

  /// Answers a stream, once; without a body and trailers the header ends it.
  ///
  /// When the request is not complete yet, the peer is told that it need not be.
  package mutating func answer(
    _ stream: HTTP2Stream, status: Int, fields: [HTTP2Field], body: Bytes, trailers: [HTTP2Field] = []
  ) {
    precondition(!stream.isAnswered, "a stream is answered once")
    guard !isBroken, !stream.isClosed else { return }
    stream.isAnswered = true
    stream.body = ByteBuffer()
    var block = FieldBlock()
    block.append(":status", String(status))
    for field in fields { block.append(field.name, field.value) }
    stream.answerBody = body
    stream.trailers = trailers
    let id = stream.id
    let result = unsafe block.withFields { fields, count in
      if body.isEmpty && trailers.isEmpty { return unsafe nghttp2_submit_response(session, id, fields, count, nil) }
      var provider = unsafe nghttp2_data_provider(source: nghttp2_data_source(), read_callback: readAnswer)
      return unsafe nghttp2_submit_response(session, id, fields, count, &provider)
    }
    precondition(result == 0 || result == NGHTTP2_ERR_NOMEM.rawValue, "an open stream takes one answer")
  }

  /// Ends a stream without an answer.
  package mutating func reset(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
    guard !isBroken, !stream.isClosed else { return }
    stream.isAnswered = true
    stream.body = ByteBuffer()
    unsafe nghttp2_submit_rst_stream(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream.id, code.rawValue)
  }

  /// Asks the peer for a sign of life.
  package mutating func ping() {
    if !isBroken { unsafe nghttp2_submit_ping(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), nil) }
  }

  /// Takes no further streams; those that are open go on.
  package mutating func goAway(_ code: HTTP2ErrorCode, _ reason: StaticString = "") {
    if isBroken { return }
    let last = unsafe nghttp2_session_get_last_proc_stream_id(session)
    // Safe: the library copies the text.
    _ = unsafe nghttp2_submit_goaway(
      session, UInt8(NGHTTP2_FLAG_NONE.rawValue), last, code.rawValue, reason.utf8Start, reason.utf8CodeUnitCount)
  }

  /// Ends the connection because of what the peer does.
  package mutating func end(_ offence: HTTP2Offence, _ reason: StaticString) {
    if isBroken || (unsafe state.pointee.offence) != nil { return }
    unsafe state.pointee.offence = offence
    goAway(offence.code, reason)
    unsafe nghttp2_session_terminate_session(session, offence.code.rawValue)
  }

  // MARK: Sending

  /// Whether nothing more will be sent or understood: close when everything has left.
  package var isFinished: Bool {
    if isBroken { return lastWords.isEmpty }
    return unsafe nghttp2_session_want_read(session) == 0 && nghttp2_session_want_write(session) == 0
  }

  /// Appends frames that are ready, until the output has `limit` bytes or a little more.
  package mutating func write(to output: inout ByteBuffer, limit: Int) {
    while !isBroken && output.count < limit {
      var data: UnsafePointer<UInt8>?
      let count = unsafe nghttp2_session_mem_send(session, &data)
      if count < 0 {
        giveUp(Int32(count))
      } else if count == 0 {
        return
      } else {
        // Safe: the library lends `count` bytes until it is called again.
        unsafe output.append(Span(_unsafeStart: data!, count: count))
      }
    }
    output.append(lastWords.span)
    lastWords.removeAll()
  }

  /// The library cannot go on: says goodbye without it.
  private mutating func giveUp(_ error: Int32) {
    isBroken = true
    let offence: HTTP2Offence =
      switch nghttp2_error(error) {
      case NGHTTP2_ERR_FLOODED: .controlFlood
      case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS: .headerFlood
      default: .protocolError
      }
    unsafe state.pointee.offence = offence
    let last = unsafe nghttp2_session_get_last_proc_stream_id(session)
    // RFC 9113 section 6.8: GOAWAY has type 7, and as its content the last stream that was looked at and a code.
    for byte: UInt8 in [0, 0, 8, 7, 0, 0, 0, 0, 0] { lastWords.append(byte) }
    for number in [UInt32(last), offence.code.rawValue] {
      for shift: UInt32 in [24, 16, 8, 0] { lastWords.append(UInt8(truncatingIfNeeded: number >> shift)) }
    }
  }
}
