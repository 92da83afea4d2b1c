// The running daemon: its parts, connected, started in order, changed while it runs, and stopped in reverse.

internal import Admin
internal import HTTPServer
internal import Journal
internal import Logging
internal import OTLP
internal import Pipeline
internal import Reactor
internal import SelfTelemetry
internal import Sinks
internal import System

/// Connects what lives as long as the process with what the present configuration makes of it. Main thread.
final class DaemonGraph: Sendable {
  private let base: DaemonBase
  let reactor: Reactor
  private let listeners: Listeners
  private let sinks: SinkSet
  private let log: JournalLog
  private let generation: Lock<Generation>
  private let context: Lock<SinkContext>
  private let isReady: Lock<Bool>
  private let end: Lock<End>
  private var logger: Logger { base.logger }
  private var journal: Journal { base.journal }

  /// How the life of the process ends.
  private struct End {
    /// The journal's disk failed, or did not answer in time.
    var hasFailed = false
    var isStopping = false
  }

  /// How long the requests in flight may take when the daemon stops.
  private static let drainTime = Duration.seconds(2)
  /// How long the sinks may take to deliver what is pending when the daemon stops.
  private static let flushTime = Duration.seconds(5)
  /// How long the journal's disk may take to store what it has when the daemon stops.
  private static let journalTime = Duration.seconds(3)
  /// How long it may take over what was accepted by a configuration that is gone; an append waits 2 s for room.
  private static let settleTime = Duration.seconds(5)

  init(
    _ plan: DaemonPlan, context: SinkContext, passedSockets: PassedSockets, metrics: MetricRegistry, logger: Logger,
    clock: any Clock
  ) throws {
    let end = Lock(End())
    self.end = end
    let log = JournalLog(logger: logger, clock: clock)
    self.log = log
    let journal = try Journal.open(
      settings: plan.journal, clock: clock, metrics: metrics, onWarning: { log.note($0) },
      onFailure: { error in
        logger.critical(
          "the journal's disk failed; stopping, since nothing more can be kept safe", metadata: ["error": "\(error)"])
        end.withLock { end in
          end.hasFailed = true
          // Later the signal would have its default effect, and the wrong exit status.
          if !end.isStopping { UnixSignals.request(.terminate) }
        }
      })
    if let recovery = journal.recovery { log.opened(recovery, plan.journal) }
    // Cursors first: what a pipeline accepts is routed to sinks that the journal already knows.
    let sinks = SinkSet(journal: journal, metrics: metrics, logger: logger, clock: clock)
    self.sinks = sinks
    sinks.open(plan.sinks, context)
    self.context = Lock(context)
    for sink in journal.giveUpRemovedSinks() {
      SinkMetrics.count(removed: sink.sink, signal: sink.signalName, items: sink.pending.items, in: metrics)
      log.removed(sink)
    }
    reactor = try Reactor(
      loops: Reactor.defaultLoops(processors: ProcessStatistics.processors), clock: clock, passedSockets: passedSockets)
    listeners = Listeners(reactor: reactor)
    let isReady = Lock(false)
    self.isReady = isReady
    base = DaemonBase(
      journal: journal,
      shared: SharedResources(memoryBytesMax: plan.memoryInFlightMax, metrics: metrics, logger: logger, clock: clock),
      queryThreads: QueryThreads(), metrics: metrics, logger: logger, clock: clock
    ) {
      guard isReady.withLock({ $0 }) else { return .notReady(reason: "starting or stopping") }
      let warnings = journal.warnings.map(\.text) + sinks.troubles
      return warnings.isEmpty ? .ready : .readyWithWarnings(warnings)
    }
    generation = Lock(try Generation(plan, on: base))
  }

  /// Starts sinks, then loops, then listeners: the first request finds everything in place.
  ///
  /// - Throws: what a sink throws, `ListenError` or `SystemError`; what was started is stopped again.
  /// - Returns: the addresses that are listened on.
  func start() throws -> [String] {
    do {
      return try startParts()
    } catch {
      stop()
      throw error
    }
  }

  private func startParts() throws -> [String] {
    // Every sink has its cursors: from now on the journal lets go of what none of them needs.
    try journal.start()
    try sinks.start()
    let generation = generation.withLock { $0 }
    try generation.start()
    try base.queryThreads.start()
    try reactor.start()
    let opening = try listeners.open(for: generation.servers.map(\.http))
    listeners.serve(opening)
    announce(opening, generation, besides: [])
    closeUnusedSockets()
    isReady.withLock { $0 = true }
    return opening.addresses
  }

  private func announce(_ opening: Listeners.Opening, _ generation: Generation, besides known: Set<String>) {
    for error in opening.skipped {
      logger.warning("cannot listen on the second address of localhost", metadata: ["error": "\(error)"])
    }
    for (server, address) in zip(generation.servers, opening.addresses) where !known.contains(address) {
      logger.info(
        "listening",
        metadata: ["component": "\(server.component)", "protocol": "\(server.scheme)", "address": "\(address)"])
    }
  }

  /// What connects to a passed socket that no endpoint has would wait for ever.
  private func closeUnusedSockets() {
    let unused = reactor.passedSockets.closeRest()
    if unused.isEmpty { return }
    logger.warning(
      """
      the service manager passed sockets that no endpoint listens on; give otlpd.socket and the configuration the same \
      addresses
      """,
      metadata: ["sockets": "\(unused.joined(separator: ","))"])
  }

  /// How far each sink is, for a status line.
  var lags: String { sinks.lags }

  // MARK: Another configuration

  /// Goes over to another plan while requests come in: the journal, and listeners and sinks that are the same, go on.
  ///
  /// Everything that can fail comes before the first request meets the new pipelines.
  ///
  /// - Throws: `RestartNeeded`, or what a start throws; then everything is as it was, unless it is `SinkLost`.
  /// - Returns: the addresses that are listened on.
  func change(to plan: DaemonPlan, _ context: SinkContext) throws -> [String] {
    try RestartNeeded.check(journal.settings, plan.journal)
    try RestartNeeded.check(memoryInFlight: base.shared.memory.bytesMax, plan.memoryInFlightMax)
    let before = generation.withLock { $0 }
    before.reloadCertificates()
    let next = try Generation(plan, on: base, after: before)
    let known = Set(listeners.addresses)
    let opening = try listeners.open(for: next.servers.map(\.http))
    try next.start(after: before)
    let change: SinkSet.Change
    do {
      change = try sinks.change(to: plan.sinks, context, former: self.context.withLock { $0 })
    } catch {
      next.stop(before: before)
      throw error
    }
    listeners.serve(opening)
    generation.withLock { $0 = next }
    self.context.withLock { $0 = context }
    // Nothing new comes for the pipelines of before; what they took on is decided, written, and with its sinks.
    before.stop(before: next)
    if !journal.settleAppended(within: DaemonGraph.settleTime) {
      logger.warning("the journal's disk has not yet taken what was accepted before the change")
    }
    sinks.finish(change)
    for sink in journal.giveUpCursors(except: sinks.has) {
      SinkMetrics.count(givenUp: sink.sink, signal: sink.signalName, items: sink.pending.items, in: base.metrics)
      log.removed(sink)
    }
    announce(opening, next, besides: known)
    logger.info(
      "sinks",
      metadata: [
        "added": "\(change.added.joined(separator: ","))", "changed": "\(change.changed.joined(separator: ","))",
        "removed": "\(change.removed.joined(separator: ","))",
      ])
    return opening.addresses
  }

  // MARK: The end

  /// Stopping begins, for whatever reason: a disk that fails from now on needs no signal to stop the process.
  func beginStop() {
    let hasFailed = end.withLock { end in
      end.isStopping = true
      return end.hasFailed
    }
    // The failure's own signal may have come after the one that is obeyed.
    if hasFailed { UnixSignals.discard() }
  }

  /// Stops accepting, answers what is in flight, delivers what is pending, and closes the sinks.
  func stop() {
    isReady.withLock { $0 = false }
    listeners.stopAccepting()
    reactor.stop(deadline: DaemonGraph.drainTime)
    generation.withLock { $0 }.stop()
    base.queryThreads.stop()
    journal.close()
    // With a failed disk, sinks get after the restart what they did not get before.
    sinks.stop(deadline: hasFailed ? .zero : DaemonGraph.flushTime)
    let unanswered = journal.finish(within: DaemonGraph.journalTime)
    guard unanswered > 0 else { return }
    end.withLock { $0.hasFailed = true }
    logger.critical(
      "the journal's disk does not answer; stopping without what it was writing, which was not acknowledged",
      metadata: ["requests": "\(unanswered)", "directory": "\(journal.settings.directory)"])
  }

  /// Whether the disk failed under the journal.
  var hasFailed: Bool { end.withLock { $0.hasFailed } }
}

/// A change that cannot be made while the process runs.
struct RestartNeeded: Error, CustomStringConvertible {
  let description: String

  /// The journal's place and promise are for the life of a process; its bounds are those of its start.
  static func check(_ running: JournalSettings, _ wanted: JournalSettings) throws(RestartNeeded) {
    func fail(_ what: String, _ from: String, _ to: String) -> RestartNeeded {
      RestartNeeded(description: "restart needed: the journal's \(what) cannot change from \(from) to \(to) now")
    }
    if running.durability != wanted.durability {
      throw fail("durability", running.durability.rawValue, wanted.durability.rawValue)
    }
    if running.durability != .memory, running.directory != wanted.directory {
      throw fail("directory", running.directory, wanted.directory)
    }
    if running != wanted { throw RestartNeeded(description: "restart needed: the journal's bounds have changed") }
  }

  /// Requests that are in flight have reserved from the budget that there is.
  static func check(memoryInFlight running: Int, _ wanted: Int) throws(RestartNeeded) {
    guard running != wanted else { return }
    throw RestartNeeded(
      description: "restart needed: the memory for requests in flight (limits: memory_in_flight, memory_limiter) "
        + "cannot change from \(running) to \(wanted) bytes now")
  }
}

extension RemovedSink {
  fileprivate var signalName: String { Signal(rawValue: signal)?.name ?? "\(signal)" }
}
