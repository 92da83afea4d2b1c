// Holds docs/metrics.md against the names in the sources.

import Foundation
import Testing

@Suite struct MetricsDocumentTests {
  private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// The metric names in the sources' string literals; an interpolated end is written as in the document.
  private func namesInSources() throws -> Set<String> {
    let literal = /"((?:otlpd|otelcol)_[a-z_]+)(\\\([^)]*\))?"/
    var names: Set<String> = []
    let sources = root.appendingPathComponent("Sources")
    for path in try FileManager.default.subpathsOfDirectory(atPath: sources.path) where path.hasSuffix(".swift") {
      let text = try String(contentsOf: sources.appendingPathComponent(path), encoding: .utf8)
      // A name that ends in `_` alone is the beginning of several, which somebody reads.
      for match in text.matches(of: literal) where match.2 != nil || !match.1.hasSuffix("_") {
        names.insert(String(match.1) + (match.2 == nil ? "" : "<items>"))
      }
    }
    return names
  }

  @Test("Every metric in the sources is documented, and every documented metric is in the sources")
  func documented() throws {
    let document = try String(contentsOf: root.appendingPathComponent("docs/metrics.md"), encoding: .utf8)
    let row = /\n\| `((?:otlpd|otelcol)_[a-z_<>]+)` \|/
    let documented = Set(document.matches(of: row).map { String($0.1) })
    let found = try namesInSources()
    #expect(found.subtracting(documented).sorted() == [])
    #expect(documented.subtracting(found).sorted() == [])
  }
}
