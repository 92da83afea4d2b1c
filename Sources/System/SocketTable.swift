// Which TCP ports of this machine somebody listens on, and who.

internal import Glibc

/// The kernel's table of TCP sockets, read from its text.
package struct SocketTable: Sendable {
  /// A socket that waits for connections.
  package struct Listener: Sendable, Equatable {
    package let port: UInt16
    /// Whether it takes connections from this machine only.
    package let isLoopback: Bool
    /// What the links in `/proc/PID/fd` call the socket.
    let inode: UInt64
  }

  package let listeners: [Listener]

  /// The sockets of this moment.
  package static var current: SocketTable {
    let texts = ["/proc/net/tcp", "/proc/net/tcp6"].compactMap { try? SmallFile.read($0) }
    return SocketTable(texts.map { String(decoding: $0, as: UTF8.self) })
  }

  /// - Parameter texts: as in proc(5), `/proc/net/tcp`: after a heading, lines of a number, the local address in hex,
  ///   the remote one, the state (0A is LISTEN), five more columns and the inode.
  package init(_ texts: [String]) {
    listeners = texts.flatMap { text in
      text.split(separator: "\n").compactMap { line -> Listener? in
        let columns = line.split(separator: " ")
        guard columns.count > 9, columns[3] == "0A", let inode = UInt64(columns[9]) else { return nil }
        let local = columns[1].split(separator: ":")
        guard local.count == 2, let port = UInt16(local[1], radix: 16) else { return nil }
        return Listener(port: port, isLoopback: SocketTable.isLoopback(local[0]), inode: inode)
      }
    }
  }

  /// The kernel writes each 32-bit word of an address in the machine's order: `0100007F` is 127.0.0.1.
  private static func isLoopback(_ hex: Substring) -> Bool {
    hex.count == 8 ? hex.hasSuffix("7F") : hex == "00000000000000000000000001000000"
  }
}

/// The processes of this machine, as far as this one may look at them.
package enum ProcessTable {
  package struct Process: Sendable, Equatable, CustomStringConvertible {
    package let identifier: Int
    package let name: String

    package var description: String { "\(name) (pid \(identifier))" }
  }

  /// The process that has a listening socket open; nil when it is not ours to know.
  ///
  /// - Parameter name: whom to name of several; a service manager keeps the sockets that it passes on.
  package static func owner(of listener: SocketTable.Listener, preferring name: String) -> Process? {
    let wanted = "socket:[\(listener.inode)]"
    let names = (try? Directory(path: "/proc").entries()) ?? []
    var found: Process?
    for identifier in names.compactMap({ Int($0) }) {
      let directory = Directory(path: "/proc/\(identifier)/fd")
      guard let descriptors = try? directory.entries(), descriptors.contains(where: { directory.link($0) == wanted })
      else { continue }
      found = process(identifier) ?? found
      if found?.name == name { return found }
    }
    return found
  }

  /// nil when there is none of that number.
  package static func process(_ identifier: Int) -> Process? {
    guard let bytes = try? SmallFile.read("/proc/\(identifier)/comm") else { return nil }
    let name = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first.map { String($0) }
    return Process(identifier: identifier, name: name ?? "?")
  }
}

extension Directory {
  /// The process that has taken the directory with `lock`; nil when nobody has.
  package var holder: Int? {
    let text = (try? SmallFile.read("/proc/locks")).map { String(decoding: $0, as: UTF8.self) } ?? ""
    return identity(of: ".").flatMap { Directory.holder($0, locks: text) }
  }

  /// - Parameter locks: as in proc(5), `/proc/locks`: `1: FLOCK  ADVISORY  WRITE 4711 fd:01:262146 0 EOF`.
  static func holder(_ identity: FileIdentity, locks: String) -> Int? {
    for line in locks.split(separator: "\n") {
      let columns = line.split(separator: " ")
      // The device is not compared: file systems with subvolumes have several numbers for one.
      guard columns.count > 5, columns[1] == "FLOCK", columns[3] == "WRITE",
        columns[5].split(separator: ":").last == "\(identity.inode)"[...]
      else { continue }
      return Int(columns[4])
    }
    return nil
  }

  /// Whether this user may make files there.
  package var isWritable: Bool {
    // Safe: the path is NUL-terminated for the call.
    unsafe access(path, W_OK | X_OK) == 0
  }

  /// Where a symbolic link leads; nil for anything else.
  package func link(_ name: String) -> String? {
    var text = [CChar](repeating: 0, count: 4096)
    // Safe: the path is NUL-terminated, and at most `text.count` bytes are written.
    let count = unsafe readlink(path(of: name), &text, text.count)
    return count < 0 ? nil : String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
