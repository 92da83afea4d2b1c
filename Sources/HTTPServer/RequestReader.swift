// Turns the bytes of one connection into complete requests, one at a time.

package import Bytes

/// The reading half of an HTTP/1.1 connection, without its socket.
///
/// Fed with bytes, it says what to do next. After a request it uses no more bytes until `answered`, so requests of one
/// connection are answered in order. How the bytes are cut changes nothing.
package struct RequestReader: ~Copyable {
  /// What the connection has to do.
  package enum Step: Sendable {
    /// Wait for more bytes, or for the answer.
    case needMore
    /// Reserve memory for so many bytes of this request, in all; then tell `granted`.
    case reserve(Int)
    /// Tell the client to send the body: "100 Continue".
    case sendContinue
    /// Answer this; its content coding is not undone yet.
    case request(HTTPRequest)
    /// Answer that the request is refused, and close: where the next one begins is unknown.
    case refuse(HTTPRefusal)
  }

  /// What the reader is in the middle of, which decides how long it may take.
  package enum Phase: Sendable, Equatable {
    case head
    case body
    case answering
    case refused
  }

  private let limits: Limits
  private let peer: String
  private let admit: (@Sendable (HTTPRequest) -> Admission)?
  package private(set) var phase = Phase.head
  private var parser = HeadParser()
  private var head: HTTPHead?
  private var chunks = ChunkedReader()
  private var body = ByteBuffer()
  private var mustSendContinue = false
  /// How many bytes of body there is room for.
  private var granted = 0
  /// Who sends the current request.
  private var admission = Admission.admitted

  /// - Parameter admit: decides about a request when its header is here; nil lets everybody in.
  package init(limits: Limits, peer: String, admit: (@Sendable (HTTPRequest) -> Admission)? = nil) {
    self.limits = limits
    self.peer = peer
    self.admit = admit
  }

  /// How many bytes of the current body have arrived.
  package var bodyCount: Int { body.count }
  /// Whether the current request must be answered without a body (RFC 9110 section 9.3.2).
  package var isHeadRequest: Bool { head?.method == .head }
  package var isHTTP10: Bool { head?.isHTTP10 ?? false }
  /// Whether the connection may go on after the current request.
  package var keepsAlive: Bool { head?.keepsAlive ?? false }

  /// Looks at the bytes behind `start`, moves `start` past those it has used, and says what to do.
  ///
  /// Unused bytes are given again, with more behind them.
  package mutating func next(_ input: Span<UInt8>, from start: inout Int) -> Step {
    do {
      if phase == .head {
        guard try readHead(input.extracting(start...), &start) else { return .needMore }
      }
      guard phase == .body, let head else { return .needMore }
      if let room = roomNeeded(head.framing, more: input.count - start) { return .reserve(room) }
      if mustSendContinue {
        mustSendContinue = false
        // RFC 9110 section 10.1.1: may be left out once the body has begun to arrive.
        if start == input.count { return .sendContinue }
      }
      switch head.framing {
      case .length(let length) where body.isEmpty && length <= input.count - start:
        // The usual case: the whole body is here, and is copied once into what will keep it.
        let whole = length == 0 ? Bytes() : Bytes(copying: input.extracting(start..<(start + length)))
        start += length
        phase = .answering
        return .request(HTTPRequest(head: head, body: whole, peer: peer, admission: admission))
      case .length(let length):
        let used = min(length - body.count, input.count - start)
        // Reserved, or small. What has not arrived yet takes no memory.
        body.reserve(total: length)
        body.append(input.extracting(start..<(start + used)))
        start += used
        if body.count < length { return .needMore }
      case .chunked:
        start += try chunks.read(input.extracting(start...), into: &body, limits: limits)
        if !chunks.isComplete { return .needMore }
      }
      phase = .answering
      return .request(HTTPRequest(head: head, body: takeBody(), peer: peer, admission: admission))
    } catch {
      let refusal = head == nil ? parser.located(error, in: input.extracting(start...)) : located(error)
      phase = .refused
      body = ByteBuffer()
      return .refuse(refusal)
    }
  }

  /// There is room for `bytes` of the current body, in all.
  package mutating func granted(_ bytes: Int) { granted = bytes }

  /// How much room the body needs that it does not have: what a length announces, or for chunks twice what is there, so
  /// that one that grows for ever asks a few times only.
  private func roomNeeded(_ framing: HTTPHead.Framing, more: Int) -> Int? {
    switch framing {
    case .length(let length):
      // So small that it costs no more than the connection itself.
      return length <= max(granted, limits.unreservedBodyBytesMax) ? nil : length
    case .chunked:
      let needed = body.count + more
      if needed <= granted || granted > limits.bodyBytesMax { return nil }
      return max(64 << 10, min(needed * 2, limits.bodyBytesMax + 1))
    }
  }

  /// The current request is answered and the connection goes on: look for the next one.
  package mutating func answered() {
    phase = .head
    head = nil
    granted = 0
    parser = HeadParser()
  }

  /// The refusal with what is known of the current request.
  func located(_ refusal: HTTPRefusal) -> HTTPRefusal {
    guard let head else { return refusal }
    return refusal.located(at: HTTPRequest(head: head, body: Bytes(), peer: peer, admission: .admitted))
  }

  // MARK: Straight into the body

  /// Whether the next bytes all belong to a body of known length, so that `fill` can take them without a detour.
  package var wantsBody: Bool {
    guard phase == .body, case .length = head?.framing else { return false }
    return true
  }

  /// Lets `receive` append to the body, at most what it lacks. Call `next` afterwards.
  package mutating func fill<Outcome>(_ receive: (_ body: inout ByteBuffer, _ maximum: Int) -> Outcome) -> Outcome {
    guard phase == .body, case .length(let length) = head?.framing else {
      preconditionFailure("only a reader that wants a body is filled")
    }
    body.reserve(total: length)
    return receive(&body, length - body.count)
  }

  private mutating func takeBody() -> Bytes {
    if body.isEmpty { return Bytes() }
    let complete = exchange(&body, with: ByteBuffer())
    return complete.finishTight()
  }

  // MARK: The head

  /// - Returns: whether the head is complete.
  private mutating func readHead(_ input: Span<UInt8>, _ start: inout Int) throws(HTTPRefusal) -> Bool {
    guard let complete = try parser.parse(input, limits: limits) else { return false }
    head = complete
    start += parser.length
    // Before a byte of the body is read or unpacked.
    if let admit {
      admission = admit(HTTPRequest(head: complete, body: Bytes(), peer: peer, admission: .admitted))
      if case .refused(let refusal) = admission { throw refusal }
    }
    if complete.coding != .identity || complete.framing != .length(0) { try checkCoding(complete.coding) }
    if case .length(let length) = complete.framing, length > limits.bodyBytesMax {
      throw HTTPRefusal(
        .bodyTooLarge, "the body has \(length) bytes, more than the \(limits.bodyBytesMax) that are accepted")
    }
    chunks = ChunkedReader()
    mustSendContinue = complete.expectsContinue && complete.framing != .length(0)
    phase = .body
    return true
  }

  private func checkCoding(_ coding: ContentCoding?) throws(HTTPRefusal) {
    if let coding, limits.contentCodings.contains(coding) { return }
    let known = limits.contentCodings.map(\.rawValue).joined(separator: ", ")
    // RFC 9110 section 15.5.16: tell which codings are understood.
    throw HTTPRefusal(
      .contentCodingUnsupported, "the content coding is not supported; these are: \(known)",
      fields: [HTTPHeader("Accept-Encoding", known)])
  }

  /// What the answer to the current request tells its web page.
  func fields(of cors: CORS) -> [HTTPHeader] {
    guard let head else { return [] }
    return cors.fields(for: HTTPRequest(head: head, body: Bytes(), peer: peer, admission: .admitted))
  }
}
