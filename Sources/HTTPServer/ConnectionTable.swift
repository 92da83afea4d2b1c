// How many connections are open, in all and from each network address.

internal import System

/// Counts the connections of all listeners. Safe from any thread.
package final class ConnectionTable: Sendable {
  /// Who may come in.
  enum Verdict: Sendable, Equatable {
    case admitted
    case tooMany
    case tooManyFromThere
  }

  private struct State {
    var total = 0
    /// Only addresses with connections are here, so there are never more entries than connections.
    var byNetwork: [SocketAddress.Network: Int] = [:]
    /// Refused connections that still linger to be told so.
    var lingering = 0
  }

  private let state = Lock(State())

  package init() {}

  package var total: Int { state.withLock { $0.total } }

  /// Counts a connection, unless there are too many.
  func admit(_ peer: SocketAddress, _ limits: Limits) -> Verdict {
    let network = peer.network
    let perAddressMax = limits.connectionsPerAddress(isLocal: network?.isLoopback ?? true)
    return state.withLock { state in
      if state.total >= limits.connectionsMax { return .tooMany }
      if let network {
        let count = state.byNetwork[network, default: 0]
        if count >= perAddressMax { return .tooManyFromThere }
        state.byNetwork[network] = count + 1
      }
      state.total += 1
      return .admitted
    }
  }

  /// Counts an admitted connection out.
  func left(_ peer: SocketAddress) {
    state.withLock { state in
      state.total -= 1
      guard let network = peer.network, let count = state.byNetwork[network] else { return }
      state.byNetwork[network] = count > 1 ? count - 1 : nil
    }
  }

  /// Whether one more refused connection may stay until it has read why.
  func mayLinger(atMost limit: Int) -> Bool {
    state.withLock { state in
      guard state.lingering < limit else { return false }
      state.lingering += 1
      return true
    }
  }

  func lingered() { state.withLock { $0.lingering -= 1 } }
}
