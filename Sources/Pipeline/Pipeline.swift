// Acceptance: what a receiver decoded goes through its processors into the journal, or is refused.

package import Journal
package import Logging
package import OTLP
package import SelfTelemetry
package import System

/// What became of a request, for the receiver's answer.
package enum AcceptOutcome: Sendable, Equatable {
  /// Every sink of its pipelines gets it at least once, or a counter says why not.
  case accepted
  case refused(RefusalReason)
}

/// Why a request was not accepted; nothing of it was kept.
package enum RefusalReason: Sendable, Equatable {
  /// The same request may be accepted later: 503 with Retry-After, or UNAVAILABLE.
  case journalFull
  /// The disk is full, or about to be. The same request may be accepted later: 503 with Retry-After, or UNAVAILABLE.
  case diskFull
  /// otlpd stops; another instance may take the request: 503, or UNAVAILABLE.
  case shuttingDown
  /// No pipeline takes this signal from this receiver: 404, or UNIMPLEMENTED.
  case noPipeline
  /// Larger than the whole journal: 413, or RESOURCE_EXHAUSTED. The same request can never be accepted.
  case tooLarge
}

/// The way from the receivers into the journal; immutable, any thread.
package final class Pipeline: Sendable {
  private let journal: Journal
  private let entrances: EntranceTable
  private let refusals: RefusalLog

  /// - Parameters:
  ///   - pipelines: all of the configuration's; their receivers are those whose requests are known.
  ///   - transports: those that have a listener; their counters are shown from the start.
  package init(
    pipelines: [PipelineSettings], transports: [Transport] = [.http], journal: Journal, metrics: MetricRegistry,
    logger: Logger, clock: any Clock
  ) {
    self.journal = journal
    refusals = RefusalLog(logger: logger, clock: clock)
    var entrances: [Entrance] = []
    for receiver in Set(pipelines.flatMap(\.receivers)) {
      for signal in Signal.allCases {
        let mine = pipelines.filter { $0.signal == signal && $0.receivers.contains(receiver) }
        for transport in transports {
          let id = Entrance.ID(receiver: receiver, transport: transport, signal: signal)
          entrances.append(
            Entrance(id, branches: Entrance.branches(of: mine, journal: journal), metrics: metrics))
        }
      }
    }
    self.entrances = EntranceTable(all: entrances)
  }

  /// Whether some pipeline takes this signal from this receiver.
  package func takes(_ signal: Signal, from receiver: String) -> Bool {
    entrances.all.contains { $0.id.receiver == receiver && $0.id.signal == signal && !$0.branches.isEmpty }
  }

  /// Takes a validated request for every sink of its pipelines, or refuses it whole.
  ///
  /// Any thread; runs the processors, and never waits for a sink. `completion` is called once, here or later on another
  /// thread, when the request is as durable as the journal's setting promises.
  package func accept(
    _ request: ExportRequest, from receiver: String, transport: Transport = .http,
    _ completion: @escaping @Sendable (AcceptOutcome) -> Void
  ) {
    let id = Entrance.ID(receiver: receiver, transport: transport, signal: request.signal)
    guard let entrance = entrances[id], !entrance.branches.isEmpty else {
      entrances[id]?.refused.add(request.itemCount)
      return completion(.refused(.noPipeline))
    }
    var group: [JournalRecord] = []
    for branch in entrance.branches {
      guard let rest = branch.process(request), rest.itemCount > 0 else { continue }
      group.append(JournalRecord(rest, routes: branch.routes))
    }
    journal.append(group) { [refusals] outcome in
      let outcome = AcceptOutcome(outcome)
      entrance.count(request.itemCount, outcome)
      if case .refused(let reason) = outcome { refusals.note(reason, entrance.id) }
      completion(outcome)
    }
  }
}

extension JournalRecord {
  fileprivate init(_ request: ExportRequest, routes: RouteSet) {
    self.init(
      payload: request.payload, signal: request.signal.rawValue, itemCount: request.itemCount, routes: routes)
  }
}

extension AcceptOutcome {
  fileprivate init(_ outcome: AppendOutcome) {
    switch outcome {
    case .accepted: self = .accepted
    case .refused(.full), .refused(.queueFull): self = .refused(.journalFull)
    case .refused(.noSpace): self = .refused(.diskFull)
    case .refused(.tooLarge): self = .refused(.tooLarge)
    // A failed disk ends the process: the client's next attempt finds another one.
    case .refused(.closed), .refused(.failed): self = .refused(.shuttingDown)
    }
  }
}
