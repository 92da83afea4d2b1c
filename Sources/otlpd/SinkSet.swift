// The sinks that run, each with its plan, changed one by one while the others go on.

internal import Journal
internal import Logging
internal import OTLP
internal import Pipeline
internal import SelfTelemetry
internal import Sinks
internal import System

/// The workers of all sinks. The main thread changes them; any thread asks how they are.
final class SinkSet: Sendable {
  fileprivate struct Member: Sendable {
    let plan: DaemonPlan.SinkPlan
    let worker: SinkWorker
  }

  /// How long a sink that is taken out may still send what it has.
  private static let farewellTime = Duration.seconds(5)
  /// How long calls of a sink that changes may take, before they are interrupted and their batches sent again.
  private static let patience = Duration.seconds(2)

  private let journal: Journal
  private let metrics: MetricRegistry
  private let logger: Logger
  private let clock: any Clock
  private let members = Lock<[Member]>([])

  init(journal: Journal, metrics: MetricRegistry, logger: Logger, clock: any Clock) {
    self.journal = journal
    self.metrics = metrics
    self.logger = logger
    self.clock = clock
  }

  /// Makes the sinks of a start, and opens their cursors: what is accepted from now on is kept for them.
  func open(_ plans: [DaemonPlan.SinkPlan], _ context: SinkContext) {
    members.withLock { $0 = plans.map { member($0, context) } }
  }

  private func member(
    _ plan: DaemonPlan.SinkPlan, _ context: SinkContext, after predecessor: SinkWorker? = nil
  ) -> Member {
    let worker = SinkWorker(
      sink: plan.make(context), id: plan.id, signals: plan.signals, settings: plan.delivery, journal: journal,
      metrics: metrics, logger: logger, clock: clock, after: predecessor)
    return Member(plan: plan, worker: worker)
  }

  func start() throws {
    for member in members.withLock({ $0 }) { try member.worker.start() }
  }

  /// Why a sink's telemetry does not arrive, as far as that is known.
  var troubles: [String] {
    let members = members.withLock { $0 }
    let loops = members.map(\.plan).flatMap { plan in
      plan.loops.map { "\(plan.id) \($0.name): sends nothing: its endpoint is otlpd's own listener" }
    }
    return loops + members.flatMap(\.worker.troubles).map(\.description)
  }

  /// How far each sink is, for a status line.
  var lags: String { members.withLock { $0 }.map { "\($0.worker.lag)" }.joined(separator: ", ") }

  // MARK: Another configuration

  /// What a change has come to.
  struct Change: Sendable {
    var added: [String] = []
    var changed: [String] = []
    var removed: [String] = []
    /// Sinks that still run, until nothing is routed to them any more.
    fileprivate var leaving: [Member] = []
  }

  /// Starts what is new and replaces what has changed; what is the same goes on undisturbed.
  ///
  /// Sinks that are taken out go on until `finish`, since the pipelines still route to them; but one that keeps files
  /// ends here when another one of its type comes, which may want the same directory.
  ///
  /// - Parameters:
  ///   - context: for the sinks that are made.
  ///   - former: what the sinks that are there were made with.
  /// - Throws: what a sink throws that cannot start. Then everything is as it was.
  func change(to plans: [DaemonPlan.SinkPlan], _ context: SinkContext, former: SinkContext) throws -> Change {
    let before = members.withLock { $0 }
    var change = Change()
    let staying = before.filter { member in plans.contains { $0.isSame(as: member.plan) } }
    let coming = plans.filter { plan in !staying.contains { $0.plan.id == plan.id } }
    let replaced = before.filter { member in coming.contains { $0.id == member.plan.id } }
    change.leaving = before.filter { member in !plans.contains { $0.id == member.plan.id } }
    let displaced = change.leaving.filter { member in coming.contains { member.plan.mayBeInTheWay(of: $0) } }
    change.leaving.removeAll { member in displaced.contains { $0.worker === member.worker } }
    change.added = coming.map(\.id).filter { id in !replaced.contains { $0.plan.id == id } }
    change.changed = replaced.map(\.plan.id)
    change.removed = (change.leaving + displaced).map(\.plan.id)

    end(replaced, sendingFor: .zero)
    end(displaced, sendingFor: SinkSet.farewellTime)
    var started: [Member] = []
    do {
      for plan in coming {
        let predecessor = replaced.first { $0.plan.id == plan.id }?.worker
        let member = member(plan, context, after: predecessor)
        started.append(member)
        try member.worker.start()
      }
    } catch {
      end(started, sendingFor: .zero)
      let ended = replaced + displaced
      let restored = ended.map { old in
        member(old.plan, former, after: started.last { $0.plan.id == old.plan.id }?.worker ?? old.worker)
      }
      members.withLock { $0 = before.filter { member in !ended.contains { $0.worker === member.worker } } + restored }
      for member in restored { try start(again: member) }
      throw error
    }
    members.withLock { [started] in $0 = staying + started }
    return change
  }

  private func start(again member: Member) throws {
    do { try member.worker.start() } catch { throw SinkLost(sink: member.plan.id, cause: "\(error)") }
  }

  /// Ends the sinks that were taken out, when nothing is appended for them any more.
  func finish(_ change: Change) { end(change.leaving, sendingFor: SinkSet.farewellTime) }

  private func end(_ members: [Member], sendingFor time: Duration) {
    for member in members { member.worker.beginStop(deadline: time) }
    for member in members { member.worker.end(sendingFor: time, patience: SinkSet.patience) }
  }

  /// Whether some sink takes a signal under this id.
  func has(_ sink: String, _ signal: UInt8) -> Bool {
    members.withLock { members in
      members.contains { $0.plan.id == sink && $0.plan.signals.contains { $0.rawValue == signal } }
    }
  }

  // MARK: The end

  /// Delivers what is pending until the deadline, and closes the sinks.
  func stop(deadline: Duration) {
    let members = members.withLock { $0 }
    for member in members { member.worker.beginStop(deadline: deadline) }
    for member in members { member.worker.stop(deadline: deadline) }
  }
}

/// A sink could neither be changed nor started again as it was: only a new start of the process helps.
struct SinkLost: Error, CustomStringConvertible {
  let sink: String
  let cause: String

  var description: String { "the sink \(sink) cannot be started again as it was: \(cause)" }
}

extension DaemonPlan.SinkPlan {
  /// Whether the other one may need what this one holds, a directory for example.
  fileprivate func mayBeInTheWay(of other: DaemonPlan.SinkPlan) -> Bool {
    type(of: config).durability == .local && type(of: config).type == type(of: other.config).type
  }
}
