// The event loops and their threads.

package import System

/// Event loops, one thread each. Whoever starts it stops it.
package final class Reactor: Sendable {
  /// How many loops a machine with so many processors gets by default: of more than five, the others are for the sinks,
  /// and otlpd has 12 threads with the installed configuration.
  package static func defaultLoops(processors: Int) -> Int { min(max(1, processors), 5) }

  private let epolls: [Epoll]
  /// The way to each loop, for any thread.
  package let mailboxes: [Mailbox]
  package let clock: any Clock
  /// Opened by the service manager, for the listeners that have the same addresses.
  package let passedSockets: PassedSockets
  private let threads = Lock<[Thread]?>([])
  private let hasStopped = Lock(false)

  /// - Parameters:
  ///   - loops: how many threads serve connections, at least 1.
  ///   - clock: for deadlines. A test with a clock of its own calls `wake` after moving it.
  package init(
    loops: Int, clock: any Clock = SystemClock(), passedSockets: PassedSockets = PassedSockets()
  ) throws(SystemError) {
    precondition(loops >= 1, "a reactor has a loop")
    var epolls: [Epoll] = []
    var mailboxes: [Mailbox] = []
    for _ in 0..<loops {
      epolls.append(try Epoll())
      mailboxes.append(Mailbox(wakeUp: try EventFD()))
    }
    self.epolls = epolls
    self.mailboxes = mailboxes
    self.clock = clock
    self.passedSockets = passedSockets
  }

  /// Listens on `address`: on the socket that was passed for it, else on a new one.
  ///
  /// - Parameter neighbours: see `ListeningSocket`.
  package func listeningSocket(
    on address: SocketAddress, beside neighbours: [ListeningSocket] = []
  ) throws(SystemError) -> ListeningSocket {
    if let passed = passedSockets.take(address) { return ListeningSocket(passed, on: address) }
    return try ListeningSocket(on: address, beside: neighbours)
  }

  /// Starts the threads. Call it once.
  package func start() throws(SystemError) {
    for (index, epoll) in epolls.enumerated() {
      let mailbox = mailboxes[index]
      let clock = clock
      // The loop is made on its thread and never leaves it.
      let thread = try Thread(name: "reactor-\(index)") {
        EventLoop(index: index, epoll: epoll, mailbox: mailbox, clock: clock).run()
      }
      threads.withLock { $0?.append(thread) }
    }
  }

  /// Lets every loop look at the clock.
  package func wake() {
    for mailbox in mailboxes { mailbox.post { _ in } }
  }

  /// Runs `work` on every loop and waits until all have. Never call it on a loop.
  ///
  /// - Parameter limit: how long to wait, by the system's clock.
  /// - Returns: whether all loops ran it in time, or have ended.
  @discardableResult
  package func onEveryLoop(within limit: Duration = .seconds(5), _ work: @escaping Mailbox.Work) -> Bool {
    let left = Lock(mailboxes.count)
    for mailbox in mailboxes {
      let posted = mailbox.post { loop in
        work(loop)
        left.withLock { $0 -= 1 }
        left.wakeAll()
      }
      if !posted { left.withLock { $0 -= 1 } }
    }
    return left.wait(until: SystemClock().monotonic + limit) { $0 == 0 ? true : nil } ?? false
  }

  /// Stops listening, closes idle connections at once, lets requests in flight be answered, closes the rest at the
  /// deadline, and joins the threads. Blocks. A second call returns when the first has finished.
  package func stop(deadline: Duration) {
    let end = clock.monotonic + deadline
    for mailbox in mailboxes { mailbox.post { loop in loop.drain(until: end) } }
    let joined = threads.withLock { threads in
      defer { threads = nil }
      return threads
    }
    // A thread is joined once; whoever comes second waits for the first.
    guard let joined else { return hasStopped.wait(until: nil) { $0 ? () : nil } ?? () }
    for thread in joined { thread.join() }
    hasStopped.withLock { $0 = true }
    hasStopped.wakeAll()
  }
}
