// Fills a day file of the store and tells what a span costs in CPU time and in bytes.

internal import Glibc
internal import Logging
internal import OTLP
internal import System
internal import TelemetryStore

/// `StoreBench DIRECTORY SPANS MEASURED`: inserts SPANS, then MEASURED more, and prints both rates
/// and the bytes of a span.
@main
enum StoreBench {
  /// As many spans as the sink takes at most into one transaction.
  private static let batch = 32768

  static func main() throws {
    let words = CommandLine.arguments
    guard words.count == 4, let filled = Int(words[2]), let measured = Int(words[3]) else {
      print("usage: StoreBench DIRECTORY SPANS MEASURED")
      exit(64)
    }
    let store = TelemetryStore(
      directory: words[1], clock: SystemClock(), logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() })
    try store.open()
    var sequence: UInt64 = 0
    var traffic = Traffic(seed: 1)
    let day = SystemClock().wall / 86_400_000_000_000 * 86_400_000_000_000
    let total = filled + measured
    var nanoseconds: [UInt64] = [0, 0]
    var done = 0
    while done < total {
      let part = done < filled ? 0 : 1
      var requests: [ExportRequest] = []
      for piece in 0..<16 {
        let from = day + 86_400_000_000_000 / UInt64(total) * UInt64(done + piece * batch / 16)
        requests.append(
          traffic.request(traces: batch / 16 / Traffic.spansPerTrace, from: from, through: from + 44_000_000_000))
      }
      sequence += 1
      let start = cpuTime()
      try store.write(signal: .traces, requests: requests, journal: 1, lastSequence: sequence)
      nanoseconds[part] += cpuTime() - start
      done += batch
    }
    let bytes = store.bytes
    let first = (done - measured)
    print(
      "filling: \(rate(first, nanoseconds[0])) spans per CPU-second; then: "
        + "\(rate(done - first, nanoseconds[1])); bytes per span: \(bytes / done)")
    store.close()
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
