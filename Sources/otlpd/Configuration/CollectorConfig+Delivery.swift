// How each sink batches, retries and behaves when the journal is full: from its block, its pipelines, its neighbours.

package import Config
internal import Journal
package import Pipeline
internal import Processors
internal import Sinks

extension CollectorConfig {
  /// The code's form of a sink's delivery keys; defaults for an id that is not configured.
  package func delivery(of id: ComponentID) -> DeliverySettings {
    guard let sink = sinks[id] else { return DeliverySettings() }
    let isNetwork = type(of: sink).durability == .network
    return DeliverySettings(
      batch: sink.delivery.sendingQueue.batch?.settings ?? batchOfPipelines(to: id)
        ?? sink.batch,
      retry: sink.delivery.retry.settings, whenFull: whenFull(sink, id), lagLimit: sink.delivery.sendingQueue.limit,
      consumers: isNetwork ? sink.delivery.sendingQueue.consumers : 1, mayReshape: isNetwork)
  }

  /// A `batch` processor batches the sinks of its pipelines; the first one in the file counts.
  private func batchOfPipelines(to sink: ComponentID) -> BatchSettings? {
    for pipeline in pipelines(to: sink) {
      for processor in pipeline.processors {
        if let batch = processors[processor] as? BatchProcessorConfig { return batch.settings }
      }
    }
    return nil
  }

  /// Telemetry that is kept on this machine anyway may be dropped for a network sink whose other side is away.
  private func whenFull(_ sink: any SinkConfig, _ id: ComponentID) -> WhenFull {
    switch sink.delivery.whenFull {
    case .refuse: return .refuse
    case .dropOldest: return .dropOldest
    case nil: break
    }
    switch type(of: sink).durability {
    case .bestEffort: return .bestEffort
    case .local: return .refuse
    case .network:
      let isKeptHere = pipelines(to: id).allSatisfy { pipeline in
        pipeline.receivers.allSatisfy { receiver in
          pipelines.contains { other in
            other.signal == pipeline.signal && other.receivers.contains(receiver)
              && other.sinks.contains { sinks[$0].map { type(of: $0).durability } == .local }
          }
        }
      }
      return isKeptHere ? .dropOldest : .refuse
    }
  }
}
