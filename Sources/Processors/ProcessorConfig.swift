// The processors that are built in, as the config file has them.

package import Config

/// One processor's part of the config file.
package protocol ProcessorConfig: ConfigBlock, Equatable, Sendable {
  /// The type in the file: `batch`.
  static var type: String { get }
}

/// What `processors:` may name: one line each.
package enum ProcessorTypes {
  package static let all: [any ProcessorConfig.Type] = [
    BatchProcessorConfig.self,
    MemoryLimiterConfig.self,
  ]
}
