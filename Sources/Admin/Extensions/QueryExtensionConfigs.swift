// The file's form of where questions are answered: `extensions: admin:` and `extensions: jaeger_query:`.

package import Config
package import HTTPServer

/// The query API, the metrics and health on an address of their own; the API is then not where the metrics are.
package struct AdminConfig: PageExtensionConfig, Equatable {
  package static let type = "admin"

  package var endpoint = HostPort(host: "127.0.0.1", port: 8888)

  package init() {}

  package mutating func read(from map: MapReader) { map.read("endpoint", into: &endpoint) }

  package func makeHandler(_ context: PageContext) -> HTTPHandler {
    context.admin.handler(isLocal: address?.isLocal ?? false, queries: context.queries)
  }
}

/// The query API once more, where clients of Jaeger look for it.
package struct JaegerQueryConfig: PageExtensionConfig, Equatable {
  package static let type = "jaeger_query"

  package var endpoint = HostPort(host: "127.0.0.1", port: 16_686)

  package init() {}

  package mutating func read(from map: MapReader) { map.read("endpoint", into: &endpoint) }

  package func makeHandler(_ context: PageContext) -> HTTPHandler {
    context.admin.handler(isLocal: address?.isLocal ?? false, queries: context.queries)
  }
}
