// Messages to the service manager: sd_notify(3) without its library.

internal import Glibc

/// Tells systemd what the daemon does, when it was started by systemd.
package struct ServiceManager: Sendable {
  /// The socket named by `$NOTIFY_SOCKET`; an abstract one begins with `@`.
  private let socketPath: String?
  /// Within this time the manager wants to hear `WATCHDOG=1`; nil when it does not watch.
  package let watchdogTime: Duration?

  /// - Parameter environment: `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` are read from it.
  package init(environment: [String: String]) {
    socketPath = environment["NOTIFY_SOCKET"].flatMap { $0.isEmpty ? nil : $0 }
    // sd_watchdog_enabled(3): meant for another process when that one is named.
    let isOurs = environment["WATCHDOG_PID"].map { Int($0) == ProcessStatistics.identifier } ?? true
    let time = isOurs ? environment["WATCHDOG_USEC"].flatMap { Int64($0) } : nil
    watchdogTime = time.flatMap { $0 > 0 ? .microseconds($0) : nil }
  }

  /// Whether somebody listens.
  package var isPresent: Bool { socketPath != nil }

  /// Sends one datagram such as `READY=1\nSTATUS=listening on 127.0.0.1:4318`.
  ///
  /// Does nothing outside systemd. A failure is nobody's concern: the manager's own time-out speaks up.
  package func notify(_ state: String) {
    guard let socketPath else { return }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var path = Array(socketPath.utf8)
    // sd_notify(3): a leading `@` stands for the NUL of Linux's abstract name space.
    if path.first == UInt8(ascii: "@") { path[0] = 0 }
    guard path.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { field in unsafe field.copyBytes(from: path) }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    let message = Array(state.utf8)
    // Safe: the address and the message outlive the call, and both lengths are theirs.
    unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        _ = unsafe sendto(descriptor, message, message.count, Int32(MSG_NOSIGNAL), generic, length)
      }
    }
  }
}
