// The file's form of the `otlp_http` sink.

package import Config
internal import HTTPClient
package import OTLP

/// `exporters: otlp_http:`.
package struct OTLPHTTPSinkConfig: SinkConfig {
  package static let type = "otlp_http"
  package static let durability = SinkDurability.network

  /// The base that `/v1/<signal>` is added to.
  package var endpoint: String?
  /// Complete URLs, which win over the base.
  package var endpoints: [Signal: String] = [:]
  package var encoding = BodyEncoding.proto
  package var compression = BodyCompression.gzip
  /// -1 and 0: the default of `OTLPHTTPSettings`.
  package var compressionLevel = -1
  package var timeout = Duration.seconds(30)
  package var headers = HeaderListConfig()
  package var tls = TLSClientConfig()
  package var proxyURL: String?
  package var idleConnectionTimeout = Duration.seconds(90)
  package var disablesKeepAlives = false
  package var delivery = SinkDeliveryConfig()

  package init() {}

  package mutating func read(from map: MapReader) {
    readEndpoints(from: map)
    map.read("encoding", into: &encoding)
    readCompression(from: map)
    map.read("timeout", into: &timeout)
    map.read("headers", into: &headers)
    map.read("tls", into: &tls)
    AuthConfig.refuse("auth", in: map, because: "sending without credentials would be refused by the other side")
    map.read("proxy_url", into: &proxyURL)
    map.read("idle_conn_timeout", into: &idleConnectionTimeout)
    map.read("disable_keep_alives", into: &disablesKeepAlives)
    delivery.read(from: map)
    map.inert("read_buffer_size", default: 0)
    map.inert("write_buffer_size", default: 512 << 10)
    map.inert("max_idle_conns", default: 100)
    map.inert("max_idle_conns_per_host", default: 0)
    map.inert("max_conns_per_host", default: 0)
    map.inert("force_attempt_http2", default: true)
    map.inert("http2_read_idle_timeout", default: Duration.zero)
    map.inert("http2_ping_timeout", default: Duration.zero)
    map.inert("cookies")
    map.inert("middlewares")
  }

  private mutating func readEndpoints(from map: MapReader) {
    map.read("endpoint", into: &endpoint)
    check(endpoint, "endpoint", map)
    for signal in Signal.allCases {
      let key = "\(signal.name)_endpoint"
      map.read(key, into: &endpoints[signal])
      check(endpoints[signal], key, map)
    }
    map.inert("profiles_endpoint", default: "")
    // The Collector's words.
    map.require(endpoint != nil || !endpoints.isEmpty, "endpoint", "at least one endpoint must be specified")
  }

  private func check(_ url: String?, _ key: String, _ map: MapReader) {
    guard let url else { return }
    if url.isEmpty {
      map.fail(key, "is empty; expected a URL such as http://localhost:4318")
    } else if let problem = SignalURL.problem(with: url) {
      map.fail(key, "\(quoted(SignalURL.redacted(url))) \(problem)")
    }
  }

  private mutating func readCompression(from map: MapReader) {
    map.read("compression", into: &compression)
    if !compression.isBuilt {
      map.warn("compression", "\(compression.rawValue) is not built into this version of otlpd; gzip is sent instead")
    }
    var parameters = CompressionParameters()
    map.read("compression_params", into: &parameters)
    compressionLevel = parameters.level
  }

  package func problem(with signal: String) -> String? {
    // Without any endpoint the block has its error already.
    guard endpoint == nil, !endpoints.isEmpty, let signal = Signal.allCases.first(where: { $0.name == signal }) else {
      return nil
    }
    return endpoints[signal] == nil ? "has neither endpoint nor \(signal.name)_endpoint" : nil
  }

  /// The complete URL for a signal.
  package func url(for signal: Signal) -> String? {
    endpoints[signal] ?? endpoint.map { SignalURL.composed(base: $0, signal: signal) }
  }

  package func peer(for signal: Signal) -> HostPort? { url(for: signal).flatMap { HostPort(authorityOf: $0) } }

  /// The same for the code.
  package func settings(userAgent: String) -> OTLPHTTPSettings {
    var client = HTTPClientSettings(userAgent: userAgent)
    client.idleConnectionTimeout = idleConnectionTimeout
    client.keepsConnections = !disablesKeepAlives
    client.tls = tls.settings
    if let proxyURL, !proxyURL.isEmpty { client.proxy = .url(proxyURL) }
    var urls: [Signal: String] = [:]
    for signal in Signal.allCases { urls[signal] = url(for: signal) }
    var settings = OTLPHTTPSettings(urls: urls, client: client)
    settings.encoding = encoding == .json ? .json : .protobuf
    if compression.isNone {
      settings.gzipLevel = nil
    } else if compressionLevel > 0 {
      settings.gzipLevel = compressionLevel
    }
    settings.fields = headers.headers.map { HTTPField($0.name, $0.value.reveal()) }
    settings.timeout = timeout
    return settings
  }

  private struct CompressionParameters: ConfigBlock {
    var level = -1
    mutating func read(from map: MapReader) {
      map.read("level", into: &level)
      map.require((-1...9).contains(level), "level", "must be between -1 and 9 for gzip")
    }
  }
}

/// How a body is written.
package enum BodyEncoding: String, ConfigChoice {
  case proto, json
}

/// How a body is packed; the Collector knows more ways than are built here.
package enum BodyCompression: String, ConfigChoice {
  case empty = ""
  case none
  case gzip
  case zstd
  case snappy
  case framedSnappy = "x-snappy-framed"
  case zlib
  case deflate
  case lz4

  var isNone: Bool { self == .empty || self == .none }
  var isBuilt: Bool { isNone || self == .gzip }
}
