// Listening sockets that the service manager opened and passed on: sd_listen_fds(3) without its library.

internal import Glibc

/// The sockets that were passed to this process, each waiting for the listener that has its address.
package final class PassedSockets: Sendable {
  private struct Entry: Sendable {
    let number: Int32
    /// nil when it is no listening socket of a kind that otlpd serves.
    let address: SocketAddress?
    let name: String

    var text: String { address.map { "\($0)" } ?? "descriptor \(number)\(name.isEmpty ? "" : " (\(name))")" }
  }

  private let entries: Lock<[Entry]>
  /// The addresses of all of them, taken or not.
  package let addresses: [SocketAddress]

  /// SD_LISTEN_FDS_START: standard input, output and error come before.
  private static let first: Int32 = 3
  /// More than any unit passes; a number beyond it is damage.
  private static let countMax: Int32 = 1024

  /// None.
  package convenience init() { self.init(environment: [:], process: 0) }

  /// Takes over the descriptors that the environment names. Once per process, before anything else opens one.
  ///
  /// - Parameter environment: `LISTEN_PID`, which must be this process, `LISTEN_FDS` and `LISTEN_FDNAMES` are read.
  package convenience init(environment: [String: String]) {
    self.init(environment: environment, process: ProcessStatistics.identifier)
  }

  private init(environment: [String: String], process: Int) {
    var found: [Entry] = []
    if environment["LISTEN_PID"].flatMap({ Int($0) }) == process,
      let count = environment["LISTEN_FDS"].flatMap({ Int32($0) }), (1...PassedSockets.countMax).contains(count)
    {
      let names = environment["LISTEN_FDNAMES"]?.split(separator: ":", omittingEmptySubsequences: false) ?? []
      for index in 0..<count {
        let number = PassedSockets.first + index
        let address = Socket.isListening(number) ? SocketAddress(of: number) : nil
        let name = Int(index) < names.count ? String(names[Int(index)]) : ""
        found.append(Entry(number: number, address: address, name: name))
      }
    }
    entries = Lock(found)
    addresses = found.compactMap(\.address)
  }

  /// The socket that listens on `address`, if one was passed and nobody has it yet.
  package func take(_ address: SocketAddress) -> Socket? {
    let number = entries.withLock { entries -> Int32? in
      guard let index = entries.firstIndex(where: { $0.address == address }) else { return nil }
      return entries.remove(at: index).number
    }
    return number.map { Socket(passed: $0) }
  }

  /// Closes what nobody took.
  ///
  /// - Returns: what it was, for people.
  package func closeRest() -> [String] {
    let rest = entries.withLock { entries in
      defer { entries = [] }
      return entries
    }
    for entry in rest { close(entry.number) }
    return rest.map(\.text)
  }
}
