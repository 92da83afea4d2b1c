// What the service manager says through the environment, well-formed and not.

import System
import Testing

@Suite("What the service manager says")
struct ServiceManagerTests {
  private static let ours = "\(ProcessStatistics.identifier)"

  @Test(
    "The watchdog's time is taken when it is meant for this process",
    arguments: [
      ([:], nil), (["WATCHDOG_USEC": "3000000"], .seconds(3)), (["WATCHDOG_USEC": "0"], nil),
      (["WATCHDOG_USEC": "-1"], nil), (["WATCHDOG_USEC": "soon"], nil),
      (["WATCHDOG_USEC": "99999999999999999999"], nil),
      (["WATCHDOG_USEC": "1500", "WATCHDOG_PID": ours], .microseconds(1500)),
      (["WATCHDOG_USEC": "1500", "WATCHDOG_PID": "1"], nil),
    ] as [([String: String], Duration?)])
  func watchdog(environment: [String: String], time: Duration?) {
    #expect(ServiceManager(environment: environment).watchdogTime == time)
  }

  @Test("Without a socket nobody listens, and nothing is sent")
  func nobody() {
    for environment in [[:], ["NOTIFY_SOCKET": ""]] {
      let manager = ServiceManager(environment: environment)
      #expect(!manager.isPresent)
      manager.notify("READY=1")
    }
    // One that cannot be reached is nobody's concern.
    ServiceManager(environment: ["NOTIFY_SOCKET": "/nonexistent/notify"]).notify("READY=1")
    ServiceManager(environment: ["NOTIFY_SOCKET": String(repeating: "x", count: 500)]).notify("READY=1")
  }

  @Test(
    "Sockets are passed to a named process, in a number that can be",
    arguments: [
      [:], ["LISTEN_FDS": "1"], ["LISTEN_FDS": "1", "LISTEN_PID": "1"], ["LISTEN_FDS": "1", "LISTEN_PID": "x"],
      ["LISTEN_FDS": "0", "LISTEN_PID": ours], ["LISTEN_FDS": "-3", "LISTEN_PID": ours],
      ["LISTEN_FDS": "99999", "LISTEN_PID": ours], ["LISTEN_FDS": "two", "LISTEN_PID": ours],
    ] as [[String: String]])
  func noSockets(environment: [String: String]) {
    let passed = PassedSockets(environment: environment)
    #expect(passed.addresses.isEmpty && passed.closeRest().isEmpty)
  }
}
