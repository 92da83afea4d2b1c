// The extensions that answer on an address of their own, and what every one's part of the config file has in common.

package import Config
package import HTTPServer
package import SelfTelemetry
package import System

/// One such extension's part of the config file.
package protocol PageExtensionConfig: ConfigBlock, Sendable {
  /// The type in the file: `health_check`.
  static var type: String { get }
  /// Whether its pages tell a stranger nothing, so that other machines may ask.
  static var isForStrangers: Bool { get }
  /// Where it listens.
  var endpoint: HostPort { get }

  /// Makes what answers; called when the daemon starts.
  func makeHandler(_ context: PageContext) -> HTTPHandler
}

extension PageExtensionConfig {
  package static var isForStrangers: Bool { false }
  package var address: ListenAddress? { ListenAddress(parsing: endpoint.description) }
}

/// What the pages may ask the daemon.
package struct PageContext: Sendable {
  package let metrics: MetricRegistry
  package let admin: AdminEndpoints
  package let queries: QueryAPI
  package let service: ServiceDescription
  package let clock: any Clock

  package init(
    metrics: MetricRegistry, admin: AdminEndpoints, queries: QueryAPI, service: ServiceDescription, clock: any Clock
  ) {
    self.metrics = metrics
    self.admin = admin
    self.queries = queries
    self.service = service
    self.clock = clock
  }

  package var readiness: @Sendable () -> AdminEndpoints.Readiness { admin.readiness }

  /// How long the process has been running.
  var uptime: Duration {
    .milliseconds(Int64((metrics.values(of: MetricRegistry.uptimeName).first?.value ?? 0) * 1000))
  }
}

/// What the configuration comes to, for people.
package struct ServiceDescription: Sendable, Equatable {
  package struct Pipeline: Sendable, Equatable {
    package let id: String
    package let signal: String
    package let receivers: [String]
    package let processors: [String]
    package let sinks: [String]

    package init(id: String, signal: String, receivers: [String], processors: [String], sinks: [String]) {
      self.id = id
      self.signal = signal
      self.receivers = receivers
      self.processors = processors
      self.sinks = sinks
    }
  }

  package let version: String
  package let dataDirectory: String
  package let pipelines: [Pipeline]
  /// Those in service, by id.
  package let extensions: [String]

  package init(version: String, dataDirectory: String, pipelines: [Pipeline], extensions: [String]) {
    self.version = version
    self.dataDirectory = dataDirectory
    self.pipelines = pipelines
    self.extensions = extensions
  }
}

/// What `extensions:` may name of this kind.
package enum PageExtensionTypes {
  package static let all: [any PageExtensionConfig.Type] = [
    AdminConfig.self,
    HealthCheckConfig.self,
    JaegerQueryConfig.self,
    ZPagesConfig.self,
  ]
}

extension MapReader {
  /// Reads the keys of the Collector's HTTP servers that a page has no use for, or cannot do without danger.
  func readServerKeys() {
    for key in ["tls", "auth"] where value(key)?.node.isEmpty == false {
      fail(key, "is not possible for this extension; use an endpoint on localhost, or a proxy in front of it")
    }
    inert("transport", default: "tcp")
    inert("cors")
    inert("compression_algorithms")
    inert("include_metadata", default: false)
    inert("keep_alives_enabled", default: true)
    inert("max_request_body_size", default: 0)
    inert("middlewares")
    inert("response_headers")
    for key in ["read_header_timeout", "read_timeout", "write_timeout", "idle_timeout"] {
      inert(key, default: Duration.zero)
    }
  }
}
