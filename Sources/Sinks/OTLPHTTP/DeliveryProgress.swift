// How far a batch got that goes out in several parts.

internal import Journal
internal import OTLP
internal import Pipeline

/// What has become of a batch's requests so far, so that a retry does not send anything twice.
struct DeliveryProgress: Sendable {
  private let signal: Signal
  private let journalID: JournalID
  private let lastSequence: UInt64
  private let requestCount: Int
  /// Requests that need nothing more: taken or rejected.
  private(set) var delivered = 0
  /// Items that were not taken from them.
  private(set) var rejection: ExportRequest.Rejection?
  private var rejectedRequests = 0
  private var firstLabel: String?

  init(of batch: Batch) {
    signal = batch.signal
    journalID = batch.journalID
    lastSequence = batch.lastSequence
    requestCount = batch.requests.count
  }

  func isOf(_ batch: Batch) -> Bool {
    lastSequence == batch.lastSequence && signal == batch.signal && journalID == batch.journalID
      && requestCount == batch.requests.count
  }

  /// The other side took a part of the batch, perhaps without some items.
  mutating func advance(past part: Range<Int>, _ rejected: ExportRequest.Rejection?) {
    delivered = part.upperBound
    if let rejected { add(rejected.itemCount, rejected.message) }
  }

  /// The other side took nothing of a part of the batch, and never will.
  mutating func reject(_ part: Range<Int>, items: Int, label: String, _ detail: String) {
    delivered = part.upperBound
    rejectedRequests += part.count
    firstLabel = firstLabel ?? label
    add(items, detail)
  }

  /// The reason why the whole batch failed, if it did.
  func failureLabel(of batch: Batch) -> String? { rejectedRequests == requestCount ? firstLabel : nil }

  /// Adds counts and keeps the first message.
  private mutating func add(_ itemCount: Int, _ message: String) {
    let (sum, overflow) = (rejection?.itemCount ?? 0).addingReportingOverflow(itemCount)
    rejection = ExportRequest.Rejection(
      itemCount: overflow ? .max : sum, message: rejection?.message ?? message.printable(scalarsMax: 200))
  }
}
