// What the streams of one HTTP/2 connection have of the common memory, and which of them wait for it.

internal import System

/// Reserves memory for the bodies of one connection; all of it is given back when that goes. Loop thread only.
///
/// A stream that waits holds what has arrived of it, which its window bounds, and nothing else: it is refused when even
/// for that there is no room. Streams that wait for each other are parted by a bounded time, as HTTP/1.1's bodies are.
struct StreamMemory: ~Copyable {
  private struct Share {
    var bytes = 0
    /// What the budget calls the waiting.
    var waitID: UInt64?
    /// When it began to wait, in nanoseconds; stays until the memory is there.
    var waitStart: UInt64?
  }

  /// What `reserve` came to.
  enum Outcome {
    case reserved
    /// `wake` will be called for the stream.
    case waits
    case refused
  }

  private let budget: MemoryBudget
  private let wake: @Sendable (Int32) -> @Sendable () -> Void
  /// By the stream's number; small bodies have none.
  private var shares: [Int32: Share] = [:]
  /// How many streams wait.
  private(set) var waiting = 0

  /// - Parameter wake: makes what the budget calls, on any thread, when a stream shall ask again.
  init(_ budget: MemoryBudget, wake: @escaping @Sendable (Int32) -> @Sendable () -> Void) {
    self.budget = budget
    self.wake = wake
  }

  deinit {
    for share in shares.values {
      if let id = share.waitID { budget.forget(id) }
      budget.release(share.bytes)
    }
  }

  /// The most that one body can ever get.
  var largestShare: Int { budget.largeBytesMax }

  /// When the first stream began that waits.
  var firstWaitStart: UInt64? { waiting == 0 ? nil : shares.values.lazy.compactMap(\.waitStart).min() }

  func waitStart(of stream: Int32) -> UInt64? { waiting == 0 ? nil : shares[stream]?.waitStart }

  /// Holds at least `total` bytes for the stream from now on, or waits for them.
  ///
  /// - Parameter arrived: what is here of its body, and must be held in any case.
  mutating func reserve(_ total: Int, for stream: Int32, arrived: Int, at now: UInt64) -> Outcome {
    var share = shares[stream] ?? Share()
    if share.waitID == nil {
      if total <= share.bytes { return .reserved }
      switch budget.reserve(
        total - share.bytes, holding: share.bytes, isWoken: share.waitStart != nil, wake: wake(stream))
      {
      case .reserved:
        shares[stream] = Share(bytes: total)
        return .reserved
      case .waiting(let id):
        share.waitID = id
        share.waitStart = share.waitStart ?? now
        waiting += 1
      }
    }
    if arrived > share.bytes {
      guard budget.reserveNow(arrived - share.bytes) else {
        shares[stream] = share
        release(stream)
        return .refused
      }
      share.bytes = arrived
    }
    guard share.bytes < total else {
      // All of it is here, and held.
      stopWaiting(share)
      shares[stream] = Share(bytes: share.bytes)
      return .reserved
    }
    shares[stream] = share
    return .waits
  }

  /// The budget has called for this stream.
  ///
  /// - Returns: whether it still waits, and has to ask again.
  mutating func woken(_ stream: Int32) -> Bool {
    guard shares[stream]?.waitID != nil else { return false }
    shares[stream]?.waitID = nil
    waiting -= 1
    return true
  }

  /// Holds at most `total` bytes for the stream from now on.
  mutating func shrink(_ stream: Int32, to total: Int) {
    guard let bytes = shares[stream]?.bytes, total < bytes else { return }
    shares[stream]?.bytes = total
    budget.release(bytes - total)
  }

  /// The stream is answered, or gone.
  mutating func release(_ stream: Int32) {
    guard !shares.isEmpty, let share = shares.removeValue(forKey: stream) else { return }
    stopWaiting(share)
    budget.release(share.bytes)
  }

  private mutating func stopWaiting(_ share: Share) {
    guard let id = share.waitID else { return }
    budget.forget(id)
    waiting -= 1
  }
}
