// Log records as rows of the table `log_rows`.

internal import Bytes
internal import OTLP
internal import SQLite

/// The columns that are written, as parameters of the INSERT.
enum LogColumn: Int32, CaseIterable {
  case time = 1
  case observedTime, severityNumber, severityText, serviceName, eventName, body, bodyIsJSON, traceID, spanID
  case attributes, flags, droppedAttributes, resourceID, scopeID

  static func prepareInsert(in database: Database) throws(SQLiteError) -> Statement {
    let names = [
      "time_unix_nano", "observed_time_unix_nano", "severity_number", "severity_text", "service_name", "event_name",
      "body", "body_is_json", "trace_id", "span_id", "attributes", "flags", "dropped_attributes_count", "resource_id",
      "scope_id",
    ]
    precondition(names.count == allCases.count, "every column that is bound has a name")
    return try Statement.insert(into: "log_rows", names, in: database)
  }
}

extension RowWriter {
  mutating func insert(_ record: LogRecordView, into written: inout Written) throws(SQLiteError) {
    logs.bind(bits: record.timeUnixNano, at: LogColumn.time.rawValue)
    logs.bind(bits: record.observedTimeUnixNano, at: LogColumn.observedTime.rawValue)
    logs.bind(Int64(record.severityNumber), at: LogColumn.severityNumber.rawValue)
    logs.bind(present: record.severityText, at: LogColumn.severityText.rawValue)
    logs.bind(present: serviceName, at: LogColumn.serviceName.rawValue)
    logs.bind(present: record.eventName, at: LogColumn.eventName.rawValue)
    logs.bind(record.body.text == nil && record.body.isPresent ? 1 : 0, at: LogColumn.bodyIsJSON.rawValue)
    RowWriter.bind(body: record.body, at: LogColumn.body.rawValue, to: &logs)
    logs.bind(present: record.traceID, at: LogColumn.traceID.rawValue)
    logs.bind(present: record.spanID, at: LogColumn.spanID.rawValue)
    logs.bind(present: record.attributes, at: LogColumn.attributes.rawValue)
    logs.bind(Int64(record.flags), at: LogColumn.flags.rawValue)
    logs.bind(Int64(record.droppedAttributesCount), at: LogColumn.droppedAttributes.rawValue)
    logs.bind(resourceID, at: LogColumn.resourceID.rawValue)
    logs.bind(scopeID, at: LogColumn.scopeID.rawValue)
    try logs.run()
    if record.body.isPresent {
      logText.bind(database.lastInsertedRow, at: 1)
      RowWriter.bind(body: record.body, at: 2, to: &logText)
      try logText.run()
    }
    written.range.rowCount += 1
    written.range.include(record.timeUnixNano == 0 ? record.observedTimeUnixNano : record.timeUnixNano)
  }

  /// A text as it is, anything else as JSON; an absent body is NULL, an empty value the JSON text `null`.
  private static func bind(body: AnyValueView, at index: Int32, to statement: inout Statement) {
    if let text = body.text {
      statement.bind(text: text.span, at: index)
    } else if body.isPresent {
      statement.bindText(at: index) { FlatJSON.append(body, to: &$0) }
    }
  }
}
