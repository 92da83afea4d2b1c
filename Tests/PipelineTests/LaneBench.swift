// Lanes stepped by hand, on a clock moved by hand, without threads.

import Bytes
import Journal
import OTLP
import Pipeline
import System

let busy = ExportError.retryable(after: nil, reason: "busy")

/// A lane rotation with one backlog per lane.
struct LaneBench {
  let clock = ManualClock(monotonic: Instant(nanoseconds: 3_600_000_000_000))
  var lanes: LaneRotation
  var backlogs: [Cursor.Status]
  /// What is being sent, by lane, oldest first.
  var sent: [[Lane.Sending]]
  /// What the cursors may move over, by lane.
  var settled: [[Load.Settlement]]
  /// What the next read of a lane gives; without it, one request of one item.
  var next: [Batch] = []

  init(lanes count: Int = 1, _ settings: DeliverySettings = DeliverySettings()) {
    lanes = LaneRotation(lanes: count, settings: settings)
    backlogs = Array(repeating: Cursor.Status(position: 1, pending: Amount(), oldest: nil), count: count)
    sent = Array(repeating: [], count: count)
    settled = Array(repeating: [], count: count)
  }

  /// `items` items wait in a lane since now, from sequence number `position` on.
  mutating func fill(_ lane: Int = 0, items: Int, position: UInt64 = 1, since: Duration = .zero) {
    backlogs[lane] = Cursor.Status(
      position: position, pending: Amount(records: items, items: items, bytes: items * 100),
      oldest: Instant(nanoseconds: clock.monotonic.nanoseconds - since.nanoseconds))
  }

  mutating func step() -> LaneRotation.Step { lanes.next(at: clock.monotonic) { [backlogs] in backlogs[$0] } }

  /// Follows the lanes until one sends; its number, or nil.
  mutating func sending() -> Int? {
    switch step() {
    case .read(let lane, let reading):
      let last = max(reading.after + 1, backlogs[lane].position)
      let batch = next.isEmpty ? batch([request("r")], last) : next.removeFirst()
      let amount = Amount(records: 1, items: batch.itemCount, bytes: batch.itemCount * 100)
      lanes.take(Load([batch], lastSequence: last, amount: amount), lane: lane, at: clock.monotonic)
      return sending()
    case .send(let lane, let sending):
      sent[lane].append(sending)
      return lane
    case .wait, .finish: return nil
    }
  }

  func batch(_ requests: [ExportRequest], _ last: UInt64) -> Batch {
    Batch(signal: .traces, requests: requests, journalID: JournalID(bits: 1), lastSequence: last)
  }

  /// Ends the oldest attempt of the lane, or another one.
  @discardableResult
  mutating func ended(
    _ result: Result<ExportRequest.Rejection?, ExportError>, lane: Int = 0, at index: Int = 0,
    took: Duration = .zero, jitter: Double = 0
  ) -> Lane.Verdict {
    let start = clock.monotonic
    clock.advance(by: took)
    let verdict = lanes.ended(
      sent[lane].remove(at: index), result, lane: lane, start: start, now: clock.monotonic, jitter: jitter)
    settled[lane] += lanes.takeSettled(lane)
    return verdict
  }

  /// How long the lanes want to wait; nil when they do not, or for ever.
  mutating func rest() -> Duration? {
    guard case .wait(let until?, _) = step() else { return nil }
    return until.since(clock.monotonic)
  }
}

/// Log requests with real bytes: one record with each of these bodies.
func logs(_ bodies: [String], service: String = "shop") throws -> ExportRequest {
  let records = bodies.map { "{\"body\":{\"stringValue\":\"\($0)\"}}" }.joined(separator: ",")
  let resource = "{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"\(service)\"}}]}"
  let json =
    "{\"resourceLogs\":[{\"resource\":\(resource),\"scopeLogs\":[{\"scope\":{\"name\":\"t\"},"
    + "\"logRecords\":[\(records)]}]}]}"
  return try ExportRequest(decoding: Bytes(json), as: .json, signal: .logs)
}

extension Batch {
  /// The bodies of a batch of log records, in order.
  var bodies: [String] {
    var bodies: [String] = []
    for request in requests {
      request.forEachLogRecord { _, _, record in
        bodies.append(record.body.text?.string ?? "")
      }
    }
    return bodies
  }
}
