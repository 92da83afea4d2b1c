// The file's form of the `otlp_http` sink.

package import Authenticators
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
  /// -1 and 0: the fastest.
  package var compressionLevel = -1
  package var timeout = Duration.seconds(30)
  package var headers = HeaderListConfig()
  package var tls = TLSClientConfig()
  package var auth: AuthConfig?
  package var proxyURL: String?
  package var idleConnectionTimeout = Duration.seconds(90)
  package var disablesKeepAlives = false
  package var attemptsHTTP2 = true
  package var delivery = SinkDeliveryConfig()

  package init() {}

  package mutating func read(from map: MapReader) {
    readEndpoints(from: map)
    map.read("encoding", into: &encoding)
    readCompression(from: map)
    map.read("timeout", into: &timeout)
    map.read("headers", into: &headers)
    map.read("tls", into: &tls)
    map.read("auth", into: &auth)
    map.read("proxy_url", into: &proxyURL)
    map.read("idle_conn_timeout", into: &idleConnectionTimeout)
    map.read("disable_keep_alives", into: &disablesKeepAlives)
    map.read("force_attempt_http2", into: &attemptsHTTP2)
    delivery.read(from: map)
    map.inert("read_buffer_size", default: 0)
    map.inert("write_buffer_size", default: 512 << 10)
    map.inert("max_idle_conns", default: 100)
    map.inert("max_idle_conns_per_host", default: 0)
    map.inert("max_conns_per_host", default: 0)
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
    BodyCompression.read("compression", into: &compression, from: map)
    var parameters = CompressionParameters()
    map.read("compression_params", into: &parameters)
    compressionLevel = parameters.level
    let highest = compression == .zstd ? 19 : 9
    map.require(
      (-1...highest).contains(compressionLevel), "compression_params",
      "level must be between -1 and \(highest) for \(compression.rawValue)")
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

  /// The complete URLs of all signals that have one.
  package var urls: [Signal: String] {
    Dictionary(uniqueKeysWithValues: Signal.allCases.compactMap { signal in url(for: signal).map { (signal, $0) } })
  }

  /// The same for the code.
  package func settings(userAgent: String) -> OTLPClientSettings {
    var client = HTTPClientSettings(userAgent: userAgent)
    client.idleConnectionTimeout = idleConnectionTimeout
    client.keepsConnections = !disablesKeepAlives
    client.version = attemptsHTTP2 ? .negotiated : .http1
    client.tls = tls.settings
    if let proxyURL, !proxyURL.isEmpty { client.proxy = .url(proxyURL) }
    var settings = OTLPClientSettings(client: client)
    settings.compression = compression.packing(level: compressionLevel)
    settings.headers = headers.fields
    settings.timeout = timeout
    return settings
  }
}

/// How a body is written.
package enum BodyEncoding: String, ConfigChoice {
  case proto, json
}
