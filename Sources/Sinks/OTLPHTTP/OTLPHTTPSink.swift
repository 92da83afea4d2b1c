// Delivers batches to another collector or a back end over OTLP/HTTP.

internal import Bytes
internal import HTTPClient
package import Logging
package import OTLP
package import Pipeline
package import System

/// Posts each batch as one merged request, and what is too large for the other side in parts.
///
/// Any number of threads may call `export` at once; each borrows a connection of its own.
package final class OTLPHTTPSink: Sink {
  private struct State {
    /// Connections that nobody uses at the moment; as many exist as threads ever called at once.
    var idle: [OTLPHTTPConnection] = []
    /// What each signal's server was found to take in one body.
    var bodyBytesMax: [Signal: Int] = [:]
    /// How far batches got that will be tried again, newest last.
    var begun: [DeliveryProgress] = []
    var rejectionLog = LogPace()
  }

  /// More batches than that are not remembered: no worker has as many under way.
  private static let begunMax = 16

  private let settings: OTLPHTTPSettings
  private let logger: Logger
  private let clock: any Clock
  private let interruption = Interruption()
  private let state = Lock(State())

  /// - Parameter id: the component id: `otlp_http`, `otlp_http/backup`.
  package init(settings: OTLPHTTPSettings, id: String, clock: any Clock, logger: Logger) {
    self.settings = settings
    self.clock = clock
    var logger = logger
    logger[metadataKey: "component"] = "\(id)"
    self.logger = logger
  }

  /// Opens libcurl, so that a missing library or an unreadable certificate is a mistake at the start; connects to
  /// nobody.
  package func start() throws {
    let connection = try OTLPHTTPConnection(settings, interruption)
    state.withLock { $0.idle.append(connection) }
  }

  package func stop() { state.withLock { $0.idle.removeAll() } }

  /// Ends what `export` is waiting for within about a second, and refuses to begin anew. Any thread.
  package func interrupt() { interruption.interrupt() }

  package func export(_ batch: Batch) throws(ExportError) -> ExportRequest.Rejection? {
    guard let url = settings.urls[batch.signal] else { throw .permanent(reason: "no_endpoint") }
    let connection = try borrowConnection()
    defer { state.withLock { $0.idle.append(connection) } }
    var progress = resumed(batch)
    while progress.delivered < batch.requests.count {
      let part = part(of: batch, from: progress.delivered)
      let requests = Array(batch.requests[part])
      switch connection.post(requests, to: url, now: clock.wall) {
      case .delivered(let rejection):
        progress.advance(past: part, rejection)
      case .tooLarge where part.count > 1:
        // 413: from now on in halves, cut between requests.
        let half = requests.reduce(0) { $0 + $1.payload.count } / 2
        state.withLock { $0.bodyBytesMax[batch.signal] = max(half, 1) }
      case .tooLarge(let detail):
        reject(requests, part, label: "too_large", detail, &progress)
      case .rejected(let label, let detail):
        reject(requests, part, label: label, detail, &progress)
      case .retry(let after, let reason):
        remember(progress)
        throw .retryable(after: after, reason: reason)
      }
    }
    // Nothing was taken at all: a failure. Otherwise the rest is told like a partial success.
    if let label = progress.failureLabel(of: batch) { throw .permanent(reason: label) }
    return progress.rejection
  }

  /// The requests that go out together next: at least one, and no more than the other side takes.
  private func part(of batch: Batch, from start: Int) -> Range<Int> {
    let bytesMax = min(state.withLock { $0.bodyBytesMax[batch.signal] } ?? .max, settings.bodyBytesMax)
    var bytes = batch.requests[start].payload.count
    var end = start + 1
    while end < batch.requests.count, bytes + batch.requests[end].payload.count <= bytesMax {
      bytes += batch.requests[end].payload.count
      end += 1
    }
    return start..<end
  }

  private func reject(
    _ requests: [ExportRequest], _ part: Range<Int>, label: String, _ detail: String, _ progress: inout DeliveryProgress
  ) {
    let items = requests.reduce(0) { $0 + $1.itemCount }
    progress.reject(part, items: items, label: label, detail)
    guard let held = state.withLock({ $0.rejectionLog.admit(at: clock.monotonic) }) else { return }
    logger.warning(
      "the other side rejected telemetry",
      metadata: ["reason": "\(label)", "items": "\(items)", "error": "\(detail)", "suppressed": "\(held)"])
  }

  private func borrowConnection() throws(ExportError) -> OTLPHTTPConnection {
    if let idle = state.withLock({ $0.idle.popLast() }) { return idle }
    do throws(HTTPClientError) {
      return try OTLPHTTPConnection(settings, interruption)
    } catch {
      throw .retryable(after: OTLPHTTPAnswer.pause, reason: error.description)
    }
  }

  /// Where a batch begins: behind what an earlier attempt has delivered of it.
  private func resumed(_ batch: Batch) -> DeliveryProgress {
    state.withLock { state in
      guard let index = state.begun.firstIndex(where: { $0.isOf(batch) }) else { return DeliveryProgress(of: batch) }
      return state.begun.remove(at: index)
    }
  }

  private func remember(_ progress: DeliveryProgress) {
    guard progress.delivered > 0 else { return }
    state.withLock { state in
      if state.begun.count == Self.begunMax { state.begun.removeFirst() }
      state.begun.append(progress)
    }
  }
}
