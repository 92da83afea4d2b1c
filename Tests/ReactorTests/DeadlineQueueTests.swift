// The order in which deadlines come up.

import Reactor
import System
import Testing

@Suite("DeadlineQueue")
struct DeadlineQueueTests {
  @Test("Deadlines come up in order, and not before they pass")
  func order() {
    var queue = DeadlineQueue()
    #expect(queue.next == nil && queue.popDue(at: at(100)) == nil)
    for time in [50, 10, 40, 30, 20, 30] as [UInt64] { queue.push(at(time), token: time) }
    #expect(queue.next == at(10) && queue.count == 6)
    #expect(queue.popDue(at: at(9)) == nil)
    var seen: [UInt64] = []
    while let (deadline, token) = queue.popDue(at: at(30)) {
      #expect(deadline == at(token))
      seen.append(token)
    }
    #expect(seen == [10, 20, 30, 30] && queue.next == at(40) && queue.count == 2)
  }

  @Test("Any order of pushes and pops agrees with sorting")
  func agreesWithSorting() {
    var state: UInt64 = 1
    func random(_ bound: UInt64) -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state >> 33) % bound
    }
    var queue = DeadlineQueue()
    var sorted: [UInt64] = []
    for _ in 0..<5000 {
      if random(3) > 0 {
        let time = random(1000)
        queue.push(at(time), token: time)
        sorted.insert(time, at: sorted.firstIndex { $0 > time } ?? sorted.count)
      } else if let popped = queue.popDue(at: at(.max)) {
        #expect(popped.token == sorted.removeFirst())
      } else {
        #expect(sorted.isEmpty)
      }
    }
  }

  @Test("What is removed never comes up, and the rest keeps its order")
  func removal() {
    var queue = DeadlineQueue()
    for time in [50, 10, 40, 30, 20] as [UInt64] { queue.push(at(time), token: time) }
    queue.removeAll { deadline, token in token == 10 || deadline == at(40) }
    #expect(queue.count == 3)
    queue.push(at(25), token: 25)
    var seen: [UInt64] = []
    while let (_, token) = queue.popDue(at: at(100)) { seen.append(token) }
    #expect(seen == [20, 25, 30, 50])
  }

  private func at(_ time: UInt64) -> Instant { Instant(nanoseconds: time) }
}
