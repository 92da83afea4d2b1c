// A server on a loopback port that records requests and answers them from a script: what clients are tested against.

internal import Glibc
internal import System

/// Serves one connection after the other until it is stopped. Every wait ends after ten seconds.
package final class ScriptedServer: Sendable {
  /// What happens once a complete request has been read.
  package enum Step: Sendable {
    /// Sends these bytes and keeps the connection.
    case answer(String)
    /// Sends these bytes and closes the connection.
    case answerAndClose(String)
    /// Closes the connection without a byte.
    case hangUp
    /// Keeps the connection open and says nothing until the other side closes it.
    case silence
    /// Sends these bytes again and again, until the other side closes the connection.
    case flood(head: String, piece: String)
  }

  package struct Request: Sendable {
    package let head: String
    package let body: [UInt8]
    /// Counts the connections from zero.
    package let connection: Int
  }

  private struct State {
    var steps: [Step]
    var requests: [Request] = []
    var connections = 0
    var isStopped = false
  }

  package let port: Int
  private let listener: Int32
  private let state: Lock<State>
  private let thread: Lock<Thread?> = Lock(nil)

  package init(_ steps: [Step]) throws {
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = listener
    let failed = unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        unsafe bind(descriptor, generic, size) != 0 || getsockname(descriptor, generic, &size) != 0
      }
    }
    guard !failed, listen(listener, 16) == 0 else { throw SystemError.last("cannot listen") }
    port = Int(UInt16(bigEndian: address.sin_port))
    state = Lock(State(steps: steps))
    let started = try Thread(name: "server") { [self] in run() }
    thread.withLock { $0 = started }
  }

  /// The base endpoint: `http://127.0.0.1:40001`.
  package var url: String { "http://127.0.0.1:\(port)" }
  package var requests: [Request] { state.withLock { $0.requests } }

  /// Ends the server; connections that it keeps are closed.
  package func stop() {
    state.withLock { $0.isStopped = true }
    shutdown(listener, Int32(SHUT_RDWR))
    thread.withLock { $0 }?.join()
    close(listener)
  }

  private var isStopped: Bool { state.withLock { $0.isStopped } }

  private func run() {
    while !isStopped {
      guard waitForBytes(listener) else { continue }
      let connection = accept(listener, nil, nil)
      guard connection >= 0 else { return }
      let number = state.withLock { state in
        defer { state.connections += 1 }
        return state.connections
      }
      serve(connection, number)
      close(connection)
    }
  }

  private func serve(_ connection: Int32, _ number: Int) {
    var received: [UInt8] = []
    while let request = readRequest(connection, number, &received) {
      let step = state.withLock { state -> Step in
        state.requests.append(request)
        return state.steps.isEmpty ? .hangUp : state.steps.removeFirst()
      }
      switch step {
      case .answer(let text): send(text, to: connection)
      case .answerAndClose(let text):
        send(text, to: connection)
        return
      case .hangUp: return
      case .silence:
        while receive(connection, &received) {}
        return
      case .flood(let head, let piece):
        send(head, to: connection)
        while !isStopped, send(piece, to: connection) {}
        return
      }
    }
  }

  private func readRequest(_ connection: Int32, _ number: Int, _ received: inout [UInt8]) -> Request? {
    var end = headEnd(received)
    while end == nil {
      guard receive(connection, &received) else { return nil }
      end = headEnd(received)
    }
    let head = String(decoding: received[..<end!], as: UTF8.self)
    let lengthLine = head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
    let length = lengthLine.flatMap { Int($0.split(separator: " ").last ?? "") } ?? 0
    while received.count < end! + length {
      guard receive(connection, &received) else { return nil }
    }
    let body = Array(received[end!..<end! + length])
    received.removeFirst(end! + length)
    return Request(head: head, body: body, connection: number)
  }

  /// The index behind the empty line.
  private func headEnd(_ bytes: [UInt8]) -> Int? {
    guard bytes.count >= 4 else { return nil }
    return (4...bytes.count).first { bytes[$0 - 4..<$0].elementsEqual("\r\n\r\n".utf8) }
  }

  private func receive(_ connection: Int32, _ received: inout [UInt8]) -> Bool {
    guard waitForBytes(connection) else { return false }
    var piece = [UInt8](repeating: 0, count: 65536)
    let count = unsafe read(connection, &piece, piece.count)
    received += piece.prefix(max(count, 0))
    return count > 0
  }

  @discardableResult
  private func send(_ text: String, to connection: Int32) -> Bool {
    let bytes = Array(text.utf8)
    var sent = 0
    while sent < bytes.count {
      let rest = Array(bytes[sent...])
      let count = unsafe Glibc.send(connection, rest, rest.count, Int32(MSG_NOSIGNAL))
      guard count > 0 else { return false }
      sent += count
    }
    return true
  }

  /// Waits in short steps, so that `stop` is noticed; false when stopped or after ten seconds.
  private func waitForBytes(_ descriptor: Int32) -> Bool {
    for _ in 0..<1000 {
      var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      if unsafe poll(&entry, 1, 10) > 0 { return true }
      if isStopped { return false }
    }
    return false
  }
}
