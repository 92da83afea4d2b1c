// The command line of the questions to the store: `otlpd services`, `routes`, `traces` and so on.

internal import ArgumentParser
internal import Commands
internal import System

extension OutputFormat: ExpressibleByArgument {}
extension TailFilter.Kind: ExpressibleByArgument {}

/// Where telemetry is read, and how it is printed.
struct StoreOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "The directory of the sqlite exporter's files.",
      discussion: "Default: $STATE_DIRECTORY, else $XDG_STATE_HOME/otlpd, else ~/.local/state/otlpd."))
  var dataDir: String?

  @Option(name: [.short, .long], help: "table, json (one document) or ndjson (one object per line).")
  var output: OutputFormat = .table

  var desk: QuestionDesk {
    let environment = ProcessStatistics.environment
    return QuestionDesk(
      directory: DataDirectory.resolve(flag: dataDir, environment: environment), format: output,
      style: TextStyle(
        isTerminal: ProcessStatistics.isTerminal(StandardStream.output.rawValue), environment: environment))
  }
}

/// Which time is asked about.
struct TimeOptions: ParsableArguments {
  @Option(
    name: .long, help: "From when: a duration before now (15m, 2h, 7d), or a UTC time (2026-11-26T07:30).")
  var since = "1h"

  @Option(name: .long, help: "Until when: the same forms. Default: now.")
  var until: String?

  func range(_ now: UInt64) throws -> TimeRange { try TimeRange(since: since, until: until, now: now) }
}

/// A command that asks one question.
protocol QuestionCommand: ParsableCommand {
  var store: StoreOptions { get }
  func question(now: UInt64) throws -> Question
}

extension QuestionCommand {
  func run() throws {
    let now = SystemClock().wall
    let question: Question
    do { question = try self.question(now: now) } catch { throw ValidationError("\(error)") }
    if !store.desk.ask(question, now: now) { throw ExitCode.failure }
  }
}

extension OtlpdCommand {
  struct Services: QuestionCommand {
    static let configuration = CommandConfiguration(
      abstract: "List services with their requests, errors and percentiles.")

    @OptionGroup var time: TimeOptions
    @OptionGroup var store: StoreOptions

    func question(now: UInt64) throws -> Question { .services(try time.range(now)) }
  }

  struct Routes: QuestionCommand {
    static let configuration = CommandConfiguration(
      abstract: "List routes: rate, errors, percentiles, and their share of the time.",
      discussion: "Those that took most time together come first. Percentiles are at most 1.08 % off.")

    @Argument(help: "Of this service only.")
    var service: String?
    @Option(name: .long, help: "route, statement (database calls), host (calls to others) or operation (other roots).")
    var category: String?
    @OptionGroup var time: TimeOptions
    @OptionGroup var store: StoreOptions

    func question(now: UInt64) throws -> Question {
      .routes(try time.range(now), service: service, category: category)
    }
  }

  struct Traces: QuestionCommand {
    static let configuration = CommandConfiguration(
      abstract: "Find traces, newest first.",
      discussion: """
        A trace is found by its spans that answer a request or a message, and by its root: one of them must have \
        everything that is asked for.
        """)

    @Option(name: .long, help: "The service's name.") var service: String?
    @Option(name: .long, help: "The HTTP route, as in http.route.") var route: String?
    @Option(name: .long, help: "The HTTP method.") var method: String?
    @Option(name: .long, help: "The span's name, or method and route: \"GET /orders\".") var name: String?
    @Option(name: .long, help: "An HTTP status code, or a class of them: 5xx.") var status: String?
    @Flag(name: .long, help: "Only spans whose status is an error.") var errors = false
    @Option(name: .long, help: "The least duration: 200ms.") var min: String?
    @Option(name: .long, help: "The longest duration.") var max: String?
    @Option(name: .long, help: "KEY=VALUE: an attribute of the span or its resource. May be repeated.")
    var attr: [String] = []
    @Option(name: .long, help: "Text anywhere in the name, status message, attributes or events.") var text: String?
    @Option(name: .long, help: "At most this many traces, up to 1000.") var limit = 20
    @Option(name: .long, help: "Go on behind a page: what the page before printed.") var before: String?
    @OptionGroup var time: TimeOptions
    @OptionGroup var store: StoreOptions

    func question(now: UInt64) throws -> Question {
      let filter: [(String, String?)] = [
        ("service", service), ("route", route), ("method", method), ("name", name), ("status", status),
        ("error", errors ? "true" : nil), ("min", min), ("max", max), ("q", text), ("limit", "\(limit)"),
        ("before", before),
      ]
      return .traces(try time.range(now), filter: Question.given(filter) + attr.map { (name: "attr", value: $0) })
    }
  }

  struct Trace: QuestionCommand {
    static let configuration = CommandConfiguration(abstract: "Show one trace as a waterfall.")

    @Argument(help: "The trace's id in hex.") var id: String
    @Flag(name: .long, help: "Show the spans' attributes too.") var attributes = false
    @OptionGroup var store: StoreOptions

    func question(now: UInt64) throws -> Question { .trace(id, showsAttributes: attributes) }
  }

  struct Logs: QuestionCommand {
    static let configuration = CommandConfiguration(
      abstract: "Find log records.", discussion: "A table shows the newest last; JSON has them first.")

    @Argument(help: "Words of the body, all of them; pay* is the beginning of a word.") var words: [String] = []
    @Option(name: .long, help: "trace, debug, info, warn, error, fatal or a number: this severity and above.")
    var severity: String?
    @Option(name: .long, help: "The service's name.") var service: String?
    @Option(name: .long, help: "Of this trace.") var trace: String?
    @Option(name: .long, help: "Of this span.") var span: String?
    @Option(name: .long, help: "At most this many records, up to 1000.") var limit = 100
    @Option(name: .long, help: "Go on behind a page: what the page before printed.") var before: String?
    @OptionGroup var time: TimeOptions
    @OptionGroup var store: StoreOptions

    func question(now: UInt64) throws -> Question {
      let filter: [(String, String?)] = [
        ("q", words.isEmpty ? nil : words.joined(separator: " ")),
        ("severity_min", try severity.map { try LogLine.number(of: $0) }), ("service", service), ("trace_id", trace),
        ("span_id", span), ("limit", "\(limit)"), ("before", before),
      ]
      return .logs(try time.range(now), filter: Question.given(filter))
    }
  }

  struct Metrics: QuestionCommand {
    static let configuration = CommandConfiguration(
      abstract: "List metrics, or show the values of one.",
      discussion: "Counters are shown as rates per second, histograms by their 95th percentile; JSON has all values.")

    @Argument(help: "A metric's name; without one, all metrics are listed.") var name: String?
    @Option(name: .long, help: "The service's name.") var service: String?
    @Option(name: .long, help: "KEY=VALUE: only points with this attribute. May be repeated.") var attr: [String] = []
    @Option(name: .long, help: "One line per value of this attribute, or one line altogether with none.")
    var by: String?
    @OptionGroup var time: TimeOptions
    @OptionGroup var store: StoreOptions

    func question(now: UInt64) throws -> Question {
      guard let name else { return .metrics(try time.range(now), service: service) }
      return .metric(name, try time.range(now), service: service, attributes: attr, by: by)
    }
  }

  struct Findings: QuestionCommand {
    static let configuration = CommandConfiguration(
      abstract: "List N+1 and slow database statements that were found.")

    @Option(name: .long, help: "The service's name.") var service: String?
    @OptionGroup var time: TimeOptions
    @OptionGroup var store: StoreOptions

    func question(now: UInt64) throws -> Question { .findings(try time.range(now), service: service) }
  }
}
