// The process's own metrics, read from the kernel and the allocator.

internal import SelfTelemetry
internal import System

extension MetricRegistry {
  /// Registers what every process has, under the Collector's names where it has some.
  func registerProcess(clock: any Clock) {
    let start = clock.monotonic
    registerProcess(
      uptime: { clock.monotonic.since(start).seconds }, cpuSeconds: { ProcessStatistics.cpuSeconds },
      residentBytes: { Double(ProcessStatistics.residentBytes) })
    reading("otelcol_process_runtime_heap_alloc_bytes", help: "Bytes that the allocator has handed out.") {
      Double(ProcessStatistics.heap.allocatedBytes)
    }
    reading("otelcol_process_runtime_total_sys_memory_bytes", help: "Bytes that the allocator has of the system.") {
      Double(ProcessStatistics.heap.reservedBytes)
    }
    reading("otlpd_process_threads", help: "Threads of the process.") { Double(ProcessStatistics.threads) }
    reading("otlpd_process_open_files", help: "Files and connections that the process has open.") {
      Double(ProcessStatistics.openFiles)
    }
    reading("otlpd_process_open_files_limit", help: "Files and connections that the process may have open.") {
      Double(ResourceLimits.openFiles)
    }
  }
}
