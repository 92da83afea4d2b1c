// `otlpd validate`: says everything there is to say about a configuration file.

internal import Config
internal import System

enum Validation {
  /// Prints every mistake to standard error; warnings, keys without effect and the verdict to standard output.
  static func run(sources: [ConfigSource], dataDirectory: String?) -> ExitStatus {
    let setup: Setup
    do throws(UnusableConfig) {
      setup = try Setup(
        sources: sources, dataDirectory: dataDirectory, environment: ProcessStatistics.environment)
    } catch {
      error.explain()
      return .unusableConfig
    }
    for finding in setup.findings { StandardStream.output.write(finding + "\n") }
    StandardStream.output.write("\(Setup.name(of: sources)): valid\n")
    return .success
  }
}
