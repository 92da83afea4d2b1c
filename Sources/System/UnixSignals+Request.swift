// Sends the process a Unix signal from within.

internal import Glibc

extension UnixSignals {
  /// Lets `next` return `signal`, as if another process had sent it. Any thread.
  package static func request(_ signal: UnixSignal) { kill(getpid(), signal.rawValue) }
}
