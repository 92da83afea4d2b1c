// The lanes of one sink, served in turn.

package import Journal
package import OTLP
package import System

/// Chooses the next lane to serve, so that a busy or failing signal does not hold the others back.
package struct LaneRotation: Sendable {
  /// What the sink's thread does next; `lane` counts from 0 in the order of the sink's signals.
  package enum Step: Sendable {
    case read(lane: Int)
    case send(lane: Int, Batch)
    /// Nothing before this time, or before one of the alarms (by lane) is reached.
    case wait(until: Instant?, alarms: [Cursor.Alarm?])
    /// Stopping, and every lane has nothing left or no time left.
    case finish
  }

  private var lanes: [Lane]
  private var turn = 0
  private var stopBy: Instant?

  package init(lanes: Int, settings: DeliverySettings) {
    self.lanes = Array(repeating: Lane(settings: settings), count: lanes)
  }

  /// Starts stopping: everything pending is due now, and nothing is sent after `deadline`.
  package mutating func stop(by deadline: Instant, at now: Instant) {
    guard stopBy == nil else { return }
    stopBy = deadline
    for lane in lanes.indices { lanes[lane].hurry(at: now) }
  }

  /// The next step; the lane after the one served last goes first.
  package mutating func next(at now: Instant, backlog: (_ lane: Int) -> Cursor.Status) -> Step {
    var until: Instant?
    var alarms = [Cursor.Alarm?](repeating: nil, count: lanes.count)
    var finished = 0
    for offset in lanes.indices {
      let lane = (turn + offset) % lanes.count
      switch lanes[lane].step(at: now, backlog: backlog(lane), stopBy: stopBy) {
      case .read: return .read(lane: lane)
      case .send(let batch):
        turn = (lane + 1) % lanes.count
        return .send(lane: lane, batch)
      case .rest(let time, let alarm):
        alarms[lane] = alarm
        if let time { until = min(until ?? time, time) }
      case .finished: finished += 1
      }
    }
    return finished == lanes.count ? .finish : .wait(until: until, alarms: alarms)
  }

  /// The batch that the last `read` asked for.
  package mutating func take(_ batch: Batch, lane: Int, at now: Instant) { lanes[lane].take(batch, at: now) }

  /// How the last `send` went.
  package mutating func ended(
    _ result: Result<ExportRequest.Rejection?, ExportError>, lane: Int, start: Instant, now: Instant, jitter: Double
  ) -> Lane.Verdict {
    lanes[lane].ended(result, start: start, now: now, stopping: stopBy != nil, jitter: jitter)
  }
}
