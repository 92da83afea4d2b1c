// The listening sockets of the process, and the servers that answer on them, changed while connections are open.

package import Reactor
package import System

/// Opens sockets for servers, and hands sockets that are open from one configuration's servers to the next one's.
///
/// On each loop a listener's `HTTPService` is the one place that knows who answers; it is changed by work that is
/// posted to the loop, so that a request costs no lock, and none sees half a change. One thread at a time.
package final class Listeners: Sendable {
  /// A socket, what it was opened for, and who answers.
  fileprivate struct Entry: Sendable {
    /// With the port as it was asked for, perhaps 0.
    let asked: SocketAddress
    let socket: ListeningSocket
    let server: HTTPServer
  }

  /// Sockets that are open, and nobody serves them yet. Letting it go closes those that are new.
  package struct Opening: Sendable {
    fileprivate var entries: [Entry] = []
    /// Where each server listens, in their order, with the ports that the kernel chose: `127.0.0.1:40001`.
    package fileprivate(set) var addresses: [String] = []
    /// The servers' second addresses that are taken by others.
    package fileprivate(set) var skipped: [SystemError] = []
  }

  /// How long the loops may take for a change; they have much less to do.
  private static let changeTime = Duration.seconds(30)

  private let reactor: Reactor
  private let entries = Lock<[Entry]>([])

  package init(reactor: Reactor) { self.reactor = reactor }

  /// What is listened on, with the ports that the kernel chose.
  package var addresses: [String] { entries.withLock { $0.map(\.socket.address.description) } }

  /// Opens what the servers need and is not open. Nothing changes for anybody yet.
  ///
  /// Blocks while a host name is resolved.
  package func open(for servers: [HTTPServer]) throws(ListenError) -> Opening {
    var opening = Opening()
    var free = entries.withLock { $0 }
    for server in servers {
      let first = opening.entries.count
      let attempts = try server.address.listen(passed: reactor.passedSockets.addresses) { address throws(SystemError) in
        let isSame = { (entry: Entry) in
          // Several servers may ask for any port: then the name tells them apart.
          entry.asked == address && (server.address.port != 0 || entry.server.name == server.name)
        }
        if let index = free.firstIndex(where: isSame) { return free.remove(at: index).socket }
        let neighbours = address.path == nil ? free.map(\.socket).filter { $0.address.port == address.port } : []
        return try reactor.listeningSocket(on: address, beside: neighbours)
      }
      for attempt in attempts {
        switch attempt {
        case .listening(let socket, let asked):
          opening.entries.append(Entry(asked: asked, socket: socket, server: server))
        case .skipped(let error): opening.skipped.append(error)
        }
      }
      opening.addresses.append(opening.entries[first].socket.address.description)
    }
    return opening
  }

  /// Lets the opening's servers answer, and nobody else. Returns when every loop knows; the reactor must run.
  /// Connections to servers that are gone end when what is in flight on them is answered.
  package func serve(_ opening: Opening) {
    let before = entries.withLock { entries in
      defer { entries = opening.entries }
      return entries
    }
    let closing = before.filter { old in !opening.entries.contains { $0.socket === old.socket } }
    reactor.onEveryLoop(within: Listeners.changeTime) { loop in
      for entry in opening.entries { HTTPService.serve(entry.server, on: entry.socket, loop) }
      for entry in closing { HTTPService.close(entry.socket, loop) }
    }
  }

  /// Closes the sockets and returns when they are; connections stay. Never call it on a loop.
  package func stopAccepting() {
    let closing = entries.withLock { entries in
      defer { entries = [] }
      return entries
    }
    for entry in closing { reactor.onEveryLoop { loop in loop.stopListening(on: entry.socket) } }
  }
}
