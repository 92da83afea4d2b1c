// A client on loopback that sends exactly the bytes it is told to.

import Bytes
import System

/// A blocking connection with a time limit, so that no test hangs.
final class TestClient {
  struct TimedOut: Error {
    let received: String
  }

  private let socket: Socket
  private let epoll: Epoll
  private var events = Epoll.Events(capacity: 1)
  private var received: [UInt8] = []
  /// Whether the server has closed the connection, in order or not.
  private(set) var hasEnded = false

  init(to address: String) throws {
    let parts = address.split(separator: ":")
    let server = SocketAddress(literal: "127.0.0.1", port: UInt16(parts[parts.count - 1])!)!
    socket = try Socket.connecting(to: server)
    epoll = try Epoll()
    try epoll.add(socket.number, .write, token: 0)
    epoll.wait(&events, milliseconds: 5000)
  }

  /// Everything received and not yet taken.
  var text: String { String(decoding: received, as: UTF8.self) }

  func send(_ text: String) throws { try send(Bytes(text)) }

  /// Sends all bytes; stops silently when the server has closed the connection.
  func send(_ bytes: Bytes) throws {
    var sent = 0
    while sent < bytes.count {
      switch socket.send(bytes.slice(sent..<bytes.count).span) {
      case .moved(let count): sent += count
      case .wouldBlock: try wait(.write)
      case .ended, .failed: return
      }
    }
  }

  /// Sends what the kernel takes now, and says how much that was.
  func sendSome(_ bytes: Bytes) -> Int {
    if case .moved(let count) = socket.send(bytes.span) { return count }
    return 0
  }

  func endSending() { socket.shutdownWrite() }

  /// Waits until `isEnough`, or the server closes.
  private func receive(until isEnough: () -> Bool) throws {
    while !hasEnded && !isEnough() {
      try wait(.read)
      var outcome = TransferOutcome.wouldBlock
      var buffer = ByteBuffer()
      buffer.appendTail(minimum: 64 << 10) { outcome = socket.receive(into: &$0) }
      received += buffer.finish().array
      switch outcome {
      case .moved, .wouldBlock: break
      case .ended, .failed: hasEnded = true
      }
    }
  }

  /// The next response, with its body.
  func response() throws -> String {
    var end = 0
    try receive {
      // A large body need not be looked at to find its head.
      let text = String(decoding: received.prefix(4096), as: UTF8.self)
      guard let head = text.range(of: "\r\n\r\n") else { return false }
      let lengthText = text.lowercased().split(separator: "content-length: ", maxSplits: 1).dropFirst().first ?? "0"
      let isContinue = text.hasPrefix("HTTP/1.1 100")
      let length = isContinue ? 0 : Int(lengthText.prefix { $0.isNumber })!
      end = text.utf8.distance(from: text.startIndex, to: head) + length
      return received.count >= end
    }
    let response = received.prefix(end)
    received.removeFirst(response.count)
    return String(decoding: response, as: UTF8.self)
  }

  /// Everything until the server closes the connection.
  func rest() throws -> String {
    try receive { false }
    return text
  }

  private func wait(_ interest: Epoll.Interest) throws {
    try epoll.modify(socket.number, interest, token: 0)
    for _ in 0..<3 {
      epoll.wait(&events, milliseconds: 10_000)
      if events.count > 0 { return }
    }
    throw TimedOut(received: text)
  }
}

extension String {
  /// The index behind the first `needle`.
  fileprivate func range(of needle: String) -> String.Index? {
    let wanted = Array(needle.utf8)
    let all = Array(utf8)
    guard all.count >= wanted.count else { return nil }
    for start in 0...(all.count - wanted.count) where Array(all[start..<(start + wanted.count)]) == wanted {
      return utf8.index(utf8.startIndex, offsetBy: start + wanted.count)
    }
    return nil
  }
}
