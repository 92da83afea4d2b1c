// Writes requests as rows of one open day file.

internal import Bytes
internal import OTLP
internal import SQLite
internal import System

/// The statements and the memory of one open file. Call it inside a transaction only; after a rollback it is of no use.
struct RowWriter: ~Copyable {
  /// What became of a request's items.
  struct Written {
    /// Rows inserted, and the event times they cover.
    var range = TimeRange()
    /// Spans left out because the file has one of the same ids and kind.
    var duplicates = 0
  }

  let database: Database
  var spans: Statement
  var logs: Statement
  /// The full-text index of the bodies.
  var logText: Statement
  var points: Statement
  var metrics: ContentTable
  var series: ContentTable
  var operations: OperationTable
  var rollups: RollupWriter
  var findings: FindingWriter
  private var edges: EdgeCounter
  var traits = SpanTraits()
  /// The row of the last span inserted.
  var newestSpan: Int64 = 0
  private var resources: ContentTable
  private var scopes: ContentTable

  /// The resource and scope that the items being visited belong to.
  private var resourceIndex = -1
  private var scopeIndex = -1
  private(set) var resourceID: Int64 = 0
  private(set) var scopeID: Int64 = 0
  private(set) var serviceName = Bytes()

  init(_ database: Database) throws(SQLiteError) {
    let spans = try SpanColumn.prepareInsert(in: database)
    let logs = try LogColumn.prepareInsert(in: database)
    let logText = try database.prepare("INSERT INTO log_text(rowid, body) VALUES (?1, ?2)")
    let points = try PointColumn.prepareInsert(in: database)
    let resources = try ContentTable(
      "resources",
      columns: ["content_hash", "service_name", "attributes", "dropped_attributes_count", "entity_refs", "schema_url"],
      in: database)
    let scopes = try ContentTable(
      "scopes", columns: ["content_hash", "name", "version", "attributes", "dropped_attributes_count", "schema_url"],
      in: database)
    let metrics = try ContentTable(
      "metrics",
      columns: [
        "content_hash", "name", "description", "unit", "type", "aggregation_temporality", "is_monotonic", "metadata",
      ], in: database)
    let series = try ContentTable(
      "series", columns: ["content_hash", "metric_id", "resource_id", "scope_id", "service_name", "attributes"],
      in: database)
    let operations = try OperationTable(database)
    let rollups = try RollupWriter(database)
    let findings = try FindingWriter(database)
    let edges = try EdgeCounter(database)
    // All at once: a partly initialised value of one owner cannot be taken back when a later statement fails.
    self.database = database
    self.spans = spans
    self.logs = logs
    self.logText = logText
    self.points = points
    self.resources = resources
    self.scopes = scopes
    self.metrics = metrics
    self.series = series
    self.operations = operations
    self.rollups = rollups
    self.findings = findings
    self.edges = edges
  }

  /// Inserts every item of the request.
  mutating func insert(_ request: ExportRequest, into written: inout Written) throws(SQLiteError) {
    resourceIndex = -1
    scopeIndex = -1
    switch request.signal {
    case .traces:
      try request.forEachSpan { (resource, scope, span) throws(SQLiteError) in
        try enter(resource, scope)
        try insert(span, into: &written)
      }
    case .logs:
      try request.forEachLogRecord { (resource, scope, record) throws(SQLiteError) in
        try enter(resource, scope)
        try insert(record, into: &written)
      }
    case .metrics:
      try request.forEachMetric { (resource, scope, metric) throws(SQLiteError) in
        try enter(resource, scope)
        try insert(metric, into: &written)
      }
    }
  }

  /// Writes what the inserted spans add to the roll-ups, the findings and the edges: the last step of a transaction.
  mutating func finish(at now: Instant) throws(SQLiteError) {
    try rollups.flush()
    try findings.flush()
    try edges.count(through: newestSpan, at: now)
  }

  /// Makes `resourceID`, `scopeID` and `serviceName` those of the next item.
  private mutating func enter(_ resource: ResourceView, _ scope: ScopeView) throws(SQLiteError) {
    if resource.index != resourceIndex {
      resourceID = try id(of: resource)
      serviceName = Bytes(copying: resource.serviceName.span)
      resourceIndex = resource.index
    }
    if scope.index != scopeIndex {
      scopeID = try id(of: scope)
      scopeIndex = scope.index
    }
  }

  private mutating func id(of resource: ResourceView) throws(SQLiteError) -> Int64 {
    try resources.id(in: database) { content in
      // The wire bytes say it all. A client that writes one resource in two orders gets two rows: harmless.
      content.append(resource.bytes)
      content.append(0xff)
      content.append(resource.schemaURL.span)
    } _: { statement in
      statement.bind(present: resource.serviceName, at: 2)
      statement.bind(present: resource.attributes, at: 3)
      statement.bind(Int64(resource.droppedAttributesCount), at: 4)
      statement.bind(present: resource.entityRefs, at: 5)
      statement.bind(present: resource.schemaURL, at: 6)
    }
  }

  private mutating func id(of scope: ScopeView) throws(SQLiteError) -> Int64 {
    try scopes.id(in: database) { content in
      content.append(scope.bytes)
      content.append(0xff)
      content.append(scope.schemaURL.span)
    } _: { statement in
      statement.bind(present: scope.name, at: 2)
      statement.bind(present: scope.version, at: 3)
      statement.bind(present: scope.attributes, at: 4)
      statement.bind(Int64(scope.droppedAttributesCount), at: 5)
      statement.bind(present: scope.schemaURL, at: 6)
    }
  }
}
