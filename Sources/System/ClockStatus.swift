// What the kernel knows of the wall clock's exactness.

internal import CLinux

package enum ClockStatus {
  /// Whether somebody keeps the clock in step with a time server; nil when the kernel does not say.
  package static var isSynchronised: Bool? {
    let state = otlpd_clock_state()
    // adjtimex(2): TIME_ERROR is 5.
    return state < 0 ? nil : state != 5
  }
}
