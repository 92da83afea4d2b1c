// What libnghttp2 calls while it receives and sends: from C back to the session's state.

internal import Bytes
internal import CNGHTTP2

// Functions and not closures: a closure literal may be taken for one of the main actor and trap.
// None of them calls back into receiving or sending, which the library forbids.

typealias SessionContext = UnsafeMutableRawPointer

/// The table of callbacks and the options of every session; made once and never changed.
// Safe to share: nobody writes to either after this initialiser, and libnghttp2 copies both into each session.
nonisolated(unsafe) let sharedCallbacks: OpaquePointer? = {
  var callbacks: OpaquePointer?
  guard unsafe nghttp2_session_callbacks_new(&callbacks) == 0 else { return nil }
  unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, beginHeaders)
  unsafe nghttp2_session_callbacks_set_on_header_callback(callbacks, takeField)
  unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, takeData)
  unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, takeFrame)
  unsafe nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, takeInvalidFrame)
  unsafe nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, sentFrame)
  unsafe nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, closeStream)
  return unsafe callbacks
}()

nonisolated(unsafe) let sharedOptions: OpaquePointer? = {
  var options: OpaquePointer?
  guard unsafe nghttp2_option_new(&options) == 0 else { return nil }
  // Windows are granted by the session's owner only.
  unsafe nghttp2_option_set_no_auto_window_update(options, 1)
  // Closed streams are of no use to a server that keeps no priorities.
  unsafe nghttp2_option_set_no_closed_streams(options, 1)
  // CVE-2024-28182: a header block of many frames.
  unsafe nghttp2_option_set_max_continuations(options, 8)
  // Resets are counted here, by the clock of the session's owner, and much stricter.
  unsafe nghttp2_option_set_stream_reset_rate_limit(options, 1 << 32, 1 << 32)
  return unsafe options
}()

private func beginHeaders(
  _ session: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?, _ context: SessionContext?
) -> Int32 {
  // Safe: libnghttp2 lends a frame during the call, and the session owns the state that its context points to.
  let state = unsafe context!.assumingMemoryBound(to: SessionState.self)
  let isRequest = unsafe frame!.pointee.headers.cat == NGHTTP2_HCAT_REQUEST
  unsafe state.pointee.beginHead(isRequest: isRequest)
  guard isRequest else { return 0 }
  let id = unsafe frame!.pointee.hd.stream_id
  let stream = unsafe state.pointee.open(id)
  // Not retained: the state keeps the stream until it is closed.
  return unsafe nghttp2_session_set_stream_user_data(session, id, Unmanaged.passUnretained(stream).toOpaque())
}

private func takeField(
  _ session: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?, _ name: UnsafePointer<UInt8>?, _ nameCount: Int,
  _ value: UnsafePointer<UInt8>?, _ valueCount: Int, _ flags: UInt8, _ context: SessionContext?
) -> Int32 {
  // Safe: as above; name and value are lent during the call.
  let state = unsafe context!.assumingMemoryBound(to: SessionState.self)
  let isBearable = unsafe state.pointee.addField(
    Span(_unsafeStart: name!, count: nameCount), Span(_unsafeStart: value!, count: valueCount))
  return isBearable ? 0 : unsafe punish(session, state, .headerFlood)
}

private func takeData(
  _ session: OpaquePointer?, _ flags: UInt8, _ id: Int32, _ data: UnsafePointer<UInt8>?, _ count: Int,
  _ context: SessionContext?
) -> Int32 {
  // Safe: as above.
  let state = unsafe context!.assumingMemoryBound(to: SessionState.self)
  guard let stream = unsafe openStream(id, of: session) else {
    return unsafe nghttp2_session_consume_connection(session, count)
  }
  unsafe state.pointee.add(Span(_unsafeStart: data!, count: count), to: stream)
  return 0
}

private func takeFrame(
  _ session: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?, _ context: SessionContext?
) -> Int32 {
  // Safe: as above.
  let state = unsafe context!.assumingMemoryBound(to: SessionState.self)
  let header = unsafe frame!.pointee.hd
  let hasEnded = header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
  let isAcknowledgement = header.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) != 0
  switch nghttp2_frame_type(UInt32(header.type)) {
  case NGHTTP2_HEADERS:
    guard let stream = unsafe openStream(header.stream_id, of: session) else { return 0 }
    if unsafe frame!.pointee.headers.cat == NGHTTP2_HCAT_REQUEST { stream.head = unsafe state.pointee.takeHead() }
    stream.hasEnded = hasEnded
    unsafe state.pointee.events.append(HTTP2Event(kind: hasEnded ? .ended : .head, stream: stream))
  case NGHTTP2_DATA:
    guard let stream = unsafe openStream(header.stream_id, of: session) else { return 0 }
    stream.hasEnded = hasEnded
    unsafe state.pointee.events.append(HTTP2Event(kind: hasEnded ? .ended : .data, stream: stream))
    if header.length == 0 && !hasEnded { return unsafe countControl(session, state) }
  case NGHTTP2_RST_STREAM: return unsafe countReset(session, state)
  case NGHTTP2_PING where isAcknowledgement: unsafe state.pointee.wasPingAnswered = true
  case NGHTTP2_PING:
    unsafe state.pointee.pingCount += 1
    return unsafe countControl(session, state)
  case NGHTTP2_SETTINGS where isAcknowledgement: break
  default: return unsafe countControl(session, state)
  }
  return 0
}

private func takeInvalidFrame(
  _ session: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?, _ error: Int32, _ context: SessionContext?
) -> Int32 {
  // Safe: as above.
  let state = unsafe context!.assumingMemoryBound(to: SessionState.self)
  // A stream above the limit is refused and costs nothing; a client may send some before it knows the limit.
  if error == NGHTTP2_ERR_REFUSED_STREAM.rawValue { return 0 }
  // CVE-2025-8671: a peer's mistakes that make us reset streams count as its own resets.
  return unsafe countReset(session, state)
}

private func sentFrame(
  _ session: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?, _ context: SessionContext?
) -> Int32 {
  // Safe: as above.
  let state = unsafe context!.assumingMemoryBound(to: SessionState.self)
  let header = unsafe frame!.pointee.hd
  if header.type == UInt8(NGHTTP2_GOAWAY.rawValue) {
    // The library ends connections by itself when the peer breaks the protocol.
    let isError = unsafe frame!.pointee.goaway.error_code != HTTP2ErrorCode.noError.rawValue
    if isError, unsafe state.pointee.offence == nil { unsafe state.pointee.offence = .protocolError }
    return 0
  }
  guard header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0,
    header.type == UInt8(NGHTTP2_HEADERS.rawValue) || header.type == UInt8(NGHTTP2_DATA.rawValue),
    let stream = unsafe openStream(header.stream_id, of: session), !stream.hasEnded
  else { return 0 }
  // RFC 9113 section 8.1: answered before the request was complete, which need not be sent to its end.
  return unsafe nghttp2_submit_rst_stream(
    session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream.id, HTTP2ErrorCode.noError.rawValue)
}

private func closeStream(
  _ session: OpaquePointer?, _ id: Int32, _ code: UInt32, _ context: SessionContext?
) -> Int32 {
  // Safe: as above.
  let state = unsafe context!.assumingMemoryBound(to: SessionState.self)
  guard let stream = unsafe openStream(id, of: session) else { return 0 }
  let held = stream.heldBytes
  stream.heldBytes = 0
  unsafe state.pointee.close(stream)
  return held == 0 ? 0 : unsafe nghttp2_session_consume_connection(session, held)
}

/// Copies the next part of an answer's body, and submits the trailers behind the last one.
func readAnswer(
  _ session: OpaquePointer?, _ id: Int32, _ buffer: UnsafeMutablePointer<UInt8>?, _ room: Int,
  _ flags: UnsafeMutablePointer<UInt32>?, _ source: UnsafeMutablePointer<nghttp2_data_source>?,
  _ context: SessionContext?
) -> Int {
  guard let stream = unsafe openStream(id, of: session) else { return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue) }
  let count = min(room, stream.answerBody.count - stream.answerOffset)
  let answer = stream.answerBody
  let part = answer.span.extracting(stream.answerOffset..<(stream.answerOffset + count))
  // Safe: libnghttp2 lends `room` bytes, which do not overlap the answer's.
  unsafe part.withUnsafeBufferPointer { part in
    if count > 0 { unsafe buffer!.update(from: part.baseAddress!, count: count) }
  }
  stream.answerOffset += count
  guard stream.answerOffset == stream.answerBody.count else { return count }
  unsafe flags!.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
  if !stream.trailers.isEmpty {
    unsafe flags!.pointee |= NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
    var block = FieldBlock()
    for field in stream.trailers { block.append(field.name, field.value) }
    let result = unsafe block.withFields { fields, count in unsafe nghttp2_submit_trailer(session, id, fields, count) }
    if result != 0 { return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue) }
  }
  return count
}

/// The open stream of this number.
func openStream(_ id: Int32, of session: OpaquePointer?) -> HTTP2Stream? {
  // Safe: the pointer was made by `beginHeaders` of a stream that the state keeps until `closeStream`, after which
  // libnghttp2 does not know the number any more.
  guard let pointer = unsafe nghttp2_session_get_stream_user_data(session, id) else { return nil }
  return unsafe Unmanaged<HTTP2Stream>.fromOpaque(pointer).takeUnretainedValue()
}

@unsafe
private func countControl(_ session: OpaquePointer?, _ state: UnsafeMutablePointer<SessionState>) -> Int32 {
  if unsafe state.pointee.controlFrames.take(at: state.pointee.now) { return 0 }
  return unsafe punish(session, state, .controlFlood)
}

@unsafe
private func countReset(_ session: OpaquePointer?, _ state: UnsafeMutablePointer<SessionState>) -> Int32 {
  if unsafe state.pointee.resets.take(at: state.pointee.now) { return 0 }
  return unsafe punish(session, state, .rapidReset)
}

/// Ends the session: a GOAWAY is queued, and what else arrives is ignored.
@unsafe
private func punish(
  _ session: OpaquePointer?, _ state: UnsafeMutablePointer<SessionState>, _ offence: HTTP2Offence
) -> Int32 {
  if unsafe state.pointee.offence != nil { return 0 }
  unsafe state.pointee.offence = offence
  return unsafe nghttp2_session_terminate_session(session, offence.code.rawValue)
}
