// Delivers batches to another collector or a back end over OTLP.

package import Authenticators
internal import Compression
internal import HTTPClient
package import Logging
package import OTLP
package import Pipeline
package import System

/// Posts each batch as one merged request; how, is its transport's affair.
///
/// Any number of threads may call `export` at once; each borrows a connection of its own.
package final class OTLPSink: Sink {
  /// A client and a compressor, used by one thread at a time.
  private final class Connection {
    let client: HTTPClient
    var compressor: Compressor?

    init(_ settings: OTLPClientSettings, _ interruption: Interruption) throws(HTTPClientError) {
      client = try HTTPClient(settings: settings.client, interruption: interruption)
      if let packing = settings.compression { compressor = Compressor(packing.format, level: packing.level) }
    }
  }

  private struct State {
    /// Connections that nobody uses at the moment; as many exist as threads ever called at once.
    var idle: [Connection] = []
    var rejectionLog = LogPace()
  }

  private let transport: any OTLPTransport
  private let settings: OTLPClientSettings
  private let authenticator: (any ClientAuthenticator)?
  private let logger: Logger
  private let clock: any Clock
  private let interruption = Interruption()
  private let state = Lock(State())

  /// - Parameter id: the component id: `otlp_http`, `otlp_grpc/backup`.
  package init(
    _ transport: any OTLPTransport, settings: OTLPClientSettings, authenticator: (any ClientAuthenticator)? = nil,
    id: String, clock: any Clock, logger: Logger
  ) {
    self.transport = transport
    self.settings = settings
    self.authenticator = authenticator
    self.clock = clock
    var logger = logger
    logger[metadataKey: "component"] = "\(id)"
    self.logger = logger
  }

  /// Opens libcurl, so that a missing library or an unreadable certificate is a mistake at the start; connects to
  /// nobody.
  package func start() throws {
    let connection = try Connection(settings, interruption)
    state.withLock { $0.idle.append(connection) }
  }

  package func stop() { state.withLock { $0.idle.removeAll() } }

  /// Ends what `export` is waiting for within about a second, and refuses to begin anew. Any thread.
  package func interrupt() {
    interruption.interrupt()
    authenticator?.interrupt()
  }

  package func export(_ batch: Batch) throws(ExportError) -> ExportRequest.Rejection? {
    guard let url = transport.url(for: batch.signal) else { throw .permanent(reason: "no_endpoint") }
    guard batch.byteCount <= settings.bodyBytesMax else {
      throw .tooLarge(reason: "a request of \(batch.byteCount) bytes is larger than \(settings.bodyBytesMax)")
    }
    switch try post(batch, to: url) {
    case .delivered(let rejection): return rejection
    case .failed(let error): throw error
    case .rejected(let label, let detail):
      logRejection(label, batch, detail)
      throw .permanent(reason: label)
    }
  }

  private func post(_ batch: Batch, to url: String) throws(ExportError) -> OTLPAnswer {
    let credentials = try credentials()
    let connection = try borrowConnection()
    let body = transport.body(of: batch.requests, packedBy: &connection.compressor)
    let safeURL = SignalURL.redacted(url)
    func send(_ credentials: [HTTPField]) throws(HTTPClientError) -> HTTPClientResponse {
      let names = Set(credentials.map { $0.name.lowercased() })
      let fields = transport.fields.filter { !names.contains($0.name.lowercased()) } + credentials
      return try connection.client.post(url: url, headers: fields, body: body, timeout: settings.timeout)
    }
    do throws(HTTPClientError) {
      var response = try send(credentials)
      if let authenticator, transport.refusesCredentials(response), authenticator.renew(credentials),
        let renewed = try? authenticator.credentials()
      {
        response = try send(renewed)
      }
      // Only after an answer is the connection good for another request.
      state.withLock { $0.idle.append(connection) }
      return transport.answer(response, from: safeURL, signal: batch.signal, now: clock.wall)
    } catch {
      return OTLPAnswer(error, to: safeURL)
    }
  }

  private func credentials() throws(ExportError) -> [HTTPField] {
    guard let authenticator else { return [] }
    do throws(AuthenticatorError) {
      return try authenticator.credentials()
    } catch {
      switch error {
      case .unavailable(let reason): throw .retryable(after: nil, reason: reason.printable)
      case .misconfigured(let reason): throw .blocked(reason: reason.printable)
      }
    }
  }

  private func logRejection(_ label: String, _ batch: Batch, _ detail: String) {
    guard let held = state.withLock({ $0.rejectionLog.admit(at: clock.monotonic) }) else { return }
    logger.warning(
      "the other side rejected telemetry",
      metadata: ["reason": "\(label)", "items": "\(batch.itemCount)", "error": "\(detail)", "suppressed": "\(held)"])
  }

  private func borrowConnection() throws(ExportError) -> Connection {
    if let idle = state.withLock({ $0.idle.popLast() }) { return idle }
    do throws(HTTPClientError) {
      return try Connection(settings, interruption)
    } catch {
      throw .blocked(reason: error.description)
    }
  }
}
