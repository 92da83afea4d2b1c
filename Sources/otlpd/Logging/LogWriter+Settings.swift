// From the file's `service: telemetry: logs:` to what the log goes through.

internal import Config
internal import Logging
internal import System

extension LogWriter.Settings {
  /// Opens what the configuration names; what cannot be opened is told on standard error instead.
  package init(_ config: TelemetryLogsConfig, environment: [String: String]) {
    let isJSON = config.encoding == .json
    var (outputs, problems): ([LogOutput], [String]) = ([], [])
    func standardError() -> LogOutput { .standardError(isJSON: isJSON, environment: environment) }
    for path in config.outputPaths {
      if path == "stderr" {
        outputs.append(standardError())
        continue
      }
      do throws(SystemError) {
        outputs.append(try LogOutput.path(path, isJSON: isJSON))
      } catch {
        problems.append("this log output is left out: \(error)")
      }
    }
    self.init(outputs: outputs.isEmpty ? [standardError()] : outputs)
    self.problems = problems
    level = config.level.level
    initialFields = config.initialFields.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value) }
    sampling = config.sampling
  }
}

extension TelemetryLogsConfig.Level {
  fileprivate var level: Logger.Level {
    switch self {
    case .debug: .debug
    case .info: .info
    case .warn: .warning
    case .error: .error
    case .dpanic, .panic, .fatal: .critical
    }
  }
}
