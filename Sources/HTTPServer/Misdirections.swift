// Clients that knock at the wrong door: counted, and told to the operator.

internal import Logging
internal import SelfTelemetry
internal import System

/// What a misdirected client did.
package enum Misdirection: String, Sendable, CaseIterable {
  /// HTTP/1.1 to a port that speaks gRPC.
  case http1OnGRPC = "http1_on_grpc"
  /// HTTP/2 without TLS, as gRPC clients begin, to a port that speaks HTTP/1.1.
  case http2OnHTTP = "http2_on_http"
  /// A TLS handshake on a port without TLS.
  case tlsOnPlain = "tls_on_plain"
}

/// Counts misdirected clients, and logs each kind once a minute. Any thread.
final class Misdirections: Sendable {
  private static let logInterval = Duration.seconds(60)

  private let counters: [(kind: Misdirection, counter: Counter)]
  private let logger: Logger
  private let lastLogs = Lock<[Misdirection: Instant]>([:])

  init(metrics: MetricRegistry, logger: Logger) {
    self.logger = logger
    counters = Misdirection.allCases.map { kind in
      let counter = metrics.counter(
        "otlpd_misdirected_requests", help: "Requests to the wrong port, path or protocol, by kind.",
        labels: [Label("kind", kind.rawValue)])
      return (kind, counter)
    }
  }

  /// - Parameter advice: what the client's owner has to change.
  func note(_ kind: Misdirection, from peer: String, at now: Instant, _ advice: String) {
    for entry in counters where entry.kind == kind { entry.counter.add() }
    let mustLog = lastLogs.withLock { last in
      if let last = last[kind], now.since(last) < Misdirections.logInterval { return false }
      last[kind] = now
      return true
    }
    if mustLog {
      logger.warning("\(advice)", metadata: ["kind": "\(kind.rawValue)", "peer": "\(peer)"])
    }
  }
}
