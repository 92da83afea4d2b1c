// What arrives on a connection: HTTP/1.1 requests in any cut, and HTTP/2 frames in any order.

internal import Bytes
internal import Compression
internal import HTTPServer
internal import System

/// `http1` and `http2`.
enum DoorTargets {
  static let all = [
    FuzzTarget(name: "http1", tokens: HTTP1.tokens, generate: HTTP1.requests, check: HTTP1.check),
    FuzzTarget(name: "http2", tokens: [], generate: HTTP2.frames, check: HTTP2.check),
  ]

  /// Numbers that follow from the input alone, so that a kept input shows its failure again.
  fileprivate static func random(_ input: [UInt8]) -> SplitMix {
    SplitMix(seed: input.reduce(UInt64(input.count)) { $0 &* 0x100_0000_01b3 ^ UInt64($1) })
  }

  fileprivate static func bytes(_ count: ClosedRange<Int>, _ random: inout SplitMix) -> [UInt8] {
    (0..<Int.random(in: count, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
  }
}

/// Requests are read or refused, the same in any cut, and within the limits.
private enum HTTP1 {
  static let tokens = [
    "\r\n", "\n", "\r", "\0", " ", "\t", ":", ",", "0\r\n\r\n", "Transfer-Encoding: chunked\r\n",
    "Content-Length: 3\r\n",
    "Content-Length: 0\r\n", "Host: a\r\n", "Connection: close\r\n", "Content-Encoding: gzip\r\n", "HTTP/1.0",
    "HTTP/1.1",
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\u{16}\u{3}\u{1}", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "ffffffffffffffff",
    "+",
    "0x", "Expect: 100-continue\r\n", "http://a/", "?", "*",
  ].map { Array($0.utf8) }

  private static let limits = {
    var limits = Limits()
    limits.bodyBytesMax = 256
    limits.requestLineBytesMax = 200
    limits.headBytesMax = 600
    limits.fieldsMax = 10
    limits.trailerBytesMax = 60
    limits.chunkExtensionBytesMax = 20
    limits.unreservedBodyBytesMax = 16
    return limits
  }()

  /// One to three requests, one after the other.
  static func requests(_ random: inout SplitMix) -> [UInt8] {
    (0..<Int.random(in: 1...3, using: &random)).flatMap { _ in request(&random) }
  }

  private static func request(_ random: inout SplitMix) -> [UInt8] {
    let line =
      [
        "POST /v1/traces HTTP/1.1", "GET /metrics?a=b HTTP/1.1", "POST http://h:1/v1/logs HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "HEAD / HTTP/1.0",
      ].randomElement(using: &random) ?? ""
    let fields = [
      "X-A: b", "Content-Type: application/json", "content-encoding: gzip", "Expect: 100-continue", "Connection: close",
    ]
    var head = "\(line)\r\nHost: localhost:4318\r\n"
    for field in fields where Int.random(in: 0..<4, using: &random) == 0 { head += field + "\r\n" }
    let body = DoorTargets.bytes(0...60, &random)
    switch Int.random(in: 0..<3, using: &random) {
    case 0: return Array((head + "\r\n").utf8)
    case 1: return Array((head + "Content-Length: \(body.count)\r\n\r\n").utf8) + body
    default:
      var chunks: [UInt8] = []
      var start = 0
      while start < body.count {
        let end = min(body.count, start + Int.random(in: 1...30, using: &random))
        let fill = Bool.random(using: &random) ? ";a=b" : ""
        chunks += Array("\(String(end - start, radix: 16))\(fill)\r\n".utf8) + body[start..<end] + [13, 10]
        start = end
      }
      let trailer = Bool.random(using: &random) ? "X-T: 1\r\n" : ""
      return Array((head + "Transfer-Encoding: chunked\r\n\r\n").utf8) + chunks + Array("0\r\n\(trailer)\r\n".utf8)
    }
  }

  static func check(_ input: [UInt8]) throws -> Bool {
    var random = DoorTargets.random(input)
    let whole = try read(input, pieces: input.count + 1)
    for size in [1, Int.random(in: 2...40, using: &random)] {
      let cut = try read(input, pieces: size)
      try require(cut == whole, "in pieces of \(size): \(cut), else \(whole)")
    }
    return whole.contains { $0.hasPrefix("request ") }
  }

  /// What a reader makes of the input: a line for each request and refusal.
  private static func read(_ input: [UInt8], pieces size: Int) throws -> [String] {
    var reader = RequestReader(limits: limits, peer: "peer")
    var said: [String] = []
    var pending: [UInt8] = []
    var fed = 0
    while fed < input.count {
      let end = min(input.count, fed + size)
      pending += input[fed..<end]
      fed = end
      var start = 0
      reading: while true {
        switch reader.next(pending.span, from: &start) {
        case .needMore: break reading
        case .reserve(let room):
          try require(room <= max(64 << 10, limits.bodyBytesMax + 1), "\(room) bytes are asked for")
          reader.granted(room)
        // Left out when the body is here already.
        case .sendContinue: break
        case .request(let request):
          try require(request.body.count <= limits.bodyBytesMax, "a body of \(request.body.count) bytes")
          said.append("request \(request.methodName) \(request.path) \(request.query) \(request.body.array)")
          if !reader.keepsAlive { return said + ["close"] }
          reader.answered()
        case .refuse(let refusal): return said + ["\(refusal.status) \(refusal.path)"]
        }
        try require(start <= pending.count, "\(start) of \(pending.count) bytes are used")
      }
      pending.removeFirst(start)
      try require(pending.count <= limits.headBytesMax + size, "\(pending.count) bytes wait")
    }
    return said
  }
}

/// A connection answers, refuses or ends, within its limits, and keeps no memory.
private enum HTTP2 {
  private static let opening = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + frame(4) + frame(4, flags: 1)

  private static let limits = {
    var limits = Limits()
    limits.bodyBytesMax = 64
    limits.streamsMax = 4
    limits.unreservedBodyBytesMax = 8
    return limits
  }()
  private static let memoryBytes = 200

  private static func frame(_ type: UInt8, flags: UInt8 = 0, stream: Int = 0, _ payload: [UInt8] = []) -> [UInt8] {
    let length = [16, 8, 0].map { UInt8(truncatingIfNeeded: payload.count >> $0) }
    return length + [type, flags] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: stream >> $0) } + payload
  }

  private static func message(_ content: [UInt8], packed: UInt8 = 0) -> [UInt8] {
    [packed, 0, 0, 0, UInt8(content.count)] + content
  }

  /// HEADERS of a call; literal fields (RFC 7541 section 6.2.2).
  private static func head(_ stream: Int, _ more: [(String, String)] = []) -> [UInt8] {
    let fields =
      [
        (":method", "POST"), (":scheme", "http"), (":path", "/a"), (":authority", "localhost"),
        ("content-type", "application/grpc"),
      ] + more
    let block: [UInt8] = fields.flatMap { (name, value) -> [UInt8] in
      [0, UInt8(name.utf8.count)] + Array(name.utf8) + [UInt8(value.utf8.count)] + Array(value.utf8)
    }
    return frame(1, flags: 4, stream: stream, block)
  }

  /// Up to a dozen frames on a few streams.
  static func frames(_ random: inout SplitMix) -> [UInt8] {
    (0..<Int.random(in: 1...12, using: &random)).flatMap { _ in frame(&random) }
  }

  private static func frame(_ random: inout SplitMix) -> [UInt8] {
    let stream = 2 * Int.random(in: 0...7, using: &random) + 1
    let bytes = DoorTargets.bytes(0...40, &random)
    let ends: UInt8 = Bool.random(using: &random) ? 1 : 0
    switch Int.random(in: 0..<13, using: &random) {
    case 0...2: return head(stream) + frame(0, flags: 1, stream: stream, message(bytes))
    case 3: return head(stream, [("grpc-encoding", "gzip"), ("grpc-timeout", "20S")])
    case 4: return head(stream) + frame(0, stream: stream, Array(message(bytes).prefix(20)))
    case 5: return frame(0, flags: ends, stream: stream, bytes)
    case 6:
      return frame(0, flags: ends, stream: stream, message(bytes, packed: UInt8.random(in: 0...2, using: &random)))
    case 7: return frame(3, stream: stream, [0, 0, 0, 8])
    case 8: return frame(8, stream: stream, [0, 0, UInt8.random(in: 0...1, using: &random), 0])
    case 9: return frame(4, Array((bytes + [0, 0, 0, 0, 0, 0]).prefix(6)))
    case 10: return frame(9, flags: 4, stream: stream, bytes)
    case 11:
      return frame(
        UInt8.random(in: 0...12, using: &random), flags: UInt8.random(in: 0...255, using: &random), stream: stream,
        bytes)
    default: return frame(6, Array(1...8))
    }
  }

  static func check(_ input: [UInt8]) throws -> Bool {
    var random = DoorTargets.random(input)
    let memory = MemoryBudget(bytesMax: memoryBytes)
    let hasServed = try Visit(limits, memory).run(opening, input, &random)
    try require(memory.used == 0 && memory.waiting == 0, "\(memory.used) bytes are still reserved")
    return hasServed
  }

  /// One connection's life.
  private struct Visit: ~Copyable {
    private let limits: Limits
    private let memory: MemoryBudget
    private var exchange: HTTP2Exchange
    private var decompressor = Decompressor()
    private var now = Instant(nanoseconds: 1_000_000_000_000)
    private let woken = Lock<[Int32]>([])
    private var served = 0

    init(_ limits: Limits, _ memory: MemoryBudget) {
      self.limits = limits
      self.memory = memory
      exchange = HTTP2Exchange(limits: limits, peer: "peer", at: now, memory: memory) { [woken] stream in
        { woken.withLock { $0.append(stream) } }
      }
    }

    consuming func run(_ opening: [UInt8], _ input: [UInt8], _ random: inout SplitMix) throws -> Bool {
      let opening = Bytes(opening)
      exchange.receive(opening.span, at: now)
      var start = 0
      while start < input.count {
        let end = min(input.count, start + Int.random(in: 1...80, using: &random))
        let part = Bytes(input[start..<end])
        exchange.receive(part.span, at: now)
        start = end
        try work(&random)
        if Bool.random(using: &random) { try useFreedMemory(&random) }
        if Bool.random(using: &random) { try wait(.seconds(Int.random(in: 0...20, using: &random)), &random) }
        try require(exchange.streamCount <= limits.streamsMax, "\(exchange.streamCount) streams")
        try require(memory.used <= memory.bytesMax, "\(memory.used) bytes are reserved")
      }
      for _ in 0..<2 {
        try requireFrames()
        try wait(.seconds(100), &random)
      }
      try require(exchange.streamCount == 0 || exchange.isFinished, "a stream stays for ever")
      return served > 0
    }

    private mutating func work(_ random: inout SplitMix) throws {
      while let step = exchange.next(&decompressor) { try carryOut(step, &random) }
    }

    private mutating func carryOut(_ step: HTTP2Exchange.Step, _ random: inout SplitMix) throws {
      switch step {
      case .request(let request, let stream):
        try require(request.body.count <= limits.bodyBytesMax, "a body of \(request.body.count) bytes")
        served += 1
        guard Bool.random(using: &random) else { return }
        let trailers = [HTTPHeader("grpc-status", "0")]
        let response = HTTPResponse(
          status: 200, contentType: "application/grpc", body: Bytes([0, 0, 0, 0, 0]), trailers: trailers)
        exchange.answer(stream, response, at: now)
      case .refuse(let refusal, let stream): exchange.answer(stream, refusal.textResponse, at: now)
      }
    }

    private mutating func useFreedMemory(_ random: inout SplitMix) throws {
      let streams = woken.withLock { woken in
        defer { woken = [] }
        return woken
      }
      for stream in streams {
        exchange.memoryFreed(for: stream, at: now)
        try work(&random)
      }
    }

    private mutating func wait(_ time: Duration, _ random: inout SplitMix) throws {
      now = now + time
      while let step = exchange.nextOverdue(at: now) { try carryOut(step, &random) }
    }

    /// What is sent is whole frames.
    private mutating func requireFrames() throws {
      var output = ByteBuffer()
      exchange.write(to: &output, limit: .max)
      let bytes = output.finish().array
      var index = 0
      while index < bytes.count {
        try require(index + 9 <= bytes.count, "a frame's header is cut")
        index += 9 + bytes[index..<(index + 3)].reduce(0) { $0 << 8 | Int($1) }
        try require(index <= bytes.count, "a frame is cut")
      }
    }
  }
}
