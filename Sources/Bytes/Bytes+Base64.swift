// Bytes as text for where only text may stand.

extension Bytes {
  /// Padded base64 in the standard alphabet (RFC 4648 section 4). For short values: credentials, not bodies.
  package var base64: String {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    for start in stride(from: 0, to: count, by: 3) {
      let given = min(3, count - start)
      let group = (0..<3).reduce(0) { $0 << 8 | ($1 < given ? Int(self[start + $1]) : 0) }
      for place in 0..<4 { text.append(place <= given ? digits[group >> (18 - 6 * place) & 63] : UInt8(ascii: "=")) }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
