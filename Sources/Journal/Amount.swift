// A quantity of telemetry in the three units that limits and counters use.

/// Records, the items in them, and what they cost of the journal's bound.
package struct Amount: Sendable, Equatable {
  package var records = 0
  package var items = 0
  /// Payloads and overheads.
  package var bytes = 0

  package init(records: Int = 0, items: Int = 0, bytes: Int = 0) {
    self.records = records
    self.items = items
    self.bytes = bytes
  }

  package static func += (left: inout Amount, right: Amount) {
    left.records += right.records
    left.items += right.items
    left.bytes += right.bytes
  }

  package static func -= (left: inout Amount, right: Amount) {
    left.records -= right.records
    left.items -= right.items
    left.bytes -= right.bytes
  }
}
