// Where a server listens, as the owner writes it.

internal import Glibc
internal import Reactor
package import System

/// A host and a port: `localhost:4318`, `127.0.0.1:4318`, `[::1]:4318`, `:4318`, `collector.internal:4318`.
package struct ListenAddress: Sendable, Equatable, CustomStringConvertible {
  /// Empty for all interfaces.
  package let host: String
  /// 0 lets the kernel choose.
  package let port: UInt16
  /// Of a Unix socket, which has neither host nor port.
  package let path: String?

  /// unix(7): a path has to fit in 108 bytes with its end.
  package static let pathBytesMax = 107

  /// A Unix socket; `path` is absolute and at most `pathBytesMax` bytes long.
  package init(path: String) {
    host = ""
    port = 0
    self.path = path
  }

  /// Whether only this machine reaches it.
  package var isLocal: Bool {
    path != nil || host == "localhost" || SocketAddress(literal: host, port: port)?.network?.isLoopback == true
  }

  /// The address that `text` spells, or nil when it is not `host:port`.
  package init?(parsing text: String) {
    guard let colon = text.lastIndex(of: ":") else { return nil }
    let digits = text[text.index(after: colon)...]
    guard digits.utf8.allSatisfy({ Characters.isDigit($0) }), let port = UInt16(digits) else { return nil }
    var host = text[..<colon]
    if host.hasPrefix("[") {
      guard host.hasSuffix("]") else { return nil }
      host = host.dropFirst().dropLast()
      guard SocketAddress(literal: String(host), port: port)?.isIPv6 == true else { return nil }
    } else if host.contains(where: { $0 == ":" || $0 == "[" || $0 == "]" || $0 == "/" || $0.isWhitespace }) {
      return nil
    }
    self.host = String(host)
    self.port = port
    path = nil
  }

  package var description: String { path ?? hostAndPort }

  private var hostAndPort: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// The sockets for this address; `localhost` may get a second one, for IPv6.
  ///
  /// Blocks while a host name is resolved.
  func listen(with reactor: Reactor) throws(ListenError) -> [ListeningAttempt] {
    do throws(SystemError) {
      if let path { return [.listening(try reactor.listeningSocket(on: SocketAddress(path: path)))] }
      switch host {
      case "localhost": return try listenOnLocalhost(reactor)
      case "": return [.listening(try listenOnAllInterfaces(reactor))]
      default: return [.listening(try listenOnHost(reactor))]
      }
    } catch {
      let passed = reactor.passedSockets.addresses.first { port != 0 && $0.path == nil && $0.port == port }
      throw ListenError(address: self, cause: error, passed: passed)
    }
  }

  private func listenOnLocalhost(_ reactor: Reactor) throws(SystemError) -> [ListeningAttempt] {
    let four = try reactor.listeningSocket(on: ListenAddress.literal("127.0.0.1", port))
    // With port 0 the two would get different ports, and only one can be told.
    if port == 0 { return [.listening(four)] }
    do throws(SystemError) {
      return [.listening(four), .listening(try reactor.listeningSocket(on: ListenAddress.literal("::1", port)))]
    } catch {
      // Without IPv6 on this machine nobody can look for us there.
      if error.code == EADDRNOTAVAIL || error.code == EAFNOSUPPORT { return [.listening(four)] }
      return [.listening(four), .skipped(error)]
    }
  }

  private func listenOnAllInterfaces(_ reactor: Reactor) throws(SystemError) -> ListeningSocket {
    do throws(SystemError) {
      return try reactor.listeningSocket(on: ListenAddress.literal("::", port))
    } catch {
      if error.code != EAFNOSUPPORT && error.code != EADDRNOTAVAIL { throw error }
      return try reactor.listeningSocket(on: ListenAddress.literal("0.0.0.0", port))
    }
  }

  private func listenOnHost(_ reactor: Reactor) throws(SystemError) -> ListeningSocket {
    if let literal = SocketAddress(literal: host, port: port) { return try reactor.listeningSocket(on: literal) }
    guard let first = try SocketAddress.resolve(host, port: port).first else {
      throw SystemError(code: EADDRNOTAVAIL, doing: "cannot resolve \(host)")
    }
    return try reactor.listeningSocket(on: first)
  }

  private static func literal(_ text: String, _ port: UInt16) -> SocketAddress {
    guard let address = SocketAddress(literal: text, port: port) else { preconditionFailure("\(text) is an address") }
    return address
  }
}

/// What came of one of a name's addresses.
enum ListeningAttempt: Sendable {
  case listening(ListeningSocket)
  /// The second address of `localhost` is taken; the first one serves.
  case skipped(SystemError)
}

/// Why a server cannot listen: `cannot listen on 127.0.0.1:4318: address already in use. Stop …`.
package struct ListenError: Error, Sendable, CustomStringConvertible {
  package let address: ListenAddress
  package let cause: SystemError
  /// A socket of the same port that the service manager holds for otlpd.
  var passed: SocketAddress?

  package var description: String {
    let what = "cannot listen on \(address): \(cause.reason)"
    if address.path != nil { return "\(what). \(socketHint)" }
    switch cause.code {
    case EADDRINUSE:
      if let passed {
        return "\(what). The service manager holds \(passed) for otlpd: give its socket unit this address "
          + "(systemctl edit otlpd.socket), or do without it (systemctl disable --now otlpd.socket)."
      }
      return "\(what). Stop the process that has the port (ss -ltnp 'sport = :\(address.port)' names it), "
        + "or choose another endpoint."
    case EACCES: return "\(what). Ports below 1024 need CAP_NET_BIND_SERVICE; choose a higher one."
    case EADDRNOTAVAIL: return "\(what). Use an address of this machine, or 0.0.0.0 for all."
    default: return "\(what)."
    }
  }

  private var socketHint: String {
    switch cause.code {
    case EADDRINUSE: "Another process listens there, or the path is a file; choose another path."
    case ENOENT: "Make its directory first."
    default: "otlpd must be able to write to its directory."
    }
  }
}
