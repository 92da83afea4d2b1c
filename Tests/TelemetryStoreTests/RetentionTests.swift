// What goes when days are over: whole files, after their counts; and what stays.

import Bytes
import Glibc
import OTLP
import SQLite
import System
import TelemetryStore
import Testing

@Suite struct RetentionTests {
  private let history = "telemetry-history.db"
  private static let day: Duration = .seconds(86_400)

  /// A store of the shop's directory that keeps to bounds; its clock stands an hour after `noon` of a later day, and is
  /// believed.
  private func store(_ shop: VisitedShop, days: Int = 0, _ retention: Retention) throws -> TelemetryStore {
    shop.fixture.clock.advance(by: .seconds(86_400 * days))
    let store = TelemetryStore(
      directory: shop.fixture.temporary.path, clock: shop.fixture.clock, logger: shop.fixture.logger,
      retention: retention)
    try store.open()
    if days > 0 { shop.fixture.clock.advance(by: .seconds(3600)) }
    return store
  }

  private func dayFiles(_ shop: VisitedShop) throws -> [String] {
    try shop.fixture.directory.entries().filter { $0.hasPrefix("telemetry-2026") && $0.hasSuffix(".db") }
  }

  /// All of the visits, by hours.
  private func wide() throws -> TimeWindow {
    try #require(
      TimeWindow(
        from: Int64(VisitedShop.midnight - 12 * VisitedShop.hour),
        to: Int64(VisitedShop.midnight + 12 * VisitedShop.hour)))
  }

  private func routes(_ shop: VisitedShop, _ window: TimeWindow) throws -> [String: RequestStatistics] {
    let answer = try shop.reader.operations(window)
    #expect(answer.skipped == [])
    return Dictionary(
      uniqueKeysWithValues: answer.value.rows.map {
        ("\($0.operation.service ?? "") \($0.operation.name)", $0.statistics)
      })
  }

  /// Copies a day's file, and gives the copy's path.
  private func keep(_ name: String, of shop: VisitedShop) throws -> String {
    let copy = shop.fixture.directory.path(of: "copy-" + name)
    try Database(path: shop.fixture.directory.path(of: name), mode: .readWrite).execute("VACUUM INTO '\(copy)'")
    return copy
  }

  @Test("Files older than the bound go, and the answers by the hour stay what they were")
  func deletesByAge() throws {
    let shop = try VisitedShop(seed: 31)
    let (before, calls) = (try routes(shop, wide()), try shop.reader.heatMap(wide(), OperationFilter()).value.cells)
    #expect(before.count == 6)
    // The first file's day ended at the midnight between the two.
    let store = try store(shop, days: 6, Retention(maxAge: .seconds(7 * 86_400 - 43_200)))
    store.retain()
    #expect(try !dayFiles(shop).contains(today) && dayFiles(shop).contains(tomorrow))
    #expect(store.counts.deletedFiles == [.age: 1])
    #expect(try routes(shop, wide()) == before)
    shop.fixture.clock.advance(by: Self.day)
    store.retain()
    #expect(try dayFiles(shop) == ["telemetry-2026-11-28.db"])
    #expect(try routes(shop, wide()) == before)
    #expect(try shop.reader.heatMap(wide(), OperationFilter()).value.cells == calls)
    #expect(try shop.reader.traces(wide(), TraceFilter(), limit: 10).value.traces.isEmpty)
    #expect(try shop.reader.services(wide()).value.map(\.name) == ["shop", "stock"])
    #expect(
      try shop.fixture.rows("SELECT day FROM days ORDER BY day", in: history)
        == [[.text("2026-11-21")], [.text("2026-11-22")]])
  }

  @Test("A short range is answered by hours where only hours are left")
  func answersShortRanges() throws {
    let shop = try VisitedShop(seed: 32)
    let store = try store(shop, days: 9, Retention(maxAge: Self.day))
    store.retain()
    let answer = try shop.reader.chart(shop.window, OperationFilter(category: "route"))
    let visits = shop.visits.filter { Int64($0.start + $0.duration) < answer.value.window.to }
    #expect(answer.value.step % Int64(VisitedShop.hour) == 0)
    #expect(answer.value.points.reduce(0) { $0 + $1.statistics.requests } == Int64(visits.count))
  }

  @Test("A file that comes back after its day was copied counts once, and goes again")
  func copiesOnce() throws {
    let shop = try VisitedShop(seed: 33)
    let before = try routes(shop, wide())
    let copy = try keep(today, of: shop)
    let store = try store(shop, days: 6, Retention(maxAge: .seconds(6 * 86_400)))
    store.retain()
    // As if the process had ended between the copy and the deletion.
    #expect(unsafe rename(copy, shop.fixture.directory.path(of: today)) == 0)
    #expect(try routes(shop, wide()) == before)
    store.retain()
    #expect(try !dayFiles(shop).contains(today))
    #expect(try routes(shop, wide()) == before)
    #expect(store.counts.deletedFiles == [.age: 2])
  }

  @Test("A clock that jumps forward makes nothing old for an hour")
  func waitsAfterJumps() throws {
    let shop = try VisitedShop(seed: 38)
    let store = try store(shop, Retention(maxAge: .seconds(7 * 86_400)))
    let files = try dayFiles(shop).count
    shop.fixture.clock.jump(by: .seconds(400 * 86_400))
    for _ in 0..<59 {
      store.retain()
      shop.fixture.clock.advance(by: .seconds(60))
    }
    #expect(try dayFiles(shop).count == files && store.counts.deletedFiles.isEmpty)
    shop.fixture.clock.advance(by: .seconds(60))
    store.retain()
    #expect(try dayFiles(shop).isEmpty && store.counts.deletedFiles == [.age: files])
  }

  @Test("A start long after the last day waits for an hour, too")
  func waitsAfterLateStarts() throws {
    let shop = try VisitedShop(seed: 39)
    shop.fixture.clock.jump(by: .seconds(400 * 86_400))
    let store = try store(shop, Retention(maxAge: .seconds(7 * 86_400)))
    let files = try dayFiles(shop).count
    store.retain()
    #expect(try dayFiles(shop).count == files)
    shop.fixture.clock.advance(by: .seconds(3600))
    store.retain()
    #expect(store.counts.deletedFiles == [.age: files])
  }

  @Test("The oldest files go until the rest fits, and never today's")
  func deletesBySize() throws {
    let shop = try VisitedShop(seed: 34)
    try store(shop, days: 1, Retention()).close()
    let bytes = try store(shop, Retention()).bytes
    let fitting = try store(shop, Retention(maxBytes: bytes))
    fitting.retain()
    #expect(try dayFiles(shop).count == 3 && fitting.counts.deletedFiles.isEmpty)
    fitting.close()
    let small = try store(shop, Retention(maxBytes: bytes - 1))
    small.retain()
    #expect(try dayFiles(shop) == [tomorrow, "telemetry-2026-11-23.db"])
    #expect(small.counts.deletedFiles == [.size: 1])
    small.close()
    let tiny = try store(shop, Retention(maxBytes: 1))
    tiny.retain()
    try tiny.write(signal: .logs, requests: [.log("a")], journal: 1, lastSequence: 99)
    tiny.retain()
    #expect(try dayFiles(shop) == ["telemetry-2026-11-23.db"])
  }

  @Test("Who asks while files are copied and deleted gets the same answer all the time")
  func answersMeanwhile() throws {
    let shop = try VisitedShop(seed: 35, count: 200)
    let expected = try routes(shop, wide())
    let store = try store(shop, days: 9, Retention(maxAge: Self.day))
    let (isOver, wrong) = (Lock(false), Lock<[String]>([]))
    let started = Lock(0)
    let window = try wide()
    let reader = shop.reader
    let threads = try (0..<2).map { _ in
      try Thread(name: "asks") {
        while !isOver.withLock({ $0 }) {
          do {
            let answer = try reader.operations(window)
            let counts = answer.value.rows.map { "\($0.operation.service ?? "") \($0.operation.name)" }
            if Set(counts) != Set(expected.keys) || answer.skipped != [] {
              wrong.withLock { $0.append("\(counts) \(answer.skipped)") }
            }
            for row in answer.value.rows
            where expected["\(row.operation.service ?? "") \(row.operation.name)"] != row.statistics {
              wrong.withLock { $0.append("\(row.operation): \(row.statistics.requests)") }
            }
          } catch { wrong.withLock { $0.append("\(error)") } }
          started.withLock { $0 += 1 }
          started.wakeAll()
        }
      }
    }
    _ = started.wait(until: nil) { $0 > 4 ? true : nil }
    store.retain()
    let now = started.withLock { $0 }
    _ = started.wait(until: nil) { $0 > now + 4 ? true : nil }
    isOver.withLock { $0 = true }
    for thread in threads { thread.join() }
    #expect(wrong.withLock { $0 } == [])
    #expect(store.counts.deletedFiles == [.age: 2])
  }

  @Test("An open query goes on reading a file that is deleted")
  func keepsOpenQueries() throws {
    let shop = try VisitedShop(seed: 36)
    let database = try shop.fixture.database(today)
    try database.execute("BEGIN")
    let count = try database.value("SELECT count(*) FROM spans")
    let store = try store(shop, days: 9, Retention(maxAge: Self.day))
    store.retain()
    #expect(try dayFiles(shop) == ["telemetry-2026-12-01.db"])
    #expect(try database.value("SELECT count(*) FROM spans") == count)
    try database.execute("COMMIT")
  }

  @Test("The positions outlive the files that they were written with")
  func keepsPositions() throws {
    let shop = try VisitedShop(seed: 37)
    let first = try store(shop, days: 9, Retention(maxAge: Self.day))
    first.retain()
    first.close()
    for name in try shop.fixture.directory.entries() where name != history { try shop.fixture.directory.remove(name) }
    #expect(try store(shop, Retention()).position(of: .traces, in: 1) == 4)
  }

  @Test("A damaged day is set aside and takes no other with it")
  func setsDamagedDaysAside() throws {
    let shop = try VisitedShop(seed: 38)
    let store = try store(shop, days: 9, Retention(maxAge: Self.day))
    let path = shop.fixture.directory.path(of: today)
    let descriptor = unsafe open(path, O_WRONLY)
    let noise = [UInt8](repeating: 0x5a, count: shop.fixture.directory.size(of: today))
    _ = unsafe write(descriptor, noise, noise.count)
    close(descriptor)
    store.retain()
    #expect(store.counts.corruptFiles == 1 && store.counts.deletedFiles == [.age: 1])
    #expect(try shop.fixture.directory.entries().contains { $0.hasPrefix("\(today).corrupt-") })
    #expect(try shop.fixture.rows("SELECT day FROM days", in: history) == [[.text("2026-11-22")]])
  }

  @Test("A damaged history is set aside, one of a newer otlpd is refused and left alone")
  func guardsTheHistory() throws {
    let shop = try VisitedShop(seed: 39)
    let path = shop.fixture.directory.path(of: history)
    let other = try Database(path: path, mode: .create)
    try other.execute("PRAGMA application_id = 1869900912; PRAGMA user_version = 99; CREATE TABLE t(a)")
    other.close()
    do {
      _ = try store(shop, days: 9, Retention(maxAge: Self.day))
      Issue.record("expected a refusal")
    } catch let error as StoreError {
      #expect(error.kind == .newerSchema)
    }
    #expect(try shop.fixture.value("SELECT name FROM sqlite_schema", in: history) == .text("t"))
    let descriptor = unsafe open(path, O_WRONLY)
    let noise = [UInt8](repeating: 0x5a, count: 8192)
    _ = unsafe write(descriptor, noise, noise.count)
    close(descriptor)
    let store = try store(shop, days: 1, Retention(maxAge: Self.day))
    store.retain()
    #expect(store.counts.corruptFiles == 1 && store.counts.deletedFiles == [.age: 2])
    #expect(try shop.fixture.value("SELECT count(*) FROM days", in: history) == .integer(2))
  }

  @Test("Hours go after 400 days, with the operations that only they had")
  func expiresHours() throws {
    let shop = try VisitedShop(seed: 40)
    var store = try store(shop, days: 9, Retention(maxAge: Self.day))
    store.retain()
    store.close()
    shop.fixture.clock.advance(by: .seconds(410 * 86_400))
    store = try self.store(shop, Retention(maxAge: Self.day))
    try store.write(signal: .traces, requests: [.span(trace: 9, name: "new")], journal: 1, lastSequence: 90)
    #expect(try shop.fixture.value("SELECT count(*) FROM operations", in: history) == .integer(6))
    store.close()
    store = try self.store(shop, days: 3, Retention(maxAge: Self.day))
    store.retain()
    // The new span's own time is as old as those before.
    #expect(try shop.fixture.rows("SELECT DISTINCT name FROM operations", in: history) == [[.text("new")]])
  }

  @Test("A store that is idle over midnight closes the day's file, and keeps it as long as others")
  func closesIdleDays() throws {
    let fixture = Fixture()
    let store = TelemetryStore(
      directory: fixture.temporary.path, clock: fixture.clock, logger: fixture.logger,
      retention: Retention(maxAge: .seconds(2 * 86_400)))
    store.retain()
    try store.open()
    try store.write(signal: .logs, requests: [.log("a")], journal: 1, lastSequence: 1)
    store.retain()
    fixture.clock.advance(by: Self.day)
    store.retain()
    #expect(try fixture.directory.entries() == [today])
    fixture.clock.advance(by: Self.day)
    store.retain()
    #expect(try fixture.directory.entries() == [today])
    fixture.clock.advance(by: Self.day)
    store.retain()
    #expect(try fixture.directory.entries() == [history])
    try store.write(signal: .logs, requests: [.log("b")], journal: 1, lastSequence: 1)
    #expect(store.counts.skippedBatches == 1)
    try store.write(signal: .logs, requests: [.log("b")], journal: 1, lastSequence: 2)
    #expect(try fixture.value("SELECT count(*) FROM logs", in: "telemetry-2026-11-24.db") == .integer(1))
  }
}
