// The file's form of the `memory_limiter` processor.

package import Config

/// `processors: memory_limiter:`. Its soft limit is what requests in flight may take together, on all listeners: memory
/// is reserved before a request is read, and not refused after it was.
package struct MemoryLimiterConfig: ProcessorConfig {
  package static let type = "memory_limiter"

  /// In MiB; zero when the percentage decides.
  package var limit = 0
  /// In MiB; zero means a fifth of the limit.
  package var spikeLimit = 0
  /// Of the machine's memory, or of what the control group may have.
  package var percentage = 0
  package var spikePercentage = 0

  package init() {}

  package mutating func read(from map: MapReader) {
    var checkInterval = Duration.zero
    map.read("check_interval", into: &checkInterval)
    // The Collector's words, here and below.
    map.require(checkInterval > .zero, "check_interval", "'check_interval' must be greater than zero")
    let hasLimit = map.value("limit_mib") != nil || map.value("limit_percentage") != nil
    map.read("limit_mib", into: &limit)
    map.read("spike_limit_mib", into: &spikeLimit)
    map.read("limit_percentage", into: &percentage)
    map.read("spike_limit_percentage", into: &spikePercentage)
    map.require(
      hasLimit, "limit_mib", "'limit_mib' or 'limit_percentage' must be greater than zero")
    map.require(limit >= 0, "limit_mib", "must not be negative")
    map.require(
      (0...100).contains(percentage) && (0...100).contains(spikePercentage), "limit_percentage",
      "'limit_percentage' and 'spike_limit_percentage' must be greater than zero and less than or equal to hundred")
    map.require(
      limit <= 0 || spikeLimit < limit, "spike_limit_mib", "'spike_limit_mib' must be smaller than 'limit_mib'")
    // Swift has no garbage collector to pace.
    for bound in ["min", "max"] {
      for limit in ["soft", "hard"] {
        var interval = Duration.zero
        map.read("\(bound)_gc_interval_when_\(limit)_limited", into: &interval)
      }
    }
  }

  /// The soft limit in bytes: the limit less room for a spike.
  ///
  /// - Parameter memory: what the machine has, in bytes.
  package func softLimit(memory: Int) -> Int {
    if limit > 0 { return (limit - (spikeLimit > 0 ? spikeLimit : limit / 5)) << 20 }
    let spike = spikePercentage > 0 ? spikePercentage : percentage / 5
    return memory / 100 * max(1, percentage - spike)
  }
}
