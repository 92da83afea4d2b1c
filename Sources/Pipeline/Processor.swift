// What stands between a receiver and the journal: it changes or drops telemetry.

package import OTLP

/// One step of a pipeline. Several threads call it at once.
package protocol Processor: AnyObject, Sendable {
  /// The component id in the config file. Pipelines with the same ids in the same order share one chain.
  var id: String { get }

  /// What remains of the request, on the receiver's thread, which must not wait; nil when nothing does.
  ///
  /// Counts what it drops itself. The result is as valid as the request was.
  func process(_ request: ExportRequest) -> ExportRequest?
}
