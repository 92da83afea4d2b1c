// One thread's loop: ready descriptors, posted work, deadlines, in that order, for ever.

internal import Bytes
package import System

/// Connections and listeners on one thread.
///
/// Nothing here may block or be called from another thread; others post to the `mailbox`. A token names a slot of the
/// table with the slot's generation in its upper half, so that an event or a reply for a connection that is gone
/// finds nothing.
package final class EventLoop {
  private enum Occupant {
    case none
    case connection(HostedConnection)
    case listener(Listener)
  }

  /// A connection in its place, with who speaks on it.
  private final class HostedConnection {
    var connection: Connection
    let handler: any ConnectionHandler

    init(_ connection: consuming Connection, _ handler: any ConnectionHandler) {
      self.connection = connection
      self.handler = handler
    }
  }

  private struct Slot {
    var generation: UInt32 = 0
    var occupant = Occupant.none
  }

  /// 128 KiB: the largest request that is parsed where it was read.
  private static let scratchSize = 128 << 10
  private static let eventsPerTurnMax = 256
  private static let wakeToken = UInt64.max

  /// Which of the reactor's loops this is, from 0.
  package let index: Int
  package let mailbox: Mailbox
  let epoll: Epoll
  private let clock: any Clock

  /// What holds for this turn.
  package private(set) var turn: Turn
  private var slots: [Slot] = []
  private var freeSlots: [Int] = []
  private var deadlines = DeadlineQueue()
  /// Connections that may have bytes of which epoll knows nothing, for the next turn.
  private var unfinished: [UInt64] = []
  /// The connections that want to hear of the turn's end.
  private var turnEnds: [UInt64] = []
  private var scratch = ByteBuffer(capacity: EventLoop.scratchSize)
  private var connectionCount = 0
  /// When the loop ends although connections are still open; nil before the reactor stops.
  private var end: Instant?

  init(index: Int, epoll: Epoll, mailbox: Mailbox, clock: any Clock) {
    self.index = index
    self.epoll = epoll
    self.mailbox = mailbox
    self.clock = clock
    turn = Turn(now: clock.monotonic, isDraining: false)
  }

  // MARK: For handlers and acceptors

  /// Makes a connection of an accepted socket and watches it.
  ///
  /// - Parameters:
  ///   - security: nil for plain text; the handler sees no difference.
  ///   - makeHandler: called once, with the connection's token.
  package func adopt(
    _ socket: consuming Socket, from peer: SocketAddress, security: TransportSecurity? = nil,
    _ makeHandler: (UInt64) -> any ConnectionHandler
  ) {
    let token = freeToken()
    let hosted = HostedConnection(Connection(socket, token: token, peer: peer, security), makeHandler(token))
    occupy(token, .connection(hosted))
    connectionCount += 1
    use(hosted) { connection, turn in
      do {
        try epoll.add(connection.number, .read, token: token)
        connection.open(turn, hosted.handler)
      } catch {
        connection.close()
      }
    }
  }

  /// Lends the open connection that `token` names, and its handler; nothing happens when it is gone.
  package func withConnection(_ token: UInt64, _ body: (inout Connection, any ConnectionHandler, Turn) -> Void) {
    guard case .connection(let hosted) = occupant(token) else { return }
    use(hosted) { connection, turn in
      if connection.isOpen { body(&connection, hosted.handler, turn) }
    }
  }

  /// Takes connections from `socket` until `stopListening`; another acceptor takes over from the one before it.
  package func listen(on socket: ListeningSocket, _ acceptor: any ConnectionAcceptor) {
    guard !turn.isDraining else { return }
    if let listener = listener(of: socket) { return listener.acceptor = acceptor }
    let listener = Listener(socket, token: freeToken(), acceptor: acceptor, loop: self)
    occupy(listener.token, .listener(listener))
    listener.arm()
  }

  /// Who takes the connections of `socket` here; nil when nobody does.
  package func acceptor(of socket: ListeningSocket) -> (any ConnectionAcceptor)? { listener(of: socket)?.acceptor }

  /// Takes no more connections from `socket`.
  package func stopListening(on socket: ListeningSocket) {
    if let listener = listener(of: socket) { remove(listener) }
  }

  private func listener(of socket: ListeningSocket) -> Listener? {
    for slot in slots {
      if case .listener(let listener) = slot.occupant, listener.belongs(to: socket) { return listener }
    }
    return nil
  }

  /// Asks the connections whose handler is meant to end: as at the end of the loop, while the others go on.
  package func drainConnections(where isMeant: (any ConnectionHandler) -> Bool) {
    for slot in slots {
      guard case .connection(let hosted) = slot.occupant, isMeant(hosted.handler) else { continue }
      use(hosted) { connection, turn in connection.drain(turn, hosted.handler) }
    }
  }

  // MARK: For connections and listeners

  func queue(_ deadline: Instant, token: UInt64) { deadlines.push(deadline, token: token) }

  /// Lends a connection to `body` and carries out what that changed.
  private func use(_ hosted: HostedConnection, _ body: (inout Connection, Turn) -> Void) {
    let turn = turn
    body(&hosted.connection, turn)
    settle(&hosted.connection, hosted.handler)
  }

  private func settle(_ connection: inout Connection, _ handler: any ConnectionHandler) {
    let interest = connection.interest
    if interest != connection.watched && !connection.isClosed {
      connection.watched = interest
      do {
        try epoll.modify(connection.number, interest, token: connection.token)
      } catch {
        connection.close()
      }
    }
    if connection.isClosed {
      // The descriptor closes when the slot lets go.
      epoll.remove(connection.number)
      vacate(connection.token)
      connectionCount -= 1
      return handler.closed()
    }
    if connection.mayHaveMore && !connection.isUnfinished {
      connection.isUnfinished = true
      unfinished.append(connection.token)
    }
    if connection.wantsTurnEnd && !connection.isTurnEndQueued {
      connection.isTurnEndQueued = true
      turnEnds.append(connection.token)
    }
    guard let deadline = connection.deadline else { return }
    if let queued = connection.queuedDeadline, queued <= deadline { return }
    connection.queuedDeadline = deadline
    queue(deadline, token: connection.token)
  }

  private func remove(_ listener: Listener) {
    epoll.remove(listener.number)
    vacate(listener.token)
  }

  // MARK: The loop

  /// Runs until `drain` has been called and its work is done.
  func run() {
    var events = Epoll.Events(capacity: EventLoop.eventsPerTurnMax)
    var work: [Mailbox.Work] = []
    do {
      try epoll.add(mailbox.wakeUp.number, .read, token: EventLoop.wakeToken)
    } catch {
      preconditionFailure("a new epoll instance takes its first descriptor: \(error)")
    }
    while !isDone {
      let maySleep = unfinished.isEmpty && mailbox.prepareToSleep()
      epoll.wait(&events, milliseconds: maySleep ? sleepMilliseconds : 0)
      if maySleep { mailbox.wokeUp() }
      turn = Turn(now: clock.monotonic, isDraining: end != nil)
      readUnfinished()
      for index in 0..<events.count { dispatch(events[index]) }
      mailbox.take(&work)
      for item in work { item(self) }
      work.removeAll(keepingCapacity: true)
      passDeadlines()
      endTurn()
    }
    closeEverything()
  }

  private var isDone: Bool {
    guard let end else { return false }
    return connectionCount == 0 || turn.now >= end
  }

  private var sleepMilliseconds: Int? {
    guard let deadline = deadlines.next else { return end.map { $0.since(turn.now).milliseconds } }
    return min(deadline, end ?? deadline).since(turn.now).milliseconds
  }

  private func dispatch(_ event: Epoll.Event) {
    if event.token == EventLoop.wakeToken { return mailbox.wakeUp.reset() }
    switch occupant(event.token) {
    case .connection(let hosted):
      use(hosted) { connection, turn in connection.handle(event, turn, hosted.handler, scratch: &scratch) }
    case .listener(let listener): listener.acceptWaiting()
    case .none: break
    }
  }

  private func readUnfinished() {
    if unfinished.isEmpty { return }
    let tokens = unfinished
    unfinished.removeAll(keepingCapacity: true)
    for token in tokens {
      guard case .connection(let hosted) = occupant(token) else { continue }
      use(hosted) { connection, turn in
        connection.isUnfinished = false
        connection.readMore(turn, hosted.handler, scratch: &scratch)
      }
    }
  }

  private func passDeadlines() {
    // Deadlines of connections that are gone stay until they pass; many short ones must not pile up.
    if deadlines.count > 64 + 8 * slots.count { deadlines.removeAll { deadline, token in !isQueued(deadline, token) } }
    while let (entry, token) = deadlines.popDue(at: turn.now) {
      switch occupant(token) {
      case .connection(let hosted):
        use(hosted) { connection, turn in
          guard entry == connection.queuedDeadline else { return }
          // Either the deadline has passed, or it was moved later in the meantime and is queued again.
          connection.queuedDeadline = nil
          guard let deadline = connection.deadline, deadline <= turn.now else { return }
          connection.passDeadline(turn, hosted.handler)
        }
      case .listener(let listener): listener.arm()
      case .none: break
      }
    }
  }

  /// Whether a queued deadline is still wanted.
  private func isQueued(_ deadline: Instant, _ token: UInt64) -> Bool {
    switch occupant(token) {
    case .connection(let hosted): hosted.connection.queuedDeadline == deadline
    case .listener: true
    case .none: false
    }
  }

  private func endTurn() {
    for token in turnEnds {
      guard case .connection(let hosted) = occupant(token) else { continue }
      use(hosted) { connection, turn in
        connection.wantsTurnEnd = false
        if connection.isOpen { hosted.handler.turnEnded(&connection, turn) }
        connection.isTurnEndQueued = false
      }
    }
    turnEnds.removeAll(keepingCapacity: true)
  }

  // MARK: The end

  /// Stops listening, lets requests in flight finish, and ends the loop at `end` at the latest.
  func drain(until end: Instant) {
    guard self.end == nil else { return }
    self.end = end
    turn = Turn(now: turn.now, isDraining: true)
    for slot in slots {
      switch slot.occupant {
      case .connection(let hosted): use(hosted) { connection, turn in connection.drain(turn, hosted.handler) }
      case .listener(let listener): remove(listener)
      case .none: break
      }
    }
  }

  private func closeEverything() {
    mailbox.close()
    for slot in slots {
      if case .connection(let hosted) = slot.occupant { use(hosted) { connection, _ in connection.close() } }
    }
  }

  // MARK: The table

  private func occupant(_ token: UInt64) -> Occupant {
    let index = Int(UInt32(truncatingIfNeeded: token))
    guard index < slots.count, slots[index].generation == UInt32(truncatingIfNeeded: token >> 32) else { return .none }
    return slots[index].occupant
  }

  private func freeToken() -> UInt64 {
    let index = freeSlots.popLast() ?? slots.count
    if index == slots.count { slots.append(Slot()) }
    return UInt64(slots[index].generation) << 32 | UInt64(index)
  }

  private func occupy(_ token: UInt64, _ occupant: Occupant) {
    slots[Int(UInt32(truncatingIfNeeded: token))].occupant = occupant
  }

  private func vacate(_ token: UInt64) {
    let index = Int(UInt32(truncatingIfNeeded: token))
    // Wraps after 2^32 connections in one slot; nothing keeps a token that long.
    slots[index].generation &+= 1
    slots[index].occupant = .none
    freeSlots.append(index)
  }
}
