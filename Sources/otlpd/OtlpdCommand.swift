// The command line: `otlpd` and its subcommands.

internal import ArgumentParser
internal import System

/// The root command; without a subcommand it runs the daemon.
struct OtlpdCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "otlpd",
    abstract: "An OpenTelemetry collector: takes OTLP, stores it in SQLite, passes it on.",
    usage: """
      otlpd [--config <file>] [--data-dir <directory>]
      otlpd validate [--config <file>]
      otlpd journal (inspect | verify | export) [<directory>]
      otlpd doctor [--config <file>]
      otlpd send [traces] [metrics] [logs]
      otlpd (services | routes | traces | trace | logs | metrics | findings | sql | tail) ...
      otlpd --version
      """,
    version: "otlpd \(Version.current)",
    subcommands: [Run.self, Validate.self, Journal.self, Doctor.self, Send.self],
    groupedSubcommands: [
      CommandGroup(
        name: "Stored telemetry",
        subcommands: [
          Services.self, Routes.self, Traces.self, Trace.self, Logs.self, Metrics.self, Findings.self, SQL.self,
          Tail.self,
        ])
    ],
    defaultSubcommand: Run.self)
}

/// The release, in one place.
package enum Version {
  package static let current = "0.1.0"
}

extension OtlpdCommand {
  /// Where the configuration comes from and where data goes.
  struct Options: ParsableArguments {
    @Option(
      name: .long,
      help: "The Collector-style YAML file. Without it: OTLP/HTTP on 127.0.0.1:4318 into the SQLite store.")
    var config: String?

    @Option(
      name: .long,
      help: "Where data is kept. Default: $STATE_DIRECTORY, else $XDG_STATE_HOME/otlpd, else ~/.local/state/otlpd.")
    var dataDir: String?
  }

  /// Runs the daemon until SIGTERM or SIGINT.
  struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run the daemon (the default).")

    @OptionGroup var options: Options

    func run() throws {
      let status = Daemon.run(configPath: options.config, dataDirectory: options.dataDir)
      throw ArgumentParser.ExitCode(status.rawValue)
    }
  }

  /// Checks a configuration file without starting anything.
  struct Validate: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Check a configuration file: every mistake at once, and every key without effect.")

    @OptionGroup var options: Options

    func run() throws {
      let status = Validation.run(configPath: options.config, dataDirectory: options.dataDir)
      throw ArgumentParser.ExitCode(status.rawValue)
    }
  }
}
