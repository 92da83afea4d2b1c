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

  func write(_ event: LogEntry) {
    switch self {
    case .text(let console, let format): console.write(format.line(event))
    case .file(let file, let format): file.write(format.line(event))
    case .journal(let socket, let fallback):
      if !socket.send(JournalFields.datagram(event)) { fallback.write(LogFormat.priority.line(event)) }
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
