// What the config-only processors mean for the sinks.

import Config
import Pipeline
import Processors
import Testing

private func read<Block: ConfigBlock>(_ text: String, as: Block.Type) -> (config: Block, errors: [String]) {
  let diagnostics = ConfigDiagnostics()
  var config = Block()
  if let document = ConfigDocument(Array(text.utf8), file: "t.yaml", diagnostics: diagnostics) {
    NodeReader(document.root, path: "p", diagnostics: diagnostics).read(into: &config)
  }
  return (config, diagnostics.errors.map(\.message))
}

@Suite struct BatchProcessorConfigTests {
  @Test("The batch processor's defaults wait for 8192 items or 200 ms")
  func defaults() {
    let settings = BatchProcessorConfig().settings
    #expect(settings.minimum == BatchSettings.Minimum(items: 8192, flushTimeout: .milliseconds(200)))
    #expect(settings.itemsMax == 8192)
  }

  @Test("Sizes and time reach the sinks; a timeout or a size of zero sends at once")
  func settings() {
    let batch = read("{timeout: 5s, send_batch_size: 10, send_batch_max_size: 20}", as: BatchProcessorConfig.self)
    #expect(batch.errors.isEmpty)
    #expect(batch.config.settings.minimum == BatchSettings.Minimum(items: 10, flushTimeout: .seconds(5)))
    #expect(batch.config.settings.itemsMax == 20)
    #expect(read("{timeout: 0s}", as: BatchProcessorConfig.self).config.settings.minimum == nil)
    #expect(read("{send_batch_size: 0}", as: BatchProcessorConfig.self).config.settings.minimum == nil)
    #expect(read("{send_batch_size: 9000}", as: BatchProcessorConfig.self).config.settings.itemsMax == 9000)
  }

  @Test(
    "The memory limiter's checks are the Collector's",
    arguments: [
      ("{check_interval: 1s, limit_mib: 256, spike_limit_mib: 64}", 0),
      ("{check_interval: 1s, limit_percentage: 80, spike_limit_percentage: 20}", 0), ("{check_interval: 1s}", 1),
      ("{limit_mib: 1}", 1), ("{check_interval: 1s, limit_percentage: 101}", 1),
      ("{check_interval: 1s, limit_mib: -1}", 1),
      ("{check_interval: 1s, limit_mib: x}", 1),
    ])
  func memoryLimiter(text: String, mistakes: Int) {
    #expect(read(text, as: MemoryLimiterConfig.self).errors.count == mistakes)
  }

  @Test(
    "The memory limiter's soft limit is its limit less the spike",
    arguments: [
      ("{limit_mib: 100, spike_limit_mib: 30}", 70 << 20), ("{limit_mib: 100, limit_percentage: 1}", 80 << 20),
      ("{limit_percentage: 50, spike_limit_percentage: 20}", 300), ("{limit_percentage: 50}", 400),
    ])
  func softLimit(text: String, bytes: Int) {
    #expect(read(text, as: MemoryLimiterConfig.self).config.softLimit(memory: 1000) == bytes)
  }
}
