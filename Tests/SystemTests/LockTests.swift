// The lock, its condition, and threads.

import System
import Testing

@Suite struct LockTests {
  @Test("Increments from several threads all count")
  func increments() throws {
    let total = Lock(0)
    let threads = try (0..<4).map { number in
      try Thread(name: "count \(number)") { for _ in 0..<10_000 { total.withLock { $0 += 1 } } }
    }
    for thread in threads { thread.join() }
    #expect(total.withLock { $0 } == 40_000)
  }

  @Test("A waiting thread sees the change it was woken for")
  func waking() throws {
    let box = Lock<Int?>(nil)
    let thread = try Thread(name: "waker") {
      box.withLock { $0 = 7 }
      box.wakeAll()
    }
    let seen = box.wait(until: nil) { $0 }
    thread.join()
    #expect(seen == 7)
  }

  @Test("A wait ends at its deadline with what the state says then")
  func deadline() {
    let box = Lock<Int?>(nil)
    let now = SystemClock().monotonic
    #expect(box.wait(until: now + .milliseconds(5)) { $0 } == nil)
  }

  @Test("The far future is no overflow")
  func farFuture() {
    let instant = Instant(nanoseconds: .max - 5) + .seconds(10)
    #expect(instant.nanoseconds == .max)
    #expect(Instant(nanoseconds: 5).since(Instant(nanoseconds: 9)) == .zero)
  }
}
