// The file's form of `extensions: zpages:`.

package import Config
package import HTTPServer
internal import SelfTelemetry

/// Where people look at what otlpd is doing.
package struct ZPagesConfig: PageExtensionConfig, Equatable {
  package static let type = "zpages"

  package var endpoint = HostPort(host: "localhost", port: 55679)

  package init() {}

  package mutating func read(from map: MapReader) {
    map.read("endpoint", into: &endpoint)
    map.inert("expvar", as: Expvar.self)
    map.readServerKeys()
  }

  package func makeHandler(_ context: PageContext) -> HTTPHandler {
    context.metrics.activity.watch()
    let pages = ZPages(context)
    let isLocal = address?.isLocal ?? false
    return { request, reply in reply.send(pages.answer(request, isLocal: isLocal)) }
  }

  private struct Expvar: ConfigBlock {
    mutating func read(from map: MapReader) { map.inert("enabled", default: false) }
  }
}
