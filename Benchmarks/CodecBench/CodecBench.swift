// Runs one part of the codec over a body from standard input, so that time, instructions and allocations can be told.

internal import Bytes
internal import Glibc
internal import OTLP

/// `CodecBench decode|request|write|views traces|metrics|logs json|protobuf PASSES ROUNDS < body`
///
/// Prints the median nanoseconds of one pass, the bytes that a pass gives, and the items it sees. The caller tells the
/// cost of start-up apart by running twice with different numbers of passes.
@main
enum CodecBench {
  static func main() throws {
    let words = CommandLine.arguments
    guard words.count == 6, let work = Work(rawValue: words[1]),
      let signal = Signal.allCases.first(where: { $0.name == words[2] }), let passes = Int(words[4]),
      let rounds = Int(words[5]), passes > 0, rounds > 0
    else {
      print("usage: CodecBench decode|request|write|views traces|metrics|logs json|protobuf PASSES ROUNDS < body")
      exit(64)
    }
    var bench = try Bench(
      work: work, signal: signal, encoding: words[3] == "json" ? .json : .protobuf, body: standardInput())
    // What a first pass allocates and learns is not a steady state.
    try bench.run(passes: 1)
    let clock = ContinuousClock()
    var times: [Int64] = []
    for _ in 0..<rounds {
      let time = try clock.measure { try bench.run(passes: passes) }
      times.append((time.components.seconds * 1_000_000_000 + time.components.attoseconds / 1_000_000_000))
    }
    times.sort()
    print(Double(times[times.count / 2]) / Double(passes), bench.outputCount, bench.request.itemCount, bench.sum)
  }

  private static func standardInput() -> Bytes {
    var body: [UInt8] = []
    while true {
      let character = getchar()
      if character == EOF { return Bytes(body) }
      body.append(UInt8(truncatingIfNeeded: character))
    }
  }
}

/// What a pass does.
enum Work: String {
  /// Validates a body that is already in memory: the walk, or JSON to protobuf.
  case decode
  /// The same, with the copy that stands for the body's way from the socket.
  case request
  /// Protobuf to JSON into a buffer that is used again.
  case write
  /// Visits every field and attribute of every item.
  case views
}

/// One kind of work on one body.
struct Bench: ~Copyable {
  let work: Work
  let signal: Signal
  let encoding: Encoding
  let body: Bytes
  let request: ExportRequest
  /// Bytes that the last pass gave.
  var outputCount = 0
  /// Made of everything that the views show, so that the compiler leaves nothing out.
  var sum: UInt64 = 0
  private var buffer = ByteBuffer()

  init(work: Work, signal: Signal, encoding: Encoding, body: Bytes) throws {
    self.work = work
    self.signal = signal
    self.encoding = encoding
    self.body = body
    request = try ExportRequest(decoding: body, as: encoding, signal: signal)
  }

  mutating func run(passes: Int) throws {
    for _ in 0..<passes {
      switch work {
      case .decode: outputCount = try ExportRequest(decoding: body, as: encoding, signal: signal).payload.count
      case .request:
        let arrived = Bytes(copying: body.span)
        outputCount = try ExportRequest(decoding: arrived, as: encoding, signal: signal).payload.count
      case .write:
        buffer.removeAll()
        request.appendJSON(to: &buffer)
        outputCount = buffer.count
      case .views: sum &+= touched(request)
      }
    }
  }
}

/// Reads what the views show of a request's items, whatever its signal.
private func touched(_ request: ExportRequest) -> UInt64 {
  var sum: UInt64 = 0
  request.forEachSpan { resource, scope, span in
    sum &+= UInt64(resource.index &+ scope.index &+ span.traceID.count &+ span.spanID.count &+ span.parentSpanID.count)
    sum &+= UInt64(span.name.count) &+ UInt64(span.kind) &+ span.startTimeUnixNano &+ span.endTimeUnixNano
    sum &+= UInt64(span.flags) &+ UInt64(span.status.code)
    span.attributes.forEach { key, value in sum &+= UInt64(key.count) &+ touched(value) }
    span.forEachEvent { event in sum &+= event.timeUnixNano }
  }
  request.forEachLogRecord { resource, scope, record in
    sum &+= UInt64(resource.index &+ scope.index &+ record.traceID.count) &+ record.timeUnixNano
    sum &+= UInt64(record.severityText.count) &+ UInt64(record.severityNumber) &+ touched(record.body)
    record.attributes.forEach { key, value in sum &+= UInt64(key.count) &+ touched(value) }
  }
  request.forEachMetric { resource, scope, metric in
    sum &+= UInt64(resource.index &+ scope.index &+ metric.name.count &+ metric.unit.count)
    metric.forEachDataPoint { point in
      sum &+= point.timeUnixNano &+ (point.count ?? 0) &+ (point.sum?.bitPattern ?? 0)
      point.bucketCounts.forEachUInt64 { sum &+= $0 }
      point.attributes.forEach { key, value in sum &+= UInt64(key.count) &+ touched(value) }
    }
  }
  return sum
}

private func touched(_ value: borrowing AnyValueView) -> UInt64 {
  switch value.kind {
  case .string(let text): UInt64(text.count)
  case .int(let number): UInt64(bitPattern: number)
  case .bool(let value): value ? 1 : 0
  case .double(let number): number.bitPattern
  default: 1
  }
}
