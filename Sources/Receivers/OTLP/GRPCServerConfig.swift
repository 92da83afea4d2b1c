// The file's form of OTLP/gRPC: every key is checked, none has an effect yet.

internal import Config

/// `protocols: grpc:` of an `otlp` receiver.
struct GRPCServerConfig: ConfigBlock {
  mutating func read(from map: MapReader) {
    map.inert("endpoint", as: HostPort.self)
    map.inert("transport", default: "tcp")
    map.inert("tls", as: TLSServerConfig.self)
    map.inert("auth", as: AuthConfig.self)
    map.inert("include_metadata", default: false)
    map.inert("max_recv_msg_size_mib", default: 0)
    map.inert("max_concurrent_streams", default: 0)
    map.inert("read_buffer_size", default: 512 << 10)
    map.inert("write_buffer_size", default: 0)
    map.inert("keepalive", as: Keepalive.self)
    map.inert("middlewares")
  }

  private struct Keepalive: ConfigBlock {
    mutating func read(from map: MapReader) {
      map.inert("server_parameters", as: ServerParameters.self)
      map.inert("enforcement_policy", as: EnforcementPolicy.self)
    }
  }

  private struct ServerParameters: ConfigBlock {
    mutating func read(from map: MapReader) {
      map.inert("max_connection_idle", default: Duration.zero)
      map.inert("max_connection_age", default: Duration.zero)
      map.inert("max_connection_age_grace", default: Duration.zero)
      map.inert("time", default: Duration.zero)
      map.inert("timeout", default: Duration.zero)
    }
  }

  private struct EnforcementPolicy: ConfigBlock {
    mutating func read(from map: MapReader) {
      map.inert("min_time", default: Duration.zero)
      map.inert("permit_without_stream", default: false)
    }
  }
}
