// The memory that requests in flight may take together, reserved before it is used.

internal import System

/// One budget for the bodies of all connections, in bytes. Safe from any thread; holds its lock for a few instructions.
///
/// A body reserves what it needs before it is read: the announced length at once, so that it holds nothing while it
/// waits. Only chunked bodies, which double what they hold, and what packed ones unpack to may wait for each other; a
/// bounded time ends that. Large bodies may take three quarters of the budget: announcing many of them keeps no small
/// one out. Who finds no room is woken when some is given back, in the order of asking.
package final class MemoryBudget: Sendable {
  /// Up to here a reservation is small.
  package static let smallBytesMax = 256 << 10

  private struct Waiter {
    let id: UInt64
    let bytes: Int
    let isSmall: Bool
    let wake: @Sendable () -> Void
  }

  private struct State {
    var used = 0
    var nextID: UInt64 = 1
    var waiters: [Waiter] = []
  }

  /// All of it.
  package let bytesMax: Int
  /// The part that large bodies may take; no single reservation can be larger.
  package let largeBytesMax: Int
  private let state = Lock(State())

  package init(bytesMax: Int) {
    self.bytesMax = bytesMax
    largeBytesMax = bytesMax / 4 * 3
  }

  /// How many bytes are reserved.
  package var used: Int { state.withLock { $0.used } }

  /// How many requests wait for room.
  package var waiting: Int { state.withLock { $0.waiters.count } }

  /// What `reserve` came to.
  enum Outcome {
    case reserved
    /// There is no room; `wake` will be called unless the number is given to `forget`.
    case waiting(id: UInt64)
  }

  /// Takes `bytes` more for a request that holds `held` already, or queues it.
  ///
  /// - Parameters:
  ///   - isWoken: whether it was queued and woken before; others let the queue go first.
  ///   - wake: called once on any thread when there may be room; it asks again.
  func reserve(
    _ bytes: Int, holding held: Int, isWoken: Bool, wake: @autoclosure () -> @Sendable () -> Void
  ) -> Outcome {
    let isSmall = held + bytes <= MemoryBudget.smallBytesMax
    return state.withLock { state in
      let hasRoom = state.used + bytes <= (isSmall ? bytesMax : largeBytesMax)
      if hasRoom && (isSmall || isWoken || state.waiters.isEmpty) {
        state.used += bytes
        return .reserved
      }
      defer { state.nextID += 1 }
      state.waiters.append(Waiter(id: state.nextID, bytes: bytes, isSmall: isSmall, wake: wake()))
      return .waiting(id: state.nextID)
    }
  }

  /// Takes `bytes` if there is room now.
  func reserveNow(_ bytes: Int) -> Bool {
    state.withLock { state in
      guard state.used + bytes <= bytesMax else { return false }
      state.used += bytes
      return true
    }
  }

  /// Gives `bytes` back and wakes those for whom there may be room now.
  func release(_ bytes: Int) {
    if bytes == 0 { return }
    let woken = state.withLock { state in
      state.used -= bytes
      return takeWoken(&state)
    }
    for waiter in woken { waiter.wake() }
  }

  /// The request that waited has gone, or waits no more.
  func forget(_ id: UInt64) {
    state.withLock { state in state.waiters.removeAll { $0.id == id } }
  }

  /// Takes those from the queue that fit, in order; behind a large one that does not, no other large one goes first.
  private func takeWoken(_ state: inout State) -> [Waiter] {
    if state.waiters.isEmpty { return [] }
    var woken: [Waiter] = []
    var used = state.used
    var mayTakeLarge = true
    state.waiters.removeAll { waiter in
      let fits = used + waiter.bytes <= (waiter.isSmall ? bytesMax : largeBytesMax)
      guard fits && (waiter.isSmall || mayTakeLarge) else {
        if !waiter.isSmall { mayTakeLarge = false }
        return false
      }
      used += waiter.bytes
      woken.append(waiter)
      return true
    }
    return woken
  }
}

/// What one connection has reserved; given back when it goes.
struct Reservation: ~Copyable {
  private let budget: MemoryBudget
  private(set) var bytes = 0

  init(_ budget: MemoryBudget) { self.budget = budget }

  deinit { budget.release(bytes) }

  /// Holds at least `total` bytes from now on, or waits.
  ///
  /// - Returns: nil when they are held, else what the budget calls the waiting.
  mutating func grow(
    to total: Int, isWoken: Bool, wake: @autoclosure () -> @Sendable () -> Void
  ) -> UInt64? {
    if total <= bytes { return nil }
    switch budget.reserve(total - bytes, holding: bytes, isWoken: isWoken, wake: wake()) {
    case .reserved:
      bytes = total
      return nil
    case .waiting(let id): return id
    }
  }

  /// Holds exactly `total` bytes, if there is room now.
  mutating func resize(to total: Int) -> Bool {
    if total > bytes {
      guard budget.reserveNow(total - bytes) else { return false }
      bytes = total
    } else {
      shrink(to: total)
    }
    return true
  }

  /// Holds at most `total` bytes from now on.
  mutating func shrink(to total: Int) {
    guard total < bytes else { return }
    budget.release(bytes - total)
    bytes = total
  }
}
