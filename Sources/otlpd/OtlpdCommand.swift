// The command line: `otlpd` and its subcommands.

internal import ArgumentParser
internal import Config
internal import System

/// The root command; without a subcommand it runs the daemon.
struct OtlpdCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "otlpd",
    abstract: "An OpenTelemetry collector: takes OTLP, stores it in SQLite, passes it on.",
    usage: """
      otlpd [--config <file> ...] [--set <key=value> ...] [--data-dir <directory>] [--watch-config]
      otlpd validate [--config <file> ...] [--set <key=value> ...]
      otlpd print-config [--config <file> ...] [--set <key=value> ...]
      otlpd components
      otlpd journal (inspect | verify | export) [<directory>]
      otlpd doctor [--config <file>]
      otlpd send [traces] [metrics] [logs]
      otlpd (services | routes | traces | trace | logs | metrics | findings | sql | tail) ...
      otlpd --version
      """,
    version: "otlpd \(Version.current)",
    subcommands: [
      Run.self, Validate.self, PrintConfig.self, Components.self, Journal.self, Doctor.self, Send.self,
    ],
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
  /// Where the configuration comes from.
  struct ConfigOptions: ParsableArguments {
    @Option(
      name: .long,
      help: """
        The Collector-style YAML file, or yaml:TEXT or env:NAME. May be repeated: mappings are merged, the later wins. \
        Without it: OTLP on 127.0.0.1:4317 and 4318 into the SQLite store.
        """)
    var config: [String] = []

    @Option(
      name: .long,
      help: "KEY=VALUE such as exporters.debug.verbosity=normal, laid over every --config. May be repeated.")
    var set: [String] = []

    /// What they say, in the order in which it is merged.
    func sources() throws -> [ConfigSource] {
      do {
        return try config.map(ConfigSource.init(parsing:)) + set.map(ConfigSource.init(parsingSetting:))
      } catch {
        throw ValidationError("\(error)")
      }
    }
  }

  /// Where the configuration comes from and where data goes.
  struct Options: ParsableArguments {
    @OptionGroup var configOptions: ConfigOptions

    @Option(
      name: .long,
      help: "Where data is kept. Default: $STATE_DIRECTORY, else $XDG_STATE_HOME/otlpd, else ~/.local/state/otlpd.")
    var dataDir: String?

    func sources() throws -> [ConfigSource] { try configOptions.sources() }
  }

  /// Runs the daemon until SIGTERM or SIGINT.
  struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run the daemon (the default).")

    @OptionGroup var options: Options
    @Flag(name: .long, help: "Look at the files once a second, and reload when they have changed, as SIGHUP does.")
    var watchConfig = false

    func run() throws {
      let status = Daemon.run(
        sources: try options.sources(), dataDirectory: options.dataDir, watchesConfig: watchConfig)
      throw ArgumentParser.ExitCode(status.rawValue)
    }
  }
}
