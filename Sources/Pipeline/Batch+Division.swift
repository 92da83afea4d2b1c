// Cutting a batch into smaller ones.

internal import Bytes
internal import OTLP

extension Batch {
  /// The batch in the fewest pieces, in order, that have at most so many items and payload bytes.
  ///
  /// Cut between requests where that is enough, else inside them; a single item that is larger is a piece of its own.
  func divided(itemsMax: Int = .max, bytesMax: Int = .max) -> [Batch] {
    if itemCount <= itemsMax, byteCount <= bytesMax { return [self] }
    var pieces: [Batch] = []
    var piece: [ExportRequest] = []
    var (items, bytes) = (0, 0)
    for request in requests.flatMap({ $0.split(itemsMax: itemsMax, bytesMax: bytesMax) }) {
      if !piece.isEmpty, items + request.itemCount > itemsMax || bytes + request.payload.count > bytesMax {
        pieces.append(with(piece))
        (piece, items, bytes) = ([], 0, 0)
      }
      piece.append(request)
      items += request.itemCount
      bytes += request.payload.count
    }
    if !piece.isEmpty { pieces.append(with(piece)) }
    return pieces
  }

  private func with(_ requests: [ExportRequest]) -> Batch {
    Batch(signal: signal, requests: requests, journalID: journalID, lastSequence: lastSequence)
  }
}
