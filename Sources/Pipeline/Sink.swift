// What a sink is: it delivers batches, and nothing else.

internal import Bytes
package import Journal
package import OTLP

/// One signal's export requests in journal order, handed to a sink in one call.
package struct Batch: Sendable {
  package let signal: Signal
  /// In journal order; never empty.
  package let requests: [ExportRequest]
  /// The journal that the sequence numbers belong to.
  package let journalID: JournalID
  /// The sequence number of the last request.
  package let lastSequence: UInt64

  package init(signal: Signal, requests: [ExportRequest], journalID: JournalID, lastSequence: UInt64) {
    self.signal = signal
    self.requests = requests
    self.journalID = journalID
    self.lastSequence = lastSequence
  }

  /// Spans, log records or data points in all requests.
  package var itemCount: Int { requests.reduce(0) { $0 + $1.itemCount } }
  /// Payload bytes in all requests.
  package var byteCount: Int { requests.reduce(0) { $0 + $1.payload.count } }
}

/// Why a batch was not delivered.
package enum ExportError: Error, Sendable, Equatable {
  /// The same batch may succeed later; `after` is what the other side asked for.
  case retryable(after: Duration?, reason: String)
  /// The other side takes nothing of this signal until somebody changes something there or here (HTTP 401, 403, 404).
  case blocked(reason: String)
  /// A smaller batch may be taken (HTTP 413).
  case tooLarge(reason: String)
  /// Some record of the batch is not acceptable (HTTP 400): the others may be, without it.
  case invalid(reason: String)
  /// The same batch can never succeed: its items are dropped and counted under `reason`.
  case permanent(reason: String)

  /// The case as a word, for a label.
  var kind: String {
    switch self {
    case .retryable: "retryable"
    case .blocked: "blocked"
    case .tooLarge: "too_large"
    case .invalid: "invalid"
    case .permanent: "permanent"
    }
  }
}

/// Delivers batches. The worker that owns it does the queueing, batching, retrying, timing and counting.
package protocol Sink: AnyObject, Sendable {
  /// Opens what the sink needs. Called once, on the main thread, before the first batch.
  func start() throws

  /// Delivers one batch; blocks until it is delivered or failed. Called on the sink's own thread.
  ///
  /// - Returns: items that the other side took the batch without (OTLP "Partial Success"): counted, never retried.
  func export(_ batch: Batch) throws(ExportError) -> ExportRequest.Rejection?

  /// The last sequence of `signal` that the sink itself has stored durably for the journal, if it keeps positions.
  func position(of signal: Signal, in journal: JournalID) -> UInt64?

  /// Asks an `export` that is running to end soon, and later ones to fail at once; a failure counts as retryable.
  ///
  /// Called on another thread when the time to stop is over. Without it, an `export` that blocks is left behind.
  func interrupt()

  /// Releases what `start` opened. Called once, after the last `export` returned.
  func stop()
}

extension Sink {
  package func position(of signal: Signal, in journal: JournalID) -> UInt64? { nil }

  package func interrupt() {}
}
