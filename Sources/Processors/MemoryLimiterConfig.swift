// The file's form of the `memory_limiter` processor.

package import Config

/// `processors: memory_limiter:`. Checked, without effect yet: the journal and the listeners bound memory themselves.
package struct MemoryLimiterConfig: ProcessorConfig {
  package static let type = "memory_limiter"

  package init() {}

  package mutating func read(from map: MapReader) {
    var checkInterval = Duration.zero
    map.read("check_interval", into: &checkInterval)
    // The Collector's words, here and below.
    map.require(checkInterval > .zero, "check_interval", "'check_interval' must be greater than zero")
    let hasLimit = map.value("limit_mib") != nil || map.value("limit_percentage") != nil
    var limit = 0
    var spikeLimit = 0
    var percentage = 0
    var spikePercentage = 0
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
    for key in ["limit_mib", "limit_percentage"] { map.noteInert(key) }
  }
}
