// What a protocol implements to live on an event loop.

package import Bytes
package import System

/// Speaks a protocol over one connection. Every call comes on the connection's loop.
///
/// A call changes the connection; the loop tells the kernel about it afterwards.
package protocol ConnectionHandler: AnyObject {
  /// The connection stands; the first call. Set a deadline.
  func opened(_ connection: inout Connection, _ turn: Turn)

  /// There may be bytes to `receive`; one receive per call keeps the loop fair.
  ///
  /// - Parameter scratch: the loop's shared read buffer, with any content; lent for this call.
  func readable(_ connection: inout Connection, _ turn: Turn, scratch: inout ByteBuffer)

  /// Some of the output that had to wait has left.
  func unsentShrank(_ connection: inout Connection, _ turn: Turn)

  /// The connection's `deadline` has passed; it is cleared.
  func deadlinePassed(_ connection: inout Connection, _ turn: Turn)

  /// The turn in which the connection's `wantsTurnEnd` was set is over; it is cleared, and not set again here.
  func turnEnded(_ connection: inout Connection, _ turn: Turn)

  /// The reactor is stopping: close when idle, else finish and close.
  func drain(_ connection: inout Connection, _ turn: Turn)

  /// The connection is closed. The last call.
  func closed()
}

extension ConnectionHandler {
  package func turnEnded(_ connection: inout Connection, _ turn: Turn) {}
}

/// Takes the connections of a listening socket. One per loop and socket; every call comes on that loop.
package protocol ConnectionAcceptor: AnyObject {
  /// A client has connected. Hand the socket to `loop.adopt`, or let it go to close it.
  func accepted(_ socket: consuming Socket, from peer: SocketAddress, on loop: EventLoop)

  /// There are no descriptors left, so the loop takes no connections for `Listener.pause`.
  func acceptPaused(_ error: SystemError)
}
