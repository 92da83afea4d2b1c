// Fills a day file of the store, and tells what a span costs in CPU time and bytes, and how long questions take.

internal import Glibc
internal import Logging
internal import OTLP
internal import System
internal import TelemetryStore

/// `StoreBench DIRECTORY SPANS MEASURED [bare]`: inserts SPANS, then MEASURED more, and asks; prints one figure a line.
///
/// With `bare`, without indexes but that of the ids, and spans that have no part in roll-ups and findings.
@main
enum StoreBench {
  /// As many spans as the sink takes at most into one transaction.
  private static let batch = 32768
  private static let pieces = 16
  private static let dayLength: UInt64 = 86_400_000_000_000

  static func main() throws {
    let words = CommandLine.arguments
    guard words.count == 4 || words.count == 5 && words[4] == "bare", let filled = Int(words[2]),
      let measured = Int(words[3])
    else {
      print("usage: StoreBench DIRECTORY SPANS MEASURED [bare]")
      exit(64)
    }
    let isBare = words.count == 5
    let store = TelemetryStore(
      directory: words[1], clock: SystemClock(), logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() },
      schema: isBare ? StoreBench.bareSchema : .current)
    try store.open()
    let day = SystemClock().wall / dayLength * dayLength
    try insert(filled, measured, into: store, day: day, isBare: isBare)
    if !isBare { try ask(StoreReader(directory: words[1]), day: Int64(day)) }
    store.close()
  }

  private static var bareSchema: StoreSchema {
    let indexes = ["span_entries", "span_routes", "span_errors"].map { "DROP INDEX \($0);" }.joined()
    return StoreSchema(steps: StoreSchema.current.steps.map { $0 + indexes })
  }

  private static func insert(
    _ filled: Int, _ measured: Int, into store: TelemetryStore, day: UInt64, isBare: Bool
  ) throws {
    var sequence: UInt64 = 0
    var traffic = Traffic(seed: 1, isBare: isBare)
    let total = filled + measured
    var nanoseconds: [UInt64] = [0, 0]
    var done = 0
    var first = 0
    while done < total {
      let part = done < filled ? 0 : 1
      if part == 0 { first = done + batch }
      let requests = (0..<pieces).map { piece in
        let from = day + dayLength / UInt64(total) * UInt64(done + piece * batch / pieces)
        return traffic.request(
          traces: batch / pieces / Traffic.spansPerTrace, from: from, through: from + 44_000_000_000)
      }
      sequence += 1
      let start = cpuTime()
      try store.write(signal: .traces, requests: requests, journal: 1, lastSequence: sequence)
      nanoseconds[part] += cpuTime() - start
      done += batch
    }
    print("spans \(done)")
    print("filling \(rate(first, nanoseconds[0]))")
    print("insert \(rate(done - first, nanoseconds[1]))")
    print("bytes \(store.bytes / done)")
  }

  /// Prints the median time of each question, in milliseconds.
  private static func ask(_ reader: StoreReader, day: Int64) throws {
    let hour: Int64 = 3_600_000_000_000
    guard let whole = TimeWindow(from: day, to: day + 24 * hour),
      let last = TimeWindow(from: day + 23 * hour, to: day + 24 * hour)
    else { return }
    var slow = TraceFilter()
    slow.route = "/orders"
    slow.durationMin = 140
    var slower = slow
    slower.durationMin = 10_000
    var errors = TraceFilter()
    errors.isError = true
    let found = try reader.traces(whole, slow, limit: 1000).value.traces
    guard let middle = found.dropFirst(found.count / 2).first.flatMap({ TraceID($0.traceID) }) else { return }
    try measure("routes of an hour") { try reader.operations(last).value.rows.count }
    try measure("routes of a day") { try reader.operations(whole).value.rows.count }
    try measure("a trace") { try reader.trace(middle).value.spans.count }
    try measure("slow of a route") { try reader.traces(whole, slow, limit: 20).value.traces.count }
    try measure("none of a route") { try reader.traces(whole, slower, limit: 20).value.traces.count + 1 }
    try measure("errors of an hour") { try reader.traces(last, errors, limit: 100).value.traces.count }
  }

  private static func measure(_ name: String, _ ask: () throws -> Int) throws {
    var times: [UInt64] = []
    for _ in 0..<21 {
      let start = SystemClock().monotonic
      let found = try ask()
      times.append(SystemClock().monotonic.nanoseconds - start.nanoseconds)
      precondition(found > 0, "there is something to find")
    }
    print("\(name): \(Double(times.sorted()[times.count / 2] / 1000) / 1000)")
  }

  private static func rate(_ spans: Int, _ nanoseconds: UInt64) -> Int {
    Int(Double(spans) * 1e9 / Double(max(nanoseconds, 1)))
  }

  private static func cpuTime() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
