// The file's form of the `otlp_grpc` sink.

package import Authenticators
package import Config
internal import HTTPClient
package import Pipeline

/// `exporters: otlp_grpc:`.
package struct OTLPGRPCSinkConfig: SinkConfig {
  package static let type = "otlp_grpc"
  package static let durability = SinkDurability.network

  package var endpoint: GRPCEndpoint?
  package var compression = BodyCompression.gzip
  package var timeout = Duration.seconds(5)
  package var headers = HeaderListConfig()
  /// On unless `tls.insecure` or the endpoint's scheme says otherwise.
  package var tls = TLSClientConfig()
  package var auth: AuthConfig?
  /// What `:authority` is, and without `tls.server_name_override` also the name in the server's certificate.
  package var authority = ""
  package var delivery = SinkDeliveryConfig()

  package init() {}

  package mutating func read(from map: MapReader) {
    map.read("endpoint", into: &endpoint)
    // The Collector's words.
    if map.value("endpoint")?.node.isEmpty ?? true { map.fail("endpoint", "requires a non-empty \"endpoint\"") }
    BodyCompression.read("compression", into: &compression, from: map)
    map.require(
      ![.zlib, .deflate, .lz4, .framedSnappy].contains(compression), "compression",
      "expected one of none, gzip, zstd, snappy for gRPC, found \(quoted(compression.rawValue))")
    map.read("timeout", into: &timeout)
    map.read("headers", into: &headers)
    map.read("tls", into: &tls)
    map.read("auth", into: &auth)
    map.read("authority", into: &authority)
    delivery.read(from: map)
    map.inert("keepalive", as: KeepaliveConfig.self)
    map.inert("balancer_name", default: "round_robin")
    map.inert("wait_for_ready", default: false)
    map.inert("read_buffer_size", default: 0)
    map.inert("write_buffer_size", default: 512 << 10)
    map.inert("middlewares")
  }

  /// `https://gateway:4317`; a scheme wins over `tls.insecure`.
  package var base: String {
    let isSecure = endpoint?.isSecure ?? !tls.isInsecure
    return (isSecure ? "https://" : "http://") + (endpoint?.address.description ?? "")
  }

  package func settings(userAgent: String) -> OTLPClientSettings {
    var client = HTTPClientSettings(userAgent: userAgent)
    // On https, HTTP/2 is what the two sides agree on in the handshake.
    client.version = base.hasPrefix("http://") ? .http2 : .negotiated
    client.tls = tls.settings
    if client.tls.serverName == nil, !authority.isEmpty {
      client.tls.serverName = HostPort(authority)?.host ?? authority
    }
    var settings = OTLPClientSettings(client: client)
    settings.compression = compression.packing()
    settings.headers = headers.fields
    settings.timeout = timeout
    return settings
  }

  package func makeSink(id: String, context: SinkContext) -> any Sink {
    let settings = settings(userAgent: context.userAgent)
    return OTLPSink(
      OTLPGRPCTransport(base: base, authority: authority, settings: settings), settings: settings,
      authenticator: context.authenticator(auth), id: id, clock: context.clock, logger: context.logger)
  }

  private struct KeepaliveConfig: ConfigBlock {
    mutating func read(from map: MapReader) {
      map.inert("time", default: Duration.zero)
      map.inert("timeout", default: Duration.zero)
      map.inert("permit_without_stream", default: false)
    }
  }
}
