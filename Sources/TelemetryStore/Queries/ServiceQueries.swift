// Which services there are, what they did lately, what calls what, and what was found.

internal import Bytes
internal import OTLP
internal import SQLite

/// One service in a window.
package struct ServiceRow: Sendable {
  /// Nil for telemetry without `service.name`.
  package let name: String?
  /// `service.version` of its resources.
  package let versions: [String]
  /// What it answered, or its root spans when it answers nothing; nil when there was nothing in the window.
  package let statistics: RequestStatistics?
  package let requestsPerSecond: Double
  /// Start of the last minute or hour in which it did something, Unix nanoseconds.
  package let lastSeen: Int64?
}

/// How often one service called another.
package struct Dependency: Sendable, Equatable {
  package let caller: String
  package let callee: String
  package let calls: Int64
  package let errors: Int64
}

/// One row of the table `findings`, merged over the files.
package struct StoredFinding: Sendable, Equatable {
  package struct Key: Hashable, Sendable {
    /// `n_plus_one` or `slow_statement`.
    package let kind: String
    package let service: String
    /// The operation in which it happens.
    package let place: String
    package let statement: String
  }

  package let key: Key
  package fileprivate(set) var traces: Int64
  package fileprivate(set) var executions: Int64
  /// Nanoseconds, like all times here.
  package fileprivate(set) var total: Int64
  package fileprivate(set) var firstSeen: Int64
  package fileprivate(set) var lastSeen: Int64
  package fileprivate(set) var worstTraceID: String
  package fileprivate(set) var worstParentSpanID: String
  package fileprivate(set) var worstExecutions: Int64
  package fileprivate(set) var worst: Int64

  fileprivate mutating func merge(_ other: StoredFinding) {
    traces += other.traces
    executions += other.executions
    total = total.addingReportingOverflow(other.total).overflow ? .max : total + other.total
    firstSeen = min(firstSeen, other.firstSeen)
    lastSeen = max(lastSeen, other.lastSeen)
    if other.worst > worst {
      (worst, worstExecutions) = (other.worst, other.worstExecutions)
      (worstTraceID, worstParentSpanID) = (other.worstTraceID, other.worstParentSpanID)
    }
  }
}

extension StoreReader {
  /// Every service that any file knows, with what it did in the window; the busiest first.
  package func services(_ window: TimeWindow) throws(QueryError) -> Answer<[ServiceRow]> {
    struct Key: Hashable {
      let service: String?
      let isRoute: Bool
      let time: Int64
    }
    let resources = try session(.traces, nil)
    var versions: [String?: Set<String>] = [:]
    for part in try resources.ask({ (file) throws(SQLiteError) in try Self.resources(file.database) }) {
      versions.merge(part) { $0.union($1) }
    }
    let (session, periods) = try rollups(window)
    let rollups = try session.merged(periods, OperationFilter()) { operation, time in
      Key(service: operation.service, isRoute: operation.category == "route", time: time)
    }
    var all: [String?: (route: Rollup, other: Rollup, last: Int64)] = [:]
    for (key, rollup) in rollups {
      var entry = all[key.service] ?? (Rollup(), Rollup(), 0)
      if key.isRoute { entry.route.merge(rollup) } else { entry.other.merge(rollup) }
      entry.last = max(entry.last, key.time * periods.length)
      all[key.service] = entry
    }
    let rows = Set(versions.keys).union(all.keys).map { name in
      let entry = all[name]
      let best = entry.map { $0.route.count > 0 ? $0.route : $0.other }
      return ServiceRow(
        name: name, versions: (versions[name] ?? []).sorted(), statistics: best.map { RequestStatistics($0) },
        requestsPerSecond: Double(best?.count ?? 0) / periods.window.seconds, lastSeen: entry?.last)
    }
    return session.answer(rows.sorted { ($1.requestsPerSecond, $0.name ?? "") < ($0.requestsPerSecond, $1.name ?? "") })
  }

  /// The names of the services in all files, sorted.
  package func serviceNames() throws(QueryError) -> Answer<[String]> {
    let session = try session(.traces, nil)
    let names = try session.ask { (file) throws(SQLiteError) in try file.services() }.joined()
    return session.answer(Set(names.compactMap { $0 }).sorted())
  }

  /// What a service answers and begins, in all files; sorted.
  package func operationNames(of service: String) throws(QueryError) -> Answer<[Operation]> {
    let session = try session(.traces, nil)
    let found = try session.ask { (file) throws(SQLiteError) in
      try QuerySession.operations(file.database, OperationFilter(service: service)).values
    }
    let entries = Set(found.joined()).filter { $0.category == "route" || $0.category == "operation" }
    return session.answer(entries.sorted { ($0.name, $0.kind) < ($1.name, $1.kind) })
  }

  private static func resources(_ database: Database) throws(SQLiteError) -> [String?: Set<String>] {
    var rows = try database.prepare(
      #"SELECT DISTINCT service_name, attributes ->> '$."service.version"' FROM resources"#)
    var versions: [String?: Set<String>] = [:]
    while try rows.step() {
      versions[rows.text(0), default: []].formUnion(rows.text(1).map { [$0] } ?? [])
    }
    return versions
  }

  /// The calls between services in the hours of the window, the most frequent first.
  package func dependencies(_ window: TimeWindow) throws(QueryError) -> Answer<[Dependency]> {
    struct Pair: Hashable {
      let caller: String
      let callee: String
    }
    let hours = RollupPeriods(window, isFine: false).range
    let (session, _) = try rollups(window)
    let parts = try session.ask { (file) throws(SQLiteError) -> [Pair: (Int64, Int64)] in
      var rows = try file.database.prepare(
        "SELECT caller, callee, sum(count), sum(errors) FROM edges WHERE hour >= ?1 AND hour < ?2 GROUP BY 1, 2")
      rows.bind(hours.lowerBound, at: 1)
      rows.bind(hours.upperBound, at: 2)
      var calls: [Pair: (Int64, Int64)] = [:]
      while try rows.step() {
        calls[Pair(caller: rows.text(0) ?? "", callee: rows.text(1) ?? "")] = (rows.integer(2), rows.integer(3))
      }
      return calls
    }
    var sums: [Pair: (Int64, Int64)] = [:]
    for part in parts { sums.merge(part) { ($0.0 + $1.0, $0.1 + $1.1) } }
    let edges = sums.map { Dependency(caller: $0.caller, callee: $0.callee, calls: $1.0, errors: $1.1) }
    return session.answer(edges.sorted { ($1.calls, $0.caller, $0.callee) < ($0.calls, $1.caller, $1.callee) })
  }

  /// What was found and seen again in the window, the costliest first.
  package func findings(_ window: TimeWindow, service: String? = nil) throws(QueryError) -> Answer<[StoredFinding]> {
    let session = try session(.traces, window)
    var sums: [StoredFinding.Key: StoredFinding] = [:]
    for part in try session.ask({ (file) throws(SQLiteError) in try Self.findings(file.database, window, service) }) {
      for finding in part {
        if sums[finding.key]?.merge(finding) == nil { sums[finding.key] = finding }
      }
    }
    return session.answer(sums.values.sorted { ($1.total, $0.key.statement) < ($0.total, $1.key.statement) })
  }

  private static func findings(
    _ database: Database, _ window: TimeWindow, _ service: String?
  ) throws(SQLiteError) -> [StoredFinding] {
    var rows = try database.prepare(
      """
      SELECT kind, service_name, place, statement, traces, executions, total_ns, first_seen_unix_nano,
        last_seen_unix_nano, worst_trace_id, worst_parent_span_id, worst_executions, worst_ns
      FROM findings WHERE last_seen_unix_nano >= ?1 AND first_seen_unix_nano < ?2 AND coalesce(service_name = ?3, 1)
      """)
    rows.bind(window.from, at: 1)
    rows.bind(window.to, at: 2)
    if let service { rows.bind(service, at: 3) }
    var found: [StoredFinding] = []
    while try rows.step() {
      found.append(
        StoredFinding(
          key: StoredFinding.Key(
            kind: rows.text(0) ?? "", service: rows.text(1) ?? "", place: rows.text(2) ?? "",
            statement: rows.text(3) ?? ""),
          traces: rows.integer(4), executions: rows.integer(5), total: rows.integer(6), firstSeen: rows.integer(7),
          lastSeen: rows.integer(8), worstTraceID: rows.bytes(9)?.hex ?? "",
          worstParentSpanID: rows.bytes(10)?.hex ?? "", worstExecutions: rows.integer(11), worst: rows.integer(12)))
    }
    return found
  }
}
