// The file's form of what web pages of other origins may do.

package import Config
package import HTTPServer

/// `cors:` of an HTTP server.
package struct CORSConfig: ConfigBlock, Equatable, Sendable {
  package var allowedOrigins: [String] = []
  package var allowedHeaders: [String] = []
  package var exposedHeaders: [String] = []
  /// In seconds; 0 leaves it to the browser.
  package var maxAge = 0

  package init() {}

  package mutating func read(from map: MapReader) {
    map.read("allowed_origins", into: &allowedOrigins)
    map.read("allowed_headers", into: &allowedHeaders)
    map.read("exposed_headers", into: &exposedHeaders)
    map.read("max_age", into: &maxAge)
    if !allowedHeaders.isEmpty && allowedOrigins.isEmpty {
      map.warn("allowed_headers", "is ignored without allowed_origins: browsers may send nothing")
    }
    map.require((0...86_400 * 365).contains(maxAge), "max_age", "must be between 0 seconds and a year")
  }

  /// nil when no origin is allowed.
  package var cors: CORS? {
    guard !allowedOrigins.isEmpty else { return nil }
    return CORS(origins: allowedOrigins, headers: allowedHeaders, exposedHeaders: exposedHeaders, maxAge: maxAge)
  }
}
