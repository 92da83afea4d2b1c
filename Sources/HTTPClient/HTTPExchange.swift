// A response while it arrives, and why it was cut short.

internal import Bytes

/// Collects one response: libcurl's callbacks hand over its head line by line and its body piece by piece.
final class HTTPExchange {
  /// Bytes of field lines that are kept; a head may be as long as libcurl lets it be.
  private static let headBytesMax = 64 << 10

  private let responseBytesMax: Int
  private let interruption: Interruption
  private var fields: [HTTPField] = []
  private var headBytes = 0
  private var body = ByteBuffer()
  private(set) var isTooLarge = false
  /// The empty line behind the final head has arrived.
  private(set) var isHeadComplete = false
  /// Nothing was sent, for there was no kept connection to send it on.
  var needsNewConnection = false

  init(responseBytesMax: Int, interruption: Interruption) {
    self.responseBytesMax = responseBytesMax
    self.interruption = interruption
  }

  var isInterrupted: Bool { interruption.isInterrupted }

  /// Takes one line of a head, its line end included.
  func receive(headLine line: Span<UInt8>) {
    let text = String(decoding: Bytes(copying: line).array, as: UTF8.self)
    if text.hasPrefix("HTTP/") {
      // A status line begins a new head: the ones before were interim responses (RFC 9110 15.2).
      fields = []
      headBytes = 0
      isHeadComplete = false
      return
    }
    if line.count <= 2, text.allSatisfy(\.isNewline) { isHeadComplete = true }
    headBytes += line.count
    guard headBytes <= Self.headBytesMax, let colon = text.firstIndex(of: ":") else { return }
    fields.append(HTTPField(String(text[..<colon]), trimmed(text[text.index(after: colon)...])))
  }

  /// Takes a piece of the body. Returns false when the response is longer than allowed: the transfer ends.
  func receive(body piece: Span<UInt8>) -> Bool {
    guard body.count + piece.count <= responseBytesMax else {
      isTooLarge = true
      return false
    }
    body.append(piece)
    return true
  }

  /// The response, once it is complete. Call it once.
  func finish(status: Int) -> HTTPClientResponse {
    var finished = ByteBuffer()
    swap(&finished, &body)
    return HTTPClientResponse(status: status, fields: fields, body: finished.finish())
  }

  private func trimmed(_ text: Substring) -> String {
    let isSpace = { (character: Character) in character == " " || character == "\t" || character.isNewline }
    var text = text.drop(while: isSpace)
    while let last = text.last, isSpace(last) { text.removeLast() }
    return String(text)
  }
}
