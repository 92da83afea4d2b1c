// What the store reads from a span's attributes, in one pass over them.

internal import Bytes
internal import OTLP

/// The attributes that columns and roll-ups need, by the current semantic conventions and the older ones.
///
/// One value serves every span in turn, so that its memory is allocated once.
struct SpanTraits: ~Copyable {
  /// Empty when the span has none.
  private(set) var route = ByteBuffer(capacity: 128)
  private(set) var method = ByteBuffer(capacity: 16)
  /// The database statement as it was sent.
  private(set) var statement = ByteBuffer(capacity: 512)
  /// The other side of a call: its service name, else its address.
  private(set) var host = ByteBuffer(capacity: 128)
  private(set) var statusCode: Int64?
  private(set) var isDatabase = false
  private var ranks = Ranks()

  /// How good the source of a value is; a better one replaces it, the first of equals stays.
  private struct Ranks {
    var route = 0
    var method = 0
    var statement = 0
    var host = 0
    var statusCode = 0
  }

  mutating func read(_ attributes: AttributesView) {
    route.removeAll()
    method.removeAll()
    statement.removeAll()
    host.removeAll()
    statusCode = nil
    isDatabase = false
    ranks = Ranks()
    attributes.forEach { key, value in
      // The lengths tell most keys apart, which spares comparing them.
      switch key.count {
      case 9 where key == "db.system": isDatabase = true
      case 10 where key == "http.route": SpanTraits.take(value, rank: 1, &ranks.route, &route)
      case 11 where key == "http.method": SpanTraits.take(value, rank: 1, &ranks.method, &method)
      case 12 where key == "db.statement": SpanTraits.take(value, rank: 1, &ranks.statement, &statement)
      case 12 where key == "peer.service": SpanTraits.take(value, rank: 3, &ranks.host, &host)
      case 13 where key == "db.query.text": SpanTraits.take(value, rank: 2, &ranks.statement, &statement)
      case 13 where key == "net.peer.name": SpanTraits.take(value, rank: 1, &ranks.host, &host)
      case 14 where key == "server.address": SpanTraits.take(value, rank: 2, &ranks.host, &host)
      case 14 where key == "db.system.name": isDatabase = true
      case 16 where key == "http.status_code": take(code: value, rank: 1)
      case 19 where key == "http.request.method": SpanTraits.take(value, rank: 2, &ranks.method, &method)
      case 25 where key == "http.response.status_code": take(code: value, rank: 2)
      default: return
      }
    }
  }

  private static func take(_ value: AnyValueView, rank: Int, _ best: inout Int, _ text: inout ByteBuffer) {
    guard rank > best, let found = value.text, !found.isEmpty else { return }
    text.removeAll()
    text.append(found.span)
    best = rank
  }

  private mutating func take(code value: AnyValueView, rank: Int) {
    guard rank > ranks.statusCode, let code = value.statusCode else { return }
    statusCode = code
    ranks.statusCode = rank
  }
}

extension AnyValueView {
  /// An HTTP status code; some clients write it as text.
  fileprivate var statusCode: Int64? {
    if let text, text.count <= 3 { return Int64(text.string) }
    return int
  }
}
