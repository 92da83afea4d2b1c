// How a request comes back from memory without a second validation.

package import Bytes

extension ExportRequest {
  /// The request whose payload was kept in memory.
  ///
  /// Trusts its caller: `payload` is the unchanged payload of a validated request of this signal, `itemCount` its
  /// count, and neither has left the process. Bytes read back from a file are validated again instead.
  package init(held payload: Bytes, itemCount: Int, signal: Signal) {
    self.signal = signal
    self.payload = payload
    self.itemCount = itemCount
    rejected = nil
    leniencies = Leniencies()
  }
}
