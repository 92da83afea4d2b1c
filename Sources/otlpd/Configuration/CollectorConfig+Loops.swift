// Sinks that would send to otlpd itself.

package import Config
package import OTLP
internal import Receivers
internal import Sinks

extension CollectorConfig {
  /// The signals that a sink gets and would send to one of otlpd's own listeners, where they would go round for ever.
  ///
  /// Configurations of guides have such an endpoint when a variable is not set, so it is no reason not to start.
  package func loops(of id: ComponentID) -> Set<Signal> {
    guard let sink = sinks[id] else { return [] }
    let listeners = receivers.values.flatMap { [$0.http?.dialledEndpoint, $0.grpc?.dialledEndpoint].compactMap { $0 } }
    return Set(
      pipelines(to: id).map(\.signal).filter { signal in
        sink.peer(for: signal).map { peer in listeners.contains(where: peer.reaches) } ?? false
      })
  }

  /// Warns of the sinks that get nothing for that reason.
  func reportLoops(to diagnostics: ConfigDiagnostics, positions: [ComponentID: SourcePosition]) {
    for (id, sink) in sinks.sorted(by: { $0.key < $1.key }) {
      let signals = Signal.allCases.filter(loops(of: id).contains)
      guard let first = signals.first, let peer = sink.peer(for: first) else { continue }
      diagnostics.warn(
        ConfigProblem(
          position: positions[id], path: "exporters::\(id)",
          message: "\(peer) is otlpd's own listener, so this exporter sends no "
            + "\(signals.map(\.name).joined(separator: ", ")): every item would go round for ever. Its items are "
            + "dropped and counted as self_loop. Set the endpoint to where the data should go."))
    }
  }
}
