// What all listeners of the process share, so that limits hold for all of them together.

internal import Bytes
internal import Reactor
package import Logging
package import SelfTelemetry
package import System
internal import TLS

/// The memory for requests in flight, the connections, and what is told about clients at the wrong door.
package struct SharedResources: Sendable {
  package let memory: MemoryBudget
  package let connections = ConnectionTable()
  package let misdirected: MisdirectedRequests
  private let refusedForMemory: Counter
  private let handshakes: HandshakeLog

  package init(memoryBytesMax: Int, metrics: MetricRegistry, logger: Logger, clock: any Clock) {
    let memory = MemoryBudget(bytesMax: memoryBytesMax)
    self.memory = memory
    misdirected = MisdirectedRequests(metrics: metrics, logger: logger, clock: clock)
    handshakes = HandshakeLog(metrics: metrics, logger: logger, clock: clock)
    metrics.reading("otlpd_memory_in_flight_bytes", help: "Memory reserved for the bodies of requests in flight.") {
      Double(memory.used)
    }
    metrics.reading("otlpd_memory_in_flight_limit_bytes", help: "The most that requests in flight may reserve.") {
      Double(memory.bytesMax)
    }
    metrics.reading("otlpd_memory_waiting_requests", help: "Requests that wait for memory before they are read.") {
      Double(memory.waiting)
    }
    refusedForMemory = metrics.counter(
      "otlpd_memory_refused_requests", help: "Requests answered with 503 because memory did not become free in time.")
  }

  func noteRefusedForMemory() { refusedForMemory.add() }

  /// How a listener's connections are secured.
  ///
  /// - Parameter plainAnswer: what a client is told that sends plain HTTP.
  func security(_ tls: TLSServer, _ limits: Limits, plainAnswer: Bytes) -> TransportSecurity {
    TransportSecurity(server: tls, handshakeTime: limits.handshakeTime) { [misdirected, handshakes] failure, peer in
      handshakes.note(failure, peer)
      guard failure == .plainHTTP else { return nil }
      misdirected.note(.plainOnTLS, peer: peer.description)
      return plainAnswer
    }
  }
}

/// Counts clients that could not be served over TLS, and logs why, once a minute.
private final class HandshakeLog: Sendable {
  private static let reasons = ["plain_http", "client_certificate", "timeout", "refused"]

  private let counters: [String: Counter]
  private let pace = Lock(LogPace(interval: .seconds(60)))
  private let logger: Logger
  private let clock: any Clock

  init(metrics: MetricRegistry, logger: Logger, clock: any Clock) {
    counters = Dictionary(
      uniqueKeysWithValues: HandshakeLog.reasons.map { reason in
        (
          reason,
          metrics.counter(
            "otlpd_tls_handshake_failures", help: "Clients that could not be served over TLS.",
            labels: [Label("reason", reason)])
        )
      })
    self.logger = logger
    self.clock = clock
  }

  func note(_ failure: HandshakeFailure, _ peer: SocketAddress) {
    let reason =
      switch failure {
      case .plainHTTP: "plain_http"
      case .clientCertificate: "client_certificate"
      case .timeout: "timeout"
      case .refused: "refused"
      }
    counters[reason]?.add()
    // The wrong door has its own line.
    guard failure != .plainHTTP, let held = pace.withLock({ $0.admit(at: clock.monotonic) }) else { return }
    logger.warning(
      "a client could not be served over TLS",
      metadata: ["reason": "\(failure)", "peer": "\(peer)", "suppressed": "\(held)"])
  }
}
