// Log search against a search by hand.

import Fuzzing
import OTLP
import System
import TelemetryStore
import Testing

@Suite struct LogQueryTests {
  struct Record {
    let number: Int
    let time: UInt64
    let severity: Int
    let service: String
    let words: [String]
    let trace: Int
    /// Only an observed time was sent.
    let isObserved: Bool

    var json: String {
      let time = #""\#(isObserved ? "observedTimeUnixNano" : "timeUnixNano")":"\#(time)""#
      return #"""
        {\#(time),"severityNumber":\#(severity),"body":{"stringValue":"n\#(number) \#(words.joined(separator: " "))"},
          "traceId":"\#(trace == 0 ? "" : hex(trace, 32))"}
        """#
    }
  }

  /// A store of two days with 300 records of two services.
  private func logs() throws -> (Fixture, [Record], StoreReader, TimeWindow) {
    var chance = SplitMix(seed: 11)
    let records = (0..<300).map { number in
      Record(
        number: number, time: noon + UInt64(number) * 300_000_000_000 + UInt64.random(in: 1...999, using: &chance),
        severity: [1, 9, 13, 17, 21].randomElement(using: &chance) ?? 9,
        service: ["shop", "stock"].randomElement(using: &chance) ?? "",
        words: (0..<3).map { _ in ["payment", "declined", "stock", "OR", "Ärger"].randomElement(using: &chance) ?? "" },
        trace: Int.random(in: 0..<5, using: &chance), isObserved: Int.random(in: 0..<4, using: &chance) == 0)
    }
    let fixture = Fixture()
    let store = try fixture.openStore()
    for (sequence, part) in [records[..<150], records[150...]].enumerated() {
      for (offset, service) in ["shop", "stock"].enumerated() {
        let list = part.filter { $0.service == service }.map(\.json).joined(separator: ",")
        let request = try ExportRequest(
          .logs,
          json: #"""
            {"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"\#(service)"}}]},
              "scopeLogs":[{"logRecords":[\#(list)]}]}]}
            """#)
        try store.write(
          signal: .logs, requests: [request], journal: 1, lastSequence: UInt64(sequence * 2 + offset + 1))
      }
      fixture.clock.advance(by: .seconds(86_400))
    }
    store.close()
    let window = try #require(TimeWindow(from: Int64(noon), to: Int64(noon) + 299 * 300_000_000_000))
    return (
      fixture, records.filter { $0.time < UInt64(window.to) }, StoreReader(directory: fixture.temporary.path), window
    )
  }

  /// Searches, and what each must find.
  private static let cases: [(change: @Sendable (inout LogFilter) -> Void, matches: @Sendable (Record) -> Bool)] = [
    ({ _ in }, { _ in true }),
    ({ $0.service = "shop" }, { $0.service == "shop" }),
    ({ $0.severityMin = 17 }, { $0.severity >= 17 }),
    ({ $0.severityMin = 13 }, { $0.severity >= 13 }),
    ({ $0.trace = TraceID("3") }, { $0.trace == 3 }),
    ({ $0.text = "payment" }, { $0.words.contains("payment") }),
    ({ $0.text = "declin* or" }, { $0.words.contains("declined") && $0.words.contains("OR") }),
    ({ $0.text = "n17" }, { $0.number == 17 }),
    ({ $0.text = #"" OR ( NEAR"# }, { _ in false }),
    (
      {
        $0.text = "stock"
        $0.service = "stock"
        $0.severityMin = 9
        $0.trace = TraceID(hex(2, 32))
      }, { $0.words.contains("stock") && $0.service == "stock" && $0.severity >= 9 && $0.trace == 2 }
    ),
  ]

  @Test("Every search gives, page by page, what a search by hand gives, newest first", arguments: cases.indices)
  func search(index: Int) throws {
    let (fixture, records, reader, window) = try logs()
    var filter = LogFilter()
    Self.cases[index].change(&filter)
    let expected = records.filter(Self.cases[index].matches).sorted { $0.time > $1.time }.map { Int64($0.time) }
    for limit in [7, 1000] {
      var found: [Int64] = []
      var before: TraceCursor?
      var pages = 0
      repeat {
        let page = try reader.logs(window, filter, limit: limit, before: before).value
        found += page.logs.map(\.time)
        before = page.next
        pages += 1
      } while before != nil && pages < 100
      #expect(found == expected)
    }
    withExtendedLifetime(fixture) {}
  }
}
