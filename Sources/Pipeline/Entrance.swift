// Where one receiver's requests of one signal go, worked out once at start.

internal import Journal
internal import OTLP
internal import SelfTelemetry

/// The branches that a request takes, and the counters of the door it came through.
struct Entrance: Sendable {
  // The order in which two are compared.
  struct ID: Equatable, Sendable {
    let signal: Signal
    let transport: Transport
    let receiver: String

    init(receiver: String, transport: Transport, signal: Signal) {
      self.signal = signal
      self.transport = transport
      self.receiver = receiver
    }
  }

  /// A processor chain, and the sinks of all pipelines that have it.
  struct Branch: Sendable {
    let processors: [any Processor]
    let routes: RouteSet

    func process(_ request: ExportRequest) -> ExportRequest? {
      var request = request
      for processor in processors {
        guard let rest = processor.process(request) else { return nil }
        request = rest
      }
      return request
    }
  }

  let id: ID
  let branches: [Branch]
  let accepted: Counter
  let refused: Counter

  init(_ id: ID, branches: [Branch], metrics: MetricRegistry) {
    self.id = id
    self.branches = branches
    let items = id.signal.itemsName
    let labels = [Label("receiver", id.receiver), Label("transport", id.transport.rawValue)]
    accepted = metrics.counter(
      "otelcol_receiver_accepted_\(items)", help: "Items (\(items)) taken over from clients.", labels: labels)
    refused = metrics.counter(
      "otelcol_receiver_refused_\(items)", help: "Items (\(items)) that clients were told to send again or to drop.",
      labels: labels)
  }

  /// One branch per distinct chain: a request is processed once for all pipelines that share it.
  static func branches(of pipelines: [PipelineSettings], journal: Journal) -> [Branch] {
    var chains: [(ids: [String], processors: [any Processor], sinks: [String])] = []
    for pipeline in pipelines {
      let ids = pipeline.processors.map(\.id)
      if let index = chains.firstIndex(where: { $0.ids == ids }) {
        chains[index].sinks += pipeline.sinks
      } else {
        chains.append((ids, pipeline.processors, pipeline.sinks))
      }
    }
    return chains.map { Branch(processors: $0.processors, routes: journal.routes(to: $0.sinks)) }
  }

  func count(_ itemCount: Int, _ outcome: AcceptOutcome) {
    switch outcome {
    case .accepted: accepted.add(itemCount)
    case .refused: refused.add(itemCount)
    }
  }
}

/// The entrances by receiver, transport and signal.
struct EntranceTable: Sendable {
  let all: [Entrance]

  /// They are few: to look at each is quicker than to hash two names with every request.
  subscript(id: Entrance.ID) -> Entrance? {
    for index in all.indices where all[index].id == id { return all[index] }
    return nil
  }
}
