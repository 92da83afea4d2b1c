// A listener's certificate, replaced while connections are open.

package import System

/// Makes sessions with the certificate that the files hold now. Safe from any thread.
///
/// Sessions keep what they began with. A certificate that cannot be used leaves the present one in place, and is
/// reported once per change of the files.
package final class TLSServer: Sendable {
  private struct State {
    var context: TLSContext
    /// What the files were when they were read last, with or without success.
    var stamps: [FileStamp?]
    var lastLook: Instant
  }

  private let settings: TLSSettings
  private let clock: any Clock
  private let report: @Sendable (Result<Void, TLSError>) -> Void
  private let state: Lock<State>

  /// Reads the files.
  ///
  /// - Parameter report: hears of every later attempt to read changed files; on whatever thread found the change.
  package init(
    _ settings: TLSSettings, clock: any Clock, report: @escaping @Sendable (Result<Void, TLSError>) -> Void
  ) throws(TLSError) {
    self.settings = settings
    self.clock = clock
    self.report = report
    // Looked at before they are read: a change in between is found the next time.
    let stamps = settings.files.map { FileStamp(of: $0) }
    state = Lock(State(context: try TLSContext(settings), stamps: stamps, lastLook: clock.monotonic))
  }

  /// A session for a client that has connected; nil when there is no memory for it.
  ///
  /// - Parameter socket: stays open for as long as the session lives.
  package func session(on socket: Int32) -> TLSSession? {
    let now = clock.monotonic
    let mustLook = state.withLock { state in
      guard now.since(state.lastLook) >= settings.reloadInterval else { return false }
      state.lastLook = now
      return true
    }
    // A few small files, at most once per interval: cheaper than a thread that watches them.
    if mustLook { reload(evenIfUnchanged: false) }
    return TLSSession(state.withLock { $0.context }, socket: socket)
  }

  /// Reads the files again when they have changed, or in any case.
  package func reload(evenIfUnchanged: Bool) {
    let stamps = settings.files.map { FileStamp(of: $0) }
    let isChanged = state.withLock { state in
      defer { state.stamps = stamps }
      return state.stamps != stamps
    }
    guard isChanged || evenIfUnchanged else { return }
    do throws(TLSError) {
      let context = try TLSContext(settings)
      state.withLock { $0.context = context }
      report(.success(()))
    } catch {
      report(.failure(error))
    }
  }
}
