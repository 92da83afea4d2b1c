// The file's form of retrying: the Collector's `retry_on_failure`.

package import Config
package import Pipeline

/// `retry_on_failure:` of a sink. Unlike the Collector's, it never gives up by default.
package struct RetryOnFailureConfig: ConfigBlock, Equatable, Sendable {
  package var settings = RetrySettings()

  package init() {}

  package mutating func read(from map: MapReader) {
    map.read("enabled", into: &settings.isEnabled)
    map.read("initial_interval", into: &settings.initialInterval)
    map.read("randomization_factor", into: &settings.randomizationFactor)
    map.read("multiplier", into: &settings.multiplier)
    map.read("max_interval", into: &settings.maxInterval)
    map.read("max_elapsed_time", into: &settings.maxElapsedTime)
    map.require((0...1).contains(settings.randomizationFactor), "randomization_factor", "must be between 0 and 1")
    map.require(settings.multiplier >= 1, "multiplier", "must be at least 1")
    guard settings.maxElapsedTime > .zero else { return }
    map.note("max_elapsed_time", "what cannot be delivered in this time is dropped; 0 means never giving up")
    map.require(
      settings.maxElapsedTime >= max(settings.initialInterval, settings.maxInterval), "max_elapsed_time",
      "must not be less than initial_interval and max_interval; 0 means never giving up")
  }
}
