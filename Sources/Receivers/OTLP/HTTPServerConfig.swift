// The file's form of OTLP/HTTP: address, paths, limits, and what browsers may do.

package import Config
package import HTTPServer
package import OTLP

/// `protocols: http:` of an `otlp` receiver.
package struct HTTPServerConfig: ConfigBlock, Equatable, Sendable {
  package var endpoint = HostPort(host: "localhost", port: 4318)
  /// The path of a Unix socket, which takes the place of the endpoint.
  package var socketPath: String?
  /// nil: plain text.
  package var tls: TLSServerConfig?
  /// URL paths by signal; each starts with a slash.
  package var paths: [Signal: String] = [.traces: "/v1/traces", .metrics: "/v1/metrics", .logs: "/v1/logs"]
  /// Before and after decompression; zero or less means the default of `Limits`.
  package var maxRequestBodySize = 0
  /// Zero means the default of `Limits`; this holds for all four.
  package var readHeaderTimeout = Duration.zero
  package var readTimeout = Duration.zero
  package var writeTimeout = Duration.zero
  package var idleTimeout = Duration.zero
  /// Who may send; nil for everybody.
  package var auth: AuthConfig?
  /// nil: web pages of other origins may do nothing.
  package var cors: CORSConfig?
  package var compression = CompressionAlgorithms()

  package init() {}

  package var address: ListenAddress? {
    socketPath.map { ListenAddress(path: $0) } ?? ListenAddress(parsing: endpoint.description)
  }

  /// The endpoint that clients dial over TCP, if there is one.
  package var dialledEndpoint: HostPort? { socketPath == nil ? endpoint : nil }

  /// The limits with what this receiver says itself.
  package func limits(over common: Limits) -> Limits {
    var limits = common
    if maxRequestBodySize > 0 { limits.bodyBytesMax = maxRequestBodySize }
    if readHeaderTimeout > .zero { limits.headTime = readHeaderTimeout }
    if readTimeout > .zero { limits.bodyTime = readTimeout }
    if writeTimeout > .zero { limits.writeTime = writeTimeout }
    if idleTimeout > .zero { limits.idleTime = idleTimeout }
    limits.contentCodings = compression.codings
    return limits
  }

  package mutating func read(from map: MapReader) {
    ListenerKeys.readEndpoint(from: map, into: &endpoint, socketPath: &socketPath)
    readPaths(from: map)
    map.read("max_request_body_size", into: &maxRequestBodySize)
    map.require(maxRequestBodySize <= 1 << 30, "max_request_body_size", "must be at most 1073741824 (1 GiB)")
    map.read("read_header_timeout", into: &readHeaderTimeout)
    map.read("read_timeout", into: &readTimeout)
    map.read("write_timeout", into: &writeTimeout)
    map.read("idle_timeout", into: &idleTimeout)
    map.read("tls", into: &tls)
    map.read("auth", into: &auth)
    map.read("cors", into: &cors)
    compression.read(from: map)
    map.inert("include_metadata", default: false)
    map.inert("response_headers")
    map.inert("keep_alives_enabled", default: true)
    map.inert("middlewares")
  }

  private mutating func readPaths(from map: MapReader) {
    for signal in Signal.allCases {
      let key = "\(signal.name)_url_path"
      guard var path = paths[signal] else { continue }
      map.read(key, into: &path)
      // As the Collector: a relative path gets its slash.
      if !path.hasPrefix("/") { path = "/" + path }
      map.require(
        !path.contains { $0.isWhitespace || $0 == "?" || $0 == "#" }, key,
        "expected a path such as /v1/\(signal.name), found \(quoted(path))")
      paths[signal] = path
    }
    map.require(Set(paths.values).count == paths.count, "traces_url_path", "two signals have the same path")
  }
}
