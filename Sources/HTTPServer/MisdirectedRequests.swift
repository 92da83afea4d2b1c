// Clients that knock at the wrong door: counted, and explained in the log.

package import Logging
package import SelfTelemetry
package import System

/// Counts what arrives where nobody can use it, and tells the operator what to change, once a minute and kind.
package final class MisdirectedRequests: Sendable {
  package enum Kind: String, Sendable, CaseIterable {
    case tlsOnPlain = "tls_on_plain"
    case plainOnTLS = "plain_on_tls"
    case http2OnHTTP = "http2_on_http"
    case http1OnGRPC = "http1_on_grpc"
    /// POST to `/`.
    case rootPath = "root_path"
    /// `/v1/trace` for `/v1/traces`.
    case singularPath = "singular_path"
    /// `/v1/v1/traces`.
    case doubledPath = "doubled_path"

    /// What the client's owner has to change.
    package var advice: String {
      switch self {
      case .tlsOnPlain:
        "a client speaks TLS to a port without TLS; use http:// in its endpoint, or give the receiver a `tls:` block"
      case .plainOnTLS: "a client sends plain HTTP to a port with TLS; use https:// in its endpoint"
      case .http2OnHTTP:
        "a client speaks HTTP/2 (gRPC?) to the OTLP/HTTP port; use the gRPC port (4317), or "
          + "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
      case .http1OnGRPC:
        "a client speaks HTTP/1.1 to the OTLP/gRPC port; use the HTTP port (4318), or OTEL_EXPORTER_OTLP_PROTOCOL=grpc"
      case .rootPath:
        "a client posts to /; OTEL_EXPORTER_OTLP_TRACES_ENDPOINT and its like are used as they are, so they need the "
          + "path (/v1/traces), and OTEL_EXPORTER_OTLP_ENDPOINT needs none"
      case .singularPath: "a client posts to a path without its last s; the paths are /v1/traces, /v1/metrics, /v1/logs"
      case .doubledPath:
        "a client posts to /v1/v1/...; take /v1 or the path out of OTEL_EXPORTER_OTLP_ENDPOINT, SDKs append it"
      }
    }
  }

  private static let logInterval = Duration.seconds(60)

  private let counters: [Kind: Counter]
  private let paces: Lock<[Kind: LogPace]>
  private let logger: Logger
  private let clock: any Clock

  package init(metrics: MetricRegistry, logger: Logger, clock: any Clock) {
    counters = Dictionary(
      uniqueKeysWithValues: Kind.allCases.map { kind in
        (
          kind,
          metrics.counter(
            "otlpd_misdirected_requests", help: "Requests that came to a port or path that cannot take them.",
            labels: [Label("kind", kind.rawValue)])
        )
      })
    paces = Lock([:])
    self.logger = logger
    self.clock = clock
  }

  /// Counts one, and logs the advice unless it was logged within the last minute. Any thread.
  package func note(_ kind: Kind, peer: String) {
    counters[kind]?.add()
    let now = clock.monotonic
    let held = paces.withLock { paces in
      paces[kind, default: LogPace(interval: MisdirectedRequests.logInterval)].admit(at: now)
    }
    guard let held else { return }
    logger.warning(
      "\(kind.advice)", metadata: ["kind": "\(kind.rawValue)", "peer": "\(peer)", "suppressed": "\(held)"])
  }
}
