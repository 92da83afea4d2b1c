// The command lines of `otlpd validate`, `print-config` and `components`.

internal import ArgumentParser
internal import System

extension OtlpdCommand {
  /// Checks a configuration without starting anything.
  struct Validate: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Check a configuration: every mistake at once, what is suspect, and every key without effect.")

    @OptionGroup var options: Options

    func run() throws {
      let status = Validation.run(sources: try options.sources(), dataDirectory: options.dataDir)
      throw ArgumentParser.ExitCode(status.rawValue)
    }
  }

  /// Shows what several sources come to.
  struct PrintConfig: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show the configuration as it is used.",
      discussion: """
        All sources merged, variables replaced, defaults filled in where there is one; secrets read [REDACTED], and \
        blocks that nothing looks into are empty. The output is a configuration.
        """)

    @OptionGroup var options: ConfigOptions

    func run() throws {
      let sources = try options.sources()
      do throws(UnusableConfig) {
        let setup = try Setup(
          sources: sources, dataDirectory: nil, environment: ProcessStatistics.environment)
        StandardStream.output.write(setup.effectiveText)
      } catch {
        error.explain()
        throw ArgumentParser.ExitCode(ExitStatus.unusableConfig.rawValue)
      }
    }
  }

  /// Lists what is built in.
  struct Components: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the receivers, processors, exporters and extensions that are built in, as YAML.")

    func run() { StandardStream.output.write(ComponentList.text) }
  }
}
