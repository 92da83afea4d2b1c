// The file's form of where questions are answered: `extensions: admin:` and `extensions: jaeger_query:`.

package import Config

/// `/metrics`, health and the query API on an address of their own, instead of the query API where the metrics are.
package struct AdminConfig: ConfigBlock, Equatable, Sendable {
  package var endpoint = HostPort(host: "127.0.0.1", port: 8888)

  package init() {}

  package mutating func read(from map: MapReader) { map.read("endpoint", into: &endpoint) }
}

/// The query API once more, where clients of Jaeger look for it.
package struct JaegerQueryConfig: ConfigBlock, Equatable, Sendable {
  package var endpoint = HostPort(host: "127.0.0.1", port: 16_686)

  package init() {}

  package mutating func read(from map: MapReader) { map.read("endpoint", into: &endpoint) }
}
