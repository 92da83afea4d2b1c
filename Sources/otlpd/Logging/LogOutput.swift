// Where log lines go: a terminal, a pipe, a file, or the journal of systemd.

package import System

/// One destination with the form that its readers expect.
package enum LogOutput: Sendable {
  case text(Console, LogFormat)
  case file(AppendedFile, LogFormat)
  /// journald's own socket; where that takes nothing, standard error, which leads there too.
  case journal(DatagramSocket, fallback: Console)

  /// systemd-journald.service(8).
  package static let journalSocket = "/run/systemd/journal/socket"

  /// Writes one event. Lines come one after the other: two threads that write long ones must not mix them.
  ///
  /// - Returns: whether all of it was taken.
  func write(_ event: LogEntry, in order: LineOrder) -> Bool {
    switch self {
    case .text(let console, let format): order.write(format.line(event)) { console.write($0) }
    case .file(let file, let format): order.write(format.line(event)) { file.write($0) }
    case .journal(let socket, let fallback):
      socket.send(JournalFields.datagram(event))
        || order.write(LogFormat.priority.line(event)) { fallback.write($0) }
    }
  }

  /// Standard error, in the form that whoever is behind it reads best.
  ///
  /// - Parameters:
  ///   - isJSON: as the configuration asks.
  ///   - journalSocket: where journald takes events; tests have one of their own.
  package static func standardError(
    isJSON: Bool, environment: [String: String], journalSocket: String = LogOutput.journalSocket
  ) -> LogOutput {
    let stream = StandardStream.error
    // Lines may come from a reactor thread: a reader that has stopped must not stop it.
    let console = Console(descriptor: stream.rawValue, patience: .milliseconds(100))
    if isJSON { return .text(console, .json) }
    if ProcessStatistics.isTerminal(stream.rawValue) { return .text(console, .terminal) }
    // systemd.exec(5): set while a stream is connected to the journal, and inherited by what is started with another.
    if let journal = environment["JOURNAL_STREAM"], journal == stream.identity {
      return DatagramSocket(to: journalSocket).map { .journal($0, fallback: console) } ?? .text(console, .priority)
    }
    return .text(console, .logfmt)
  }

  /// Any other path of the file: `stdout`, or a file's.
  ///
  /// - Throws: `SystemError` when the file cannot be opened.
  static func path(_ path: String, isJSON: Bool) throws(SystemError) -> LogOutput {
    guard path == "stdout" else { return .file(try AppendedFile(path), isJSON ? .json : .logfmt) }
    let isTerminal = ProcessStatistics.isTerminal(StandardStream.output.rawValue)
    return .text(Console(patience: .milliseconds(100)), isJSON ? .json : isTerminal ? .terminal : .logfmt)
  }
}

/// Lets one thread at a time write a line, and no thread wait for long.
final class LineOrder: Sendable {
  private struct Turn {
    var isTaken = false
    /// The last line has no end: its reader did not take all of it.
    var isTorn = false
  }

  /// As long as one line may take.
  private static let patience = Duration.milliseconds(100)

  private let turn = Lock(Turn())

  /// - Parameter write: writes a text, and says whether all of it was taken.
  /// - Returns: whether the line was written whole.
  func write(_ line: String, _ write: (String) -> Bool) -> Bool {
    let isTorn = turn.wait(until: SystemClock().monotonic + LineOrder.patience) { turn -> Bool? in
      if turn.isTaken { return nil }
      turn.isTaken = true
      return turn.isTorn
    }
    guard let isTorn else { return false }
    let isWhole = write(isTorn ? "\n" + line : line)
    turn.withLock { $0 = Turn(isTaken: false, isTorn: !isWhole) }
    turn.wakeOne()
    return isWhole
  }
}
