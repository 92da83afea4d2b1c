// A connection that is one too many, and is told so.

internal import Bytes
internal import Reactor

/// Sends one answer and waits a moment, so that a reset does not overtake it. Loop thread only.
final class RefusedConnection: ConnectionHandler {
  private static let linger = Connection.Linger(time: .seconds(1), bytesMax: 256 << 10)

  private let answer: Bytes
  private let table: ConnectionTable

  init(_ answer: Bytes, _ table: ConnectionTable) {
    self.answer = answer
    self.table = table
  }

  func opened(_ connection: inout Connection, _ turn: Turn) {
    let answer = answer
    connection.send(answer.span)
    connection.closeLingering(RefusedConnection.linger, turn)
  }

  func readable(_ connection: inout Connection, _ turn: Turn, scratch: inout ByteBuffer) {}
  func unsentShrank(_ connection: inout Connection, _ turn: Turn) {}
  func deadlinePassed(_ connection: inout Connection, _ turn: Turn) { connection.close() }
  func drain(_ connection: inout Connection, _ turn: Turn) { connection.close() }
  func closed() { table.lingered() }
}
