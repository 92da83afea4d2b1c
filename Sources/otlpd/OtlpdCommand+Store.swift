// The command line of `otlpd sql` and `otlpd tail`.

internal import ArgumentParser
internal import Commands
internal import Config
internal import System

extension OtlpdCommand {
  struct SQL: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "sql", abstract: "Ask the stored telemetry in SQL.",
      discussion: """
        docs/store.md describes the tables. Over several days there are spans, logs, metric_points, edges and \
        findings; the others need --day. Only statements that read are run.
        """)

    @Argument(help: "One statement, such as \"select name, duration_ms from spans limit 5\".") var statement: String
    @Option(name: .long, help: "The day whose file is asked, such as 2026-11-26. Default: all days.") var day: String?
    @OptionGroup var store: StoreOptions

    func run() throws {
      if !store.desk.sql(statement, day: day) { throw ExitCode.failure }
    }
  }

  struct Tail: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show spans and log records as they are stored.",
      discussion: "Reads the sqlite exporter's files a few times a second. Ctrl-C ends it.")

    @Argument(help: "spans or logs; without it, both.") var kind: TailFilter.Kind?
    @Option(name: .long, help: "The service's name.") var service: String?
    @Option(name: .long, help: "Text in the span's name or the log's body.") var text: String?
    @Flag(name: .long, help: "Only spans with an error status, and log records of ERROR and above.") var errors = false
    @Option(name: .long, help: "Only spans that took at least this long: 200ms.") var min: String?
    @Option(name: .long, help: "Only log records of this severity and above.") var severity: String?
    @Flag(name: .long, help: "Begin with what is stored already.") var all = false
    @Option(name: .long, help: "End after this many lines.") var limit: Int?
    @OptionGroup var store: StoreOptions

    func run() throws {
      var filter = TailFilter()
      filter.kind = kind
      filter.service = service
      filter.text = text
      filter.onlyErrors = errors
      if let min {
        guard let least = Duration(goSyntax: min) else {
          throw ValidationError("--min: expected a duration such as 200ms or 1.5s, found \(min)")
        }
        filter.durationMin = least.seconds * 1000
      }
      do {
        filter.severityMin = try severity.flatMap { Int64(try LogLine.number(of: $0)) }
      } catch {
        throw ValidationError("\(error)")
      }
      if !store.desk.tail(filter, limit: limit, backlog: all) { throw ExitCode.failure }
    }
  }
}
