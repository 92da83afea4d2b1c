// The way back to a client, for whichever thread has the answer.

internal import Reactor

/// Where the answer to one request goes. Send once; a second answer, or one to a client that has gone, is dropped.
package struct Reply: Sendable {
  private enum Way: Sendable {
    case connection(mailbox: Mailbox, token: UInt64, sequence: UInt64)
    case function(@Sendable (HTTPResponse) -> Void)
  }

  private let way: Way

  init(mailbox: Mailbox, token: UInt64, sequence: UInt64) {
    way = .connection(mailbox: mailbox, token: token, sequence: sequence)
  }

  /// A reply that goes to a function, for tests of handlers.
  package init(_ receive: @escaping @Sendable (HTTPResponse) -> Void) { way = .function(receive) }

  /// Answers the request. Safe from any thread, also from inside the handler; never blocks.
  package func send(_ response: HTTPResponse) {
    switch way {
    case .connection(let mailbox, let token, let sequence):
      mailbox.post { loop in HTTPConnection.deliver(response, to: token, sequence, on: loop) }
    case .function(let receive): receive(response)
    }
  }
}
