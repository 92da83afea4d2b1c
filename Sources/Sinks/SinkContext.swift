// What every sink may use of the daemon around it.

package import Authenticators
package import Config
package import Logging
package import SelfTelemetry
package import System

/// What a sink is made with, besides its own part of the config file.
package struct SinkContext: Sendable {
  /// The daemon's version, as sinks show it to other servers.
  package let version: String
  /// Where sinks keep their files.
  package let dataDirectory: String
  package let clock: any Clock
  package let logger: Logger
  package let metrics: MetricRegistry
  /// The authenticator extensions that are in service.
  package let authenticators: [ComponentID: any AuthenticatorConfig]
  /// Takes text for people, in whole lines; never blocks for long.
  package let print: @Sendable (String) -> Void

  package init(
    version: String, dataDirectory: String, clock: any Clock, logger: Logger, metrics: MetricRegistry,
    authenticators: [ComponentID: any AuthenticatorConfig] = [:],
    print: @escaping @Sendable (String) -> Void = { _ = Console().write($0) }
  ) {
    self.version = version
    self.dataDirectory = dataDirectory
    self.clock = clock
    self.logger = logger
    self.metrics = metrics
    self.authenticators = authenticators
    self.print = print
  }

  /// A sink's own authenticator, made from the extension that its `auth` names.
  func authenticator(_ auth: AuthConfig?) -> (any ClientAuthenticator)? {
    guard let id = auth?.id, let config = authenticators[id] else { return nil }
    return config.makeClient(id: "\(id)", userAgent: userAgent, clock: clock)
  }

  /// RFC 9110 10.1.5; OTLP exporter "User Agent": product, version, and the system that it runs on.
  package var userAgent: String {
    #if arch(x86_64)
      let machine = "x86_64"
    #elseif arch(arm64)
      let machine = "aarch64"
    #else
      let machine = "unknown"
    #endif
    return "otlpd/\(version) (linux/\(machine))"
  }
}
