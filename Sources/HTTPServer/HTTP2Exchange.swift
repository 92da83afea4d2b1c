// One HTTP/2 connection without its socket and its clock: bytes in, requests out; answers in, bytes out.

package import Bytes
package import Compression
internal import HTTP2
package import System

/// Requests and answers of one HTTP/2 connection, within limits.
///
/// A request is handed over when it is complete. The message of a gRPC request is taken out of its frame and
/// decompressed, so that a handler sees the same value whichever protocol brought it. The peer may send more of a body
/// when the memory for it is reserved; a body that waits for memory gets no further than its stream's window.
package struct HTTP2Exchange: ~Copyable {
  /// What the connection has to do.
  package enum Step: Sendable {
    case request(HTTPRequest, stream: Int32)
    case refuse(HTTPRefusal, stream: Int32)
  }

  private let limits: Limits
  private let peer: String
  private let admit: (@Sendable (HTTPRequest) -> Admission)?
  /// What the gate said of requests that are still arriving, when it was not a clear yes or no.
  private var undecided: [Int32: Admission] = [:]
  private var memory: StreamMemory
  /// What is asked for the content of packed messages that wait for memory.
  private var claims: [Int32: Int] = [:]
  var session: HTTP2Session
  private var events: [HTTP2Event] = []
  private var eventsDone = 0
  private var now: UInt64
  /// When the first of the calls that came with a `grpc-timeout` is over, in nanoseconds; looked at by `nextOverdue`.
  package private(set) var firstDeadline = UInt64.max

  /// - Parameters:
  ///   - memory: what the bodies of all connections may take together.
  ///   - admit: decides about a request when its header is here; nil lets everybody in.
  ///   - wake: makes what is called on any thread when `memoryFreed` is to be called for a stream.
  package init(
    limits: Limits, peer: String, at now: Instant, memory: MemoryBudget,
    admit: (@Sendable (HTTPRequest) -> Admission)? = nil,
    wake: @escaping @Sendable (Int32) -> @Sendable () -> Void
  ) {
    self.limits = limits
    self.memory = StreamMemory(memory, wake: wake)
    self.peer = peer
    self.admit = admit
    self.now = now.nanoseconds
    var settings = HTTP2Settings()
    settings.streamsMax = limits.streamsMax
    settings.headerListBytesMax = limits.headerListBytesMax
    settings.headerFieldsMax = limits.fieldsMax
    settings.bodyBytesMax = limits.bodyBytesMax + GRPCMessage.prefixSize
    settings.streamWindowBytes = limits.streamWindowBytes
    settings.connectionWindowBytes = limits.connectionWindowBytes
    settings.announcedLength = { GRPCMessage.announcedLength($0).map { GRPCMessage.prefixSize + $0 } }
    settings.controlFrames = TokenBucket.Rate(burst: limits.controlFramesMax, perSecond: limits.controlFramesPerSecond)
    settings.resets = TokenBucket.Rate(burst: limits.resetsMax, perSecond: limits.resetsPerSecond)
    session = HTTP2Session(settings, at: now.nanoseconds)
  }

  /// Requests that have no complete answer yet, with those that are still arriving.
  package var streamCount: Int { session.streamCount }
  /// Whether some complete request has no answer yet. Costs a look at every stream.
  package var awaitsAnswers: Bool { session.streams.contains { $0.hasEnded && !$0.isAnswered } }
  /// How many requests wait for memory.
  package var waitingCount: Int { memory.waiting }
  /// Whether everything is said: close when it has left.
  package var isFinished: Bool { session.isFinished }

  // MARK: Receiving

  /// Reads what has arrived; call `next` until it returns nil.
  package mutating func receive(_ input: Span<UInt8>, at now: Instant) {
    self.now = now.nanoseconds
    session.receive(input, at: now.nanoseconds)
  }

  /// The next thing to do, in the order of arrival.
  package mutating func next(_ decompressor: inout Decompressor) -> Step? {
    while true {
      if eventsDone == events.count {
        events.removeAll(keepingCapacity: true)
        eventsDone = 0
        session.takeEvents(&events)
        if events.isEmpty { return nil }
      }
      let event = events[eventsDone]
      eventsDone += 1
      let stream = event.stream
      if stream.isAnswered || stream.isClosed {
        forget(stream.id)
        continue
      }
      do throws(HTTPRefusal) {
        switch event.kind {
        case .head: try begin(stream)
        case .data: try goOn(stream)
        case .ended:
          if let request = try end(stream, &decompressor) { return .request(request, stream: stream.id) }
        case .closed: break
        }
      } catch {
        return .refuse(located(error, stream), stream: stream.id)
      }
    }
  }

  /// The head has arrived, and the body will.
  private mutating func begin(_ stream: HTTP2Stream) throws(HTTPRefusal) {
    let lines = stream.head.lines
    stream.isFramed =
      HTTPHead.withValue(of: "content-type", in: lines.span) { GRPCMessage.isGRPC(contentType: $0) } ?? false
    if stream.head.isTooLarge {
      throw HTTPRefusal(.headTooLarge, "the header list is larger than \(limits.headerListBytesMax) bytes")
    }
    try admit(stream)
    if let timeout = stream.field("grpc-timeout").flatMap({ GRPCMessage.timeout($0) }) {
      let (deadline, overflow) = now.addingReportingOverflow(timeout)
      stream.deadline = overflow ? .max : deadline
      firstDeadline = min(firstDeadline, stream.deadline)
    }
  }

  private mutating func admit(_ stream: HTTP2Stream) throws(HTTPRefusal) {
    guard let admit else { return }
    let head = HTTPHead(stream.head, bodyCount: 0)
    let admission = admit(HTTPRequest(head: head, body: Bytes(), peer: peer, admission: .admitted))
    switch admission {
    case .admitted: break
    case .refused(let refusal): throw refusal
    case .undecided: undecided[stream.id] = admission
    }
  }

  /// A part of the body has arrived: refuses early what is going to be too large.
  private mutating func goOn(_ stream: HTTP2Stream) throws(HTTPRefusal) {
    if stream.isBodyTooLarge {
      throw HTTPRefusal(.bodyTooLarge, "the body is larger than \(limits.bodyBytesMax) bytes")
    }
    // What announces nothing asks for twice what is here, so that it asks a few times only.
    var total = min(stream.body.count * 2, limits.bodyBytesMax + 1)
    if stream.isFramed == true, let length = GRPCMessage.announcedLength(stream.body.span) {
      if length > limits.bodyBytesMax { throw GRPCMessage.tooLarge(length, limits.bodyBytesMax) }
      total = max(GRPCMessage.prefixSize + length, stream.body.count)
    }
    // The rest is here, too, and `end` follows.
    if stream.hasEnded { return }
    let hasRoom = try makeRoom(total, for: stream)
    if hasRoom { stream.expectBody(total) }
    session.grant(stream, holdingBack: !hasRoom)
  }

  /// - Returns: nil when the request waits for memory.
  private mutating func end(
    _ stream: HTTP2Stream, _ decompressor: inout Decompressor
  ) throws(HTTPRefusal) -> HTTPRequest? {
    // A request in one piece begins here.
    if stream.isFramed == nil { try begin(stream) }
    if stream.isBodyTooLarge {
      throw HTTPRefusal(.bodyTooLarge, "the body is larger than \(limits.bodyBytesMax) bytes")
    }
    stream.start = now
    session.grant(stream)
    var body: Bytes
    var isPacked = false
    if stream.isFramed == true {
      isPacked = try GRPCMessage.isPacked(stream.body.span, limit: limits.bodyBytesMax).get()
    }
    if isPacked {
      guard let content = try unpack(stream, &decompressor) else { return nil }
      body = content
    } else {
      guard try makeRoom(stream.body.count, for: stream) else { return nil }
      body = stream.takeBody()
      if stream.isFramed == true { body = body.slice(GRPCMessage.prefixSize..<body.count) }
    }
    session.earned()
    return HTTPRequest(
      head: HTTPHead(stream.head, bodyCount: body.count), body: body, peer: peer,
      admission: undecided.removeValue(forKey: stream.id) ?? .admitted)
  }

  /// The content of a packed message; nil when it waits for memory.
  private mutating func unpack(
    _ stream: HTTP2Stream, _ decompressor: inout Decompressor
  ) throws(HTTPRefusal) -> Bytes? {
    let count = stream.body.count
    // Both forms are held at once, and must be able to fit.
    let claimMax = min(limits.bodyBytesMax, memory.largestShare - count)
    var claim = min(claims.removeValue(forKey: stream.id) ?? GRPCMessage.firstClaim(count), claimMax)
    let encoding = stream.field("grpc-encoding")
    while true {
      guard try makeRoom(count + claim, for: stream) else {
        claims[stream.id] = claim
        return nil
      }
      switch GRPCMessage.content(stream.body.span, encoding: encoding, limit: claim, &decompressor) {
      case .success(let content):
        stream.dropBody()
        memory.shrink(stream.id, to: content.count)
        return content
      case .failure(let refusal):
        guard refusal.reason == .bodyTooLarge, claim < claimMax else { throw refusal }
        // Nothing is held while more is waited for: requests that did would wait for each other.
        memory.shrink(stream.id, to: count)
        claim = min(claim * 4, claimMax)
      }
    }
  }

  // MARK: Memory

  /// - Returns: whether the stream has `total` bytes, or needs none of its own; if not, it waits for them.
  private mutating func makeRoom(_ total: Int, for stream: HTTP2Stream) throws(HTTPRefusal) -> Bool {
    if total <= limits.unreservedBodyBytesMax { return true }
    switch memory.reserve(total, for: stream.id, arrived: stream.body.count, at: now) {
    case .reserved: return true
    case .waits:
      noteWaits()
      return false
    case .refused: throw .noMemory
    }
  }

  private mutating func noteWaits() {
    if let start = memory.firstWaitStart { firstDeadline = min(firstDeadline, start + limits.holdTime.nanoseconds) }
  }

  /// There may be memory for this stream; call `next` afterwards.
  package mutating func memoryFreed(for id: Int32, at now: Instant) {
    guard memory.woken(id), let stream = session.stream(id) else { return }
    self.now = now.nanoseconds
    events.append(HTTP2Event(kind: stream.hasEnded ? .ended : .data, stream: stream))
  }

  /// The stream is answered, or gone.
  private mutating func forget(_ id: Int32) {
    memory.release(id)
    if !undecided.isEmpty { undecided[id] = nil }
    if !claims.isEmpty { claims[id] = nil }
  }

  /// The refusal with what is known of its request.
  private func located(_ refusal: HTTPRefusal, _ stream: HTTP2Stream) -> HTTPRefusal {
    var located = refusal
    located.path = stream.head.lines.span.extracting(stream.head.pathRange).text
    located.contentType = stream.field("content-type")
    return located
  }

  // MARK: Answering

  /// Answers the request on this stream, unless it was answered or has gone.
  ///
  /// - Returns: whether it was.
  @discardableResult
  package mutating func answer(_ id: Int32, _ response: HTTPResponse, at now: Instant) -> Bool {
    guard let stream = session.stream(id), !stream.isAnswered else { return false }
    forget(id)
    stream.start = now.nanoseconds
    var fields: [HTTP2Field] = []
    fields.reserveCapacity(1 + response.headers.count)
    if !response.contentType.isEmpty { fields.append(HTTP2Field("content-type", response.contentType)) }
    for header in response.headers { fields.append(HTTP2Field(header.name, header.value)) }
    session.answer(
      stream, status: response.status, fields: fields, body: response.body,
      trailers: response.trailers.map { HTTP2Field($0.name, $0.value) })
    return true
  }

  /// Appends frames that are ready, until the output has `limit` bytes or a little more.
  package mutating func write(to output: inout ByteBuffer, limit: Int) { session.write(to: &output, limit: limit) }

  /// Lets the requests in flight finish, and takes no more.
  package mutating func drain() { session.goAway(.noError) }

  // MARK: Waiting

  /// Looks at every stream: resets those whose peer does not read, and finds one that has had its time.
  ///
  /// - Returns: a request to refuse; call again until there is none.
  package mutating func nextOverdue(at now: Instant) -> Step? {
    let now = now.nanoseconds
    firstDeadline = .max
    for stream in session.streams {
      let quiet = now > stream.start ? now - stream.start : 0
      if stream.isAnswered {
        if quiet > limits.writeTime.nanoseconds { session.reset(stream, .cancel) }
      } else if stream.deadline <= now {
        return .refuse(located(HTTPRefusal(.timeout, "the call's grpc-timeout has passed"), stream), stream: stream.id)
      } else if let start = memory.waitStart(of: stream.id), now > start, now - start >= limits.holdTime.nanoseconds {
        return .refuse(located(.noMemory, stream), stream: stream.id)
      } else if stream.hasEnded {
        if quiet > limits.answerTime.nanoseconds {
          let refusal = HTTPRefusal(.answerOverdue, "the request was not handled in time")
          return .refuse(located(refusal, stream), stream: stream.id)
        }
      } else if quiet > limits.bodyTime.nanoseconds + earnedTime(stream) {
        let refusal = HTTPRefusal(.timeout, "the request did not arrive in time")
        return .refuse(located(refusal, stream), stream: stream.id)
      }
      if !stream.isAnswered { firstDeadline = min(firstDeadline, stream.deadline) }
    }
    noteWaits()
    return nil
  }

  /// A large body may take longer.
  private func earnedTime(_ stream: HTTP2Stream) -> UInt64 {
    UInt64(stream.body.count / limits.bodyBytesPerSecondMin) * 1_000_000_000
  }
}

extension HTTP2Stream {
  /// The first value of a field; the name is in lower case.
  fileprivate func field(_ name: String) -> String? {
    let lines = head.lines
    return HTTPHead.value(of: name, in: lines.span)
  }
}

extension HTTPHead {
  /// The head of a request that came over HTTP/2, which libnghttp2 has checked (RFC 9113 section 8.2 and 8.3).
  fileprivate init(_ head: HTTP2Head, bodyCount: Int) {
    self.init(
      bytes: head.lines, method: HTTPMethod(head.lines.span.extracting(head.methodRange)),
      methodRange: head.methodRange, pathRange: head.pathRange.withoutQuery(in: head.lines.span),
      queryRange: head.pathRange.query(in: head.lines.span), fieldsStart: 0, isHTTP10: false,
      framing: .length(bodyCount), coding: .identity, expectsContinue: false, keepsAlive: true)
  }
}

extension Range<Int> {
  /// The part of a target before its question mark.
  fileprivate func withoutQuery(in bytes: Span<UInt8>) -> Range<Int> {
    let question = bytes.extracting(self).firstIndex(of: UInt8(ascii: "?"))
    return lowerBound..<(question.map { lowerBound + $0 } ?? upperBound)
  }

  /// The part of a target behind its question mark.
  fileprivate func query(in bytes: Span<UInt8>) -> Range<Int> {
    Swift.min(withoutQuery(in: bytes).upperBound + 1, upperBound)..<upperBound
  }
}
