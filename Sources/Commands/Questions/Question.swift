// The questions of the command line: pages of the query API, asked without a daemon.
//
// `otlpd routes` and `/api/v1/routes` are one question with one answer: the command gives the page its parameters, and
// prints the answer as it is (JSON), element by element (NDJSON), or as a table.

internal import Admin
internal import Bytes
internal import Sinks
internal import System
internal import TelemetryStore

/// A page of the query API with its parameters, and how its answer looks as a table.
package struct Question: Sendable {
  package typealias Parameter = (name: String, value: String)

  /// Below `/api`.
  let path: [String]
  let parameters: [Parameter]
  /// The array in the answer that holds what was asked for.
  let list: String
  let table: @Sendable (_ answer: JSONValue, _ style: TextStyle) -> String

  init(
    _ path: [String], _ parameters: [Parameter], list: String,
    table: @escaping @Sendable (_ answer: JSONValue, _ style: TextStyle) -> String
  ) {
    self.path = path
    self.parameters = parameters
    self.list = list
    self.table = table
  }
}

/// How an answer is printed.
package enum OutputFormat: String, Sendable, CaseIterable {
  case table
  /// One document.
  case json
  /// One JSON object per line.
  case ndjson
}

/// Asks the files of a directory, and prints.
package struct QuestionDesk: Sendable {
  /// A person can wait longer than a page can, and can stop waiting.
  private static let patience = Duration.seconds(120)

  let directory: String
  let format: OutputFormat
  let style: TextStyle
  let output: @Sendable (String) -> Void
  let complaint: @Sendable (String) -> Void

  /// - Parameter directory: where the day files are.
  package init(
    directory: String, format: OutputFormat, style: TextStyle,
    output: @escaping @Sendable (String) -> Void = { StandardStream.output.write($0) },
    complaint: @escaping @Sendable (String) -> Void = { StandardStream.error.write($0) }
  ) {
    self.directory = directory
    self.format = format
    self.style = style
    self.output = output
    self.complaint = complaint
  }

  var reader: StoreReader { StoreReader(directory: directory, deadline: QuestionDesk.patience) }

  /// - Returns: whether there was an answer; it may be empty.
  package func ask(_ question: Question, now: UInt64) -> Bool {
    do throws(QueryError) {
      let parameters = QueryParameters(question.parameters)
      let body = try QueryAPI.body(question.path, parameters, reader: reader, now: now)
      guard let answer = body.flatMap({ JSONValue(parsing: $0.array) }) else {
        return fail("not found in \(directory)" + (hasFiles ? "." : ". \(advice)"))
      }
      print(answer, question)
      return true
    } catch {
      return fail(error)
    }
  }

  private func print(_ answer: JSONValue, _ question: Question) {
    let elements = answer[question.list].elements
    switch format {
    case .json: output(answer.json + "\n")
    case .ndjson: for element in elements { output(element.json + "\n") }
    case .table: if !elements.isEmpty { output(question.table(answer, style)) }
    }
    note(skipped: answer["skipped_files"].elements.map { ($0["name"].string ?? "", $0["reason"].string ?? "") })
    if elements.isEmpty {
      complaint(hasFiles ? "nothing found. Ask for a longer time, such as --since 7d, or for less.\n" : advice + "\n")
    }
    if let next = answer["next"].string { complaint("there is more: --before \(next)\n") }
  }

  func note(skipped: [(name: String, reason: String)]) {
    for file in skipped { complaint("left out \(file.name): \(file.reason.printable)\n") }
  }

  func fail(_ error: QueryError) -> Bool {
    if case .unreadable = error { return fail("\(error)".printable + " " + advice) }
    return fail("\(error)".printable)
  }

  func fail(_ reason: String) -> Bool {
    complaint("error: \(reason)\n")
    return false
  }

  // MARK: Where telemetry is

  var hasFiles: Bool {
    let names = (try? Directory(path: directory).entries()) ?? []
    return names.contains { $0.hasPrefix("telemetry-") && $0.hasSuffix(".db") }
  }

  /// What to do when there is no telemetry at all.
  var advice: String {
    """
    No telemetry is stored in \(directory). Name the directory of the sqlite exporter with --data-dir; the systemd \
    service keeps it in /var/lib/otlpd, which root can read. `otlpd doctor` says why nothing arrives.
    """
  }
}
