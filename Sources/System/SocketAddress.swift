// An IP address with a port, and its text.

internal import CLinux
internal import Glibc

/// An IPv4 or IPv6 address with a port, or a Unix socket: `127.0.0.1:4318`, `[::1]:4318`, `/run/otlpd/otlp.sock`.
package struct SocketAddress: Sendable, Equatable, CustomStringConvertible {
  /// The kernel's own form; IPv4 uses its beginning, and a Unix socket nothing of it.
  private var storage = sockaddr_in6()
  /// The path of a Unix socket; empty for the client of one, which has none.
  package private(set) var path: String?

  package static func == (left: SocketAddress, right: SocketAddress) -> Bool { left.description == right.description }

  /// A Unix socket; of a path longer than 107 bytes the kernel gets the beginning.
  package init(path: String) {
    storage.sin6_family = sa_family_t(AF_UNIX)
    self.path = path
  }

  /// The address that `literal` spells (`127.0.0.1`, `::1`), or nil when it is a name.
  package init?(literal: String, port: UInt16) {
    var four = in_addr()
    var six = in6_addr()
    // Safe: inet_pton writes one address of the named family.
    if unsafe inet_pton(AF_INET, literal, &four) == 1 {
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = port.bigEndian
      address.sin_addr = four
      // Safe: sockaddr_in6 is larger than sockaddr_in, and both are plain bytes.
      unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.storeBytes(of: address, as: sockaddr_in.self) }
    } else if unsafe inet_pton(AF_INET6, literal, &six) == 1 {
      storage.sin6_family = sa_family_t(AF_INET6)
      storage.sin6_port = port.bigEndian
      storage.sin6_addr = six
    } else {
      return nil
    }
  }

  /// The addresses of a host name, in the resolver's order. Blocks while the resolver asks.
  package static func resolve(_ name: String, port: UInt16) throws(SystemError) -> [SocketAddress] {
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    // Safe: getaddrinfo writes the head of a list that freeaddrinfo gives back.
    let failure = unsafe getaddrinfo(name, String(port), &hints, &list)
    defer { if let list = unsafe list { unsafe freeaddrinfo(list) } }
    if failure == EAI_SYSTEM { throw .last("cannot resolve \(name)") }
    if failure != 0 { throw SystemError(code: EADDRNOTAVAIL, doing: "cannot resolve \(name)") }
    var addresses: [SocketAddress] = []
    var next = unsafe list
    while let entry = unsafe next {
      if let address = unsafe SocketAddress(entry.pointee.ai_addr, entry.pointee.ai_addrlen) {
        addresses.append(address)
      }
      unsafe next = entry.pointee.ai_next
    }
    return addresses
  }

  /// A copy of what the kernel wrote, when it is of a known family.
  @unsafe
  private init?(_ source: UnsafePointer<sockaddr>, _ length: socklen_t) {
    let family = unsafe Int32(source.pointee.sa_family)
    if family == AF_UNIX {
      storage.sin6_family = sa_family_t(AF_UNIX)
      path = ""
      return
    }
    guard family == AF_INET || family == AF_INET6 else { return nil }
    let count = min(Int(length), MemoryLayout<sockaddr_in6>.size)
    // Safe: `count` bytes fit both sides.
    unsafe withUnsafeMutableBytes(of: &storage) { bytes in
      unsafe bytes.baseAddress!.copyMemory(from: source, byteCount: count)
    }
  }

  /// What a socket is bound to; nil when that is none of these addresses, and errno says why when it is no socket.
  init?(of socket: Int32) {
    var local = sockaddr_un()
    var length = socklen_t(MemoryLayout<sockaddr_un>.size)
    // Safe: the kernel writes at most `length` bytes, and sockaddr_un is the largest of the forms that are read.
    let address = unsafe withUnsafeMutableBytes(of: &local) { bytes -> SocketAddress? in
      let pointer = unsafe bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self)
      guard unsafe getsockname(socket, pointer, &length) == 0 else { return nil }
      return unsafe SocketAddress(pointer, length)
    }
    guard var address else { return nil }
    if address.path != nil {
      // unix(7): the path is as long as the kernel says, with or without its terminating zero.
      let count = min(Int(length), MemoryLayout<sockaddr_un>.size) - MemoryLayout<sa_family_t>.size
      let bytes = unsafe withUnsafeBytes(of: local.sun_path) { unsafe [UInt8]($0.prefix(max(0, count))) }
      address.path = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    self = address
  }

  var family: Int32 { Int32(storage.sin6_family) }
  package var isIPv6: Bool { family == AF_INET6 }
  /// The port; the kernel keeps it in the same place for both families.
  package var port: UInt16 { UInt16(bigEndian: storage.sin6_port) }

  /// The same host with another port.
  package func with(port: UInt16) -> SocketAddress {
    var copy = self
    copy.storage.sin6_port = port.bigEndian
    return copy
  }

  /// The address without the port: `::1`.
  package var host: String {
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let isIPv6 = isIPv6
    // Safe: inet_ntop reads an address of the stated family and writes a terminated text of at most the given size.
    unsafe withUnsafeBytes(of: storage) { bytes in
      let offset =
        isIPv6 ? MemoryLayout<sockaddr_in6>.offset(of: \.sin6_addr)! : MemoryLayout<sockaddr_in>.offset(of: \.sin_addr)!
      unsafe inet_ntop(isIPv6 ? AF_INET6 : AF_INET, bytes.baseAddress! + offset, &text, socklen_t(text.count))
    }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Who shares the fate of an address: one IPv4 address, or one IPv6 /64, which is what one customer gets.
  package struct Network: Hashable, Sendable {
    private let bytes: UInt64
    private let isIPv4: Bool
    package let isLoopback: Bool

    fileprivate init(isIPv4: Bool, bytes: UInt64, isLoopback: Bool) {
      self.isIPv4 = isIPv4
      self.bytes = bytes
      self.isLoopback = isLoopback
    }
  }

  /// The network that the address belongs to; a Unix socket's none.
  package var network: Network? {
    // Safe: both forms are plain bytes of at least this length.
    if path != nil { return nil }
    return unsafe withUnsafeBytes(of: storage) { raw in
      func number(at offset: Int, _ count: Int) -> UInt64 {
        (0..<count).reduce(0) { unsafe $0 << 8 | UInt64(raw[offset + $1]) }
      }
      if family == AF_INET {
        let address = number(at: MemoryLayout<sockaddr_in>.offset(of: \.sin_addr)!, 4)
        return Network(isIPv4: true, bytes: address, isLoopback: address >> 24 == 127)
      }
      let start = MemoryLayout<sockaddr_in6>.offset(of: \.sin6_addr)!
      let (upper, lower) = (number(at: start, 8), number(at: start + 8, 8))
      // RFC 4291 section 2.5.5.2: an IPv4 client of a socket that takes both.
      if upper == 0 && lower >> 32 == 0xFFFF {
        let address = lower & 0xFFFF_FFFF
        return Network(isIPv4: true, bytes: address, isLoopback: address >> 24 == 127)
      }
      return Network(isIPv4: false, bytes: upper, isLoopback: upper == 0 && lower == 1)
    }
  }

  package var description: String { path.map { $0.isEmpty ? "unix" : $0 } ?? hostAndPort }

  private var hostAndPort: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// Lends the address in the kernel's form.
  @unsafe
  func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    if let path {
      var local = sockaddr_un()
      local.sun_family = sa_family_t(AF_UNIX)
      // Safe: the path's beginning fits with the zero that is there already.
      return unsafe withUnsafeMutableBytes(of: &local) { bytes in
        let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path)!
        unsafe bytes[offset...].copyBytes(from: path.utf8.prefix(bytes.count - offset - 1))
        return unsafe body(
          bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    let length = isIPv6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
    return unsafe withUnsafeBytes(of: storage) { bytes in
      unsafe body(bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(length))
    }
  }

  /// Lets the kernel fill in an address.
  @unsafe
  static func filled(by call: (UnsafeMutablePointer<sockaddr>, inout socklen_t) -> Int32) -> (Int32, SocketAddress?) {
    var storage = sockaddr_in6()
    var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
    // Safe: the kernel writes at most `length` bytes.
    return unsafe withUnsafeMutableBytes(of: &storage) { bytes in
      let pointer = unsafe bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self)
      let result = unsafe call(pointer, &length)
      return unsafe (result, result < 0 ? nil : SocketAddress(pointer, length))
    }
  }
}
