// Who listens on a port, and who holds a directory.

import Glibc
import System
import Testing

@Suite("Sockets and locks of this machine")
struct SocketTableTests {
  @Test("Listening sockets are read from the kernel's table, and no others")
  func listeners() {
    let four = """
        sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
         0: 0100007F:10DD 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0
         1: 00000000:10DE 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0
         2: 0100007F:10DF 0100007F:10DD 01 00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100 0
      """
    let six = """
        sl  local_address                         remote_address                        st tx_queue rx_queue
         0: 00000000000000000000000001000000:22B8 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 4714 1
      """
    let table = SocketTable([four, six, "damaged\n"])
    #expect(table.listeners.map(\.port) == [4317, 4318, 8888])
    #expect(table.listeners.map(\.isLoopback) == [true, false, true])
  }

  @Test("A listening socket of this process is found with its owner")
  func owner() throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(listener) }
    #expect(listen(listener, 1) == 0)
    var address = sockaddr_in()
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    unsafe withUnsafeMutablePointer(to: &address) { pointer in
      _ = unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(listener, $0, &size) }
    }
    let port = UInt16(bigEndian: address.sin_port)
    let found = try #require(SocketTable.current.listeners.first { $0.port == port })
    #expect(ProcessTable.owner(of: found, preferring: "")?.identifier == Int(getpid()))
  }

  @Test("Who has locked a directory is known, and that nobody has")
  func holder() throws {
    let directory = Directory(path: "/tmp/otlpd-holder-\(getpid())")
    try directory.create()
    defer { _ = unsafe rmdir(directory.path) }
    #expect(directory.holder == nil)
    let lock = try directory.lock()
    #expect(lock != nil)
    // Where the kernel shows no locks, as in some sandboxes, nobody is known.
    withExtendedLifetime(lock) { #expect([nil, Int(getpid())].contains(directory.holder)) }
  }
}
