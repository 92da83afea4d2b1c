// The lanes of one sink, served in turn by its threads.

package import Journal
package import OTLP
package import System

/// Chooses what a free thread does next, so that a busy or failing signal does not hold the others back.
package struct LaneRotation: Sendable {
  /// What a thread of the sink does next; `lane` counts from 0 in the order of the sink's signals.
  package enum Step: Sendable {
    case read(lane: Int, Lane.Reading)
    case send(lane: Int, Lane.Sending)
    /// Nothing before this time, or before one of the alarms (by lane) is reached.
    case wait(until: Instant?, alarms: [Cursor.Alarm?])
    /// Stopping, and no lane has anything left for this thread, or time left.
    case finish
  }

  private var lanes: [Lane]
  private let threads: Int
  private var turn = 0
  private var stopBy: Instant?

  package init(lanes: Int, settings: DeliverySettings) {
    self.lanes = Array(repeating: Lane(settings: settings), count: lanes)
    threads = settings.consumers
  }

  /// Starts stopping: everything pending is due now, and nothing is sent after `deadline`.
  package mutating func stop(by deadline: Instant, at now: Instant) {
    guard stopBy == nil else { return }
    stopBy = deadline
    for lane in lanes.indices { lanes[lane].hurry(at: now) }
  }

  /// The next step of a free thread; the lane after the one that sent last goes first.
  package mutating func next(at now: Instant, backlog: (_ lane: Int) -> Cursor.Status) -> Step {
    var until: Instant?
    var alarms = [Cursor.Alarm?](repeating: nil, count: lanes.count)
    var finished = 0
    let free = threads - lanes.reduce(0) { $0 + $1.sending }
    for offset in lanes.indices {
      let lane = (turn + offset) % lanes.count
      // The last free thread is for a signal that has none, so that one that hangs does not stop the others.
      let maySend = lanes[lane].sending == 0 || free > 1 || lanes.count == 1
      switch lanes[lane].step(at: now, backlog: backlog(lane), stopBy: stopBy, maySend: maySend) {
      case .read(let reading): return .read(lane: lane, reading)
      case .send(let sending):
        turn = (lane + 1) % lanes.count
        return .send(lane: lane, sending)
      case .rest(let time, let alarm):
        alarms[lane] = alarm
        if let time { until = min(until ?? time, time) }
      case .finished: finished += 1
      }
    }
    if finished == lanes.count { return .finish }
    if let stopBy { until = min(until ?? stopBy, stopBy) }
    return .wait(until: until, alarms: alarms)
  }

  /// What the lane's `read` came to; nil when there was nothing.
  package mutating func take(_ load: Load?, lane: Int, at now: Instant) { lanes[lane].take(load, at: now) }

  /// How the lane's `send` went, which began at `start`.
  ///
  /// - Parameter jitter: random in -1 ... 1.
  package mutating func ended(
    _ sent: Lane.Sending, _ result: Result<ExportRequest.Rejection?, ExportError>, lane: Int, start: Instant,
    now: Instant, jitter: Double
  ) -> Lane.Verdict {
    lanes[lane].ended(sent, result, start: start, now: now, stopping: stopBy != nil, jitter: jitter)
  }

  /// Why the lane sends nothing until somebody changes something there or here; nil when it does.
  package func pauseReason(_ lane: Int) -> String? { lanes[lane].pause?.reason }

  /// The lane's last failure, until the next delivery.
  package func trouble(_ lane: Int) -> String? { lanes[lane].trouble }

  /// The lane's loads that are done, as far as its cursor may move.
  package mutating func takeSettled(_ lane: Int) -> [Load.Settlement] { lanes[lane].takeSettled() }
}
