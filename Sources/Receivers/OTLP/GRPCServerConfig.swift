// The file's form of OTLP/gRPC: address, limits, and how long connections live.

package import Config
package import HTTPServer

/// `protocols: grpc:` of an `otlp` receiver.
package struct GRPCServerConfig: ConfigBlock, Equatable, Sendable {
  package var endpoint = HostPort(host: "localhost", port: 4317)
  /// The path of a Unix socket, which takes the place of the endpoint.
  package var socketPath: String?
  /// nil: plain text.
  package var tls: TLSServerConfig?
  /// Before and after decompression; zero or less means the default of `Limits`.
  package var maxReceiveMessageMiB = 0
  /// Zero means the default of `Limits`.
  package var maxConcurrentStreams = 0
  /// Who may send; nil for everybody.
  package var auth: AuthConfig?
  private var keepalive = GRPCKeepaliveConfig()

  package init() {}

  package var address: ListenAddress? {
    socketPath.map { ListenAddress(path: $0) } ?? ListenAddress(parsing: endpoint.description)
  }

  /// The endpoint that clients dial over TCP, if there is one.
  package var dialledEndpoint: HostPort? { socketPath == nil ? endpoint : nil }

  /// The limits with what this receiver says itself.
  package func limits(over common: Limits) -> Limits {
    var limits = common
    if maxReceiveMessageMiB > 0 { limits.bodyBytesMax = maxReceiveMessageMiB << 20 }
    if maxConcurrentStreams > 0 { limits.streamsMax = maxConcurrentStreams }
    limits.keepalive = keepalive.settings
    return limits
  }

  package mutating func read(from map: MapReader) {
    ListenerKeys.readEndpoint(from: map, into: &endpoint, socketPath: &socketPath)
    map.read("max_recv_msg_size_mib", into: &maxReceiveMessageMiB)
    map.require(maxReceiveMessageMiB <= 1024, "max_recv_msg_size_mib", "must be at most 1024")
    map.read("max_concurrent_streams", into: &maxConcurrentStreams)
    map.require(
      (0...10_000).contains(maxConcurrentStreams), "max_concurrent_streams", "must be between 0 and 10000")
    map.read("keepalive", into: &keepalive)
    map.read("tls", into: &tls)
    map.read("auth", into: &auth)
    map.inert("include_metadata", default: false)
    map.inert("read_buffer_size", default: 512 << 10)
    map.inert("write_buffer_size", default: 0)
    map.inert("middlewares")
  }
}

/// `keepalive:` of a gRPC server: what grpc-go's `keepalive` package calls these.
private struct GRPCKeepaliveConfig: ConfigBlock, Equatable, Sendable {
  private var server = ServerParameters()
  private var policy: EnforcementPolicy?

  /// Zero means a default, which is the Collector's but for `max_connection_idle`.
  var settings: Limits.Keepalive {
    var settings = Limits.Keepalive()
    if server.maxConnectionIdle > .zero { settings.idleMax = server.maxConnectionIdle }
    if server.maxConnectionAge > .zero { settings.ageMax = server.maxConnectionAge }
    if server.maxConnectionAgeGrace > .zero { settings.ageGrace = server.maxConnectionAgeGrace }
    if server.time > .zero { settings.pingAfter = max(server.time, .seconds(1)) }
    if server.timeout > .zero { settings.pingTimeout = server.timeout }
    if let policy {
      settings.pingIntervalMin = policy.minTime > .zero ? policy.minTime : .seconds(300)
      settings.allowsIdlePings = policy.permitWithoutStream
    }
    return settings
  }

  mutating func read(from map: MapReader) {
    map.read("server_parameters", into: &server)
    map.read("enforcement_policy", into: &policy)
  }

  private struct ServerParameters: ConfigBlock, Equatable, Sendable {
    var maxConnectionIdle = Duration.zero
    var maxConnectionAge = Duration.zero
    var maxConnectionAgeGrace = Duration.zero
    var time = Duration.zero
    var timeout = Duration.zero

    mutating func read(from map: MapReader) {
      map.read("max_connection_idle", into: &maxConnectionIdle)
      map.read("max_connection_age", into: &maxConnectionAge)
      map.read("max_connection_age_grace", into: &maxConnectionAgeGrace)
      map.read("time", into: &time)
      map.read("timeout", into: &timeout)
    }
  }

  private struct EnforcementPolicy: ConfigBlock, Equatable, Sendable {
    var minTime = Duration.zero
    var permitWithoutStream = false

    mutating func read(from map: MapReader) {
      map.read("min_time", into: &minTime)
      map.read("permit_without_stream", into: &permitWithoutStream)
    }
  }
}
