// A small file whose content counts as it is now.

internal import System

/// The parsed content of a file that somebody else may replace. Safe from any thread.
///
/// Looks at the file at most once a second, when it is asked, and reads it when it has changed. While it cannot be
/// read, what was read last counts.
final class WatchedFile<Content: Sendable>: Sendable {
  private struct State {
    var content: Content
    var stamp: FileStamp?
    var nextLook: Instant
  }

  private let path: String
  private let clock: any Clock
  private let parse: @Sendable ([UInt8]) -> Content
  private let report: CredentialReport
  private let state: Lock<State>

  /// Reads the file.
  ///
  /// - Parameter report: told when a changed file was read, or cannot be.
  init(
    _ path: String, clock: any Clock, report: @escaping CredentialReport,
    parse: @escaping @Sendable ([UInt8]) -> Content
  ) throws(SystemError) {
    self.path = path
    self.clock = clock
    self.parse = parse
    self.report = report
    // The stamp first: what changes in between is found the next time.
    let stamp = FileStamp(of: path)
    let content = parse(try SmallFile.read(path))
    state = Lock(State(content: content, stamp: stamp, nextLook: clock.monotonic + .seconds(1)))
  }

  var content: Content {
    let (content, news) = state.withLock { state in
      let news = look(&state)
      return (state.content, news)
    }
    if let news { report(news) }
    return content
  }

  /// - Returns: what is new, for the owner.
  private func look(_ state: inout State) -> String? {
    let now = clock.monotonic
    if now < state.nextLook { return nil }
    state.nextLook = now + .seconds(1)
    let stamp = FileStamp(of: path)
    if stamp == state.stamp { return nil }
    state.stamp = stamp
    do throws(SystemError) {
      state.content = parse(try SmallFile.read(path))
      return "\(path) has changed and was read again"
    } catch {
      return "\(error); what was in it before still counts"
    }
  }
}
