// The forms and places of log lines, and the bound on what is said again and again.

import Config
import Glibc
import Logging
import SelfTelemetry
import System
import Testing
import otlpd

/// The end of a Unix socket that journald would have.
private final class JournalEnd {
  let path: String
  private let descriptor: Int32

  init() {
    path = "/tmp/otlpd-journal-\(UInt64.random(in: 0...UInt64.max))"
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
    let result = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    precondition(result == 0, "the test's socket is bound")
  }

  /// The fields of the next event that is there already.
  func next() -> [String: String]? {
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = unsafe recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
    guard count > 0 else { return nil }
    let lines = String(decoding: bytes.prefix(count), as: UTF8.self).split(separator: "\n")
    let pairs = lines.map { $0.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init) }
    return Dictionary(pairs.map { ($0[0], $0[1]) }) { first, _ in first }
  }

  func close() {
    Glibc.close(descriptor)
    unsafe unlink(path)
  }
}

private func entry(_ message: String, _ fields: [(key: String, value: String)] = []) -> LogEntry {
  LogEntry(level: .warning, message: message, fields: fields, wall: 1_760_000_000_123_000_000)
}

/// Everything that a peer may put into a text to make it something else.
private let hostile = "a\nb\r\u{1b}[2J\u{9b}2J\u{202e}\u{2028}\"\\\u{0}é"

@Suite struct LogFormatTests {
  @Test("Each form is one line that says when, how bad, and what")
  func forms() {
    let one = entry("exporting failed", [("component", "otlp_http"), ("error", "it is down"), ("n", "3")])
    #expect(
      LogFormat.terminal.line(one)
        == "08:53:20 warning  exporting failed  component=otlp_http error=\"it is down\" n=3\n")
    #expect(
      LogFormat.logfmt.line(one)
        == "time=2025-10-09T08:53:20.123Z level=warning msg=\"exporting failed\" component=otlp_http "
        + "error=\"it is down\" n=3\n")
    #expect(
      LogFormat.priority.line(one) == "<4>exporting failed component=otlp_http error=\"it is down\" n=3\n")
    #expect(
      LogFormat.json.line(one)
        == #"{"ts":"2025-10-09T08:53:20.123Z","level":"warning","msg":"exporting failed","component":"otlp_http","#
        + #""error":"it is down","n":"3"}"# + "\n")
  }

  @Test(
    "What a peer wrote cannot steer a terminal or forge a line",
    arguments: [LogFormat.terminal, .logfmt, .priority, .json])
  func hostileTexts(format: LogFormat) {
    let line = format.line(entry(hostile, [("peer", hostile), ("path", hostile)]))
    let body = line.dropLast()
    #expect(line.hasSuffix("\n"))
    for scalar in body.unicodeScalars {
      #expect(scalar.value >= 0x20 && !(0x7f..<0xa0).contains(scalar.value))
      #expect(!(0x2028...0x202e).contains(scalar.value))
    }
    #expect(line.contains("é"))
  }

  @Test("A JSON line has no name twice, whatever fields there are")
  func names() {
    let line = LogFormat.json.line(entry("m", [("msg", "x"), ("a", "1"), ("a", "2")]))
    #expect(line == #"{"ts":"2025-10-09T08:53:20.123Z","level":"warning","msg":"m","a":"1"}"# + "\n")
  }

  @Test("A text of a peer takes so much of the log and no more")
  func long() {
    let one = entry(String(repeating: "ö", count: 1 << 20), [("error", String(repeating: "x", count: 1 << 20))])
    #expect(LogFormat.json.line(one).utf8.count < 40_000)
    #expect(one.fields[0].value.hasSuffix("x…"))
  }
}

@Suite struct LogWriterTests {
  private let clock = ManualClock()
  private let metrics = MetricRegistry()

  private func writer(_ outputs: [LogOutput], _ change: (inout LogWriter.Settings) -> Void = { _ in }) -> LogWriter {
    var settings = LogWriter.Settings(outputs: outputs)
    change(&settings)
    return LogWriter(settings, clock: clock, metrics: metrics)
  }

  @Test("journald gets the priority, the name, the message and each field as a field")
  func journal() throws {
    let end = JournalEnd()
    defer { end.close() }
    let socket = try #require(DatagramSocket(to: end.path))
    let logger = writer([.journal(socket, fallback: Console())]).logger
    logger.error("exporting failed", metadata: ["component": "otlp_http", "error": "a\nb", "otelcol.signal": "traces"])
    let fields = try #require(end.next())
    #expect(fields["PRIORITY"] == "3" && fields["SYSLOG_IDENTIFIER"] == "otlpd" && fields["SYSLOG_FACILITY"] == "3")
    #expect(fields["MESSAGE"] == #"exporting failed component=otlp_http error="a\nb" otelcol.signal=traces"#)
    #expect(fields["OTLPD_COMPONENT"] == "otlp_http" && fields["OTLPD_ERROR"] == #"a\nb"#)
    #expect(fields["OTLPD_OTELCOL_SIGNAL"] == "traces")
    #expect(end.next() == nil)
  }

  @Test("No field is taken for one of journald's own, whatever a peer wrote")
  func forged() throws {
    let end = JournalEnd()
    defer { end.close() }
    let socket = try #require(DatagramSocket(to: end.path))
    let logger = writer([.journal(socket, fallback: Console())]).logger
    logger.warning("m\nPRIORITY=0", metadata: ["PRIORITY": "0", "_uid": "0", "x": "1\nMESSAGE=forged"])
    let fields = try #require(end.next())
    #expect(fields["PRIORITY"] == "4" && fields["MESSAGE"]?.hasPrefix(#"m\nPRIORITY=0"#) == true)
    #expect(fields["OTLPD_PRIORITY"] == "0" && fields["OTLPD__UID"] == "0")
    #expect(Set(fields.keys).isDisjoint(with: ["_UID", "X"]))
  }

  @Test("Without journald's socket, lines go to standard error with their priority")
  func fallback() throws {
    var ends: [Int32] = [0, 0]
    let result = unsafe pipe(&ends)
    #expect(result == 0)
    let socket = try #require(DatagramSocket(to: "/nowhere/otlpd"))
    writer([.journal(socket, fallback: Console(descriptor: ends[1]))]).logger.info("hello", metadata: ["a": "b"])
    var bytes = [UInt8](repeating: 0, count: 100)
    let count = unsafe read(ends[0], &bytes, bytes.count)
    #expect(String(decoding: bytes.prefix(count), as: UTF8.self) == "<6>hello a=b\n")
    close(ends[0])
    close(ends[1])
  }

  /// A file that is removed again, and what is in it.
  private func withFile(_ body: (String) throws -> Void) rethrows -> [Substring] {
    let path = "/tmp/otlpd-log-\(UInt64.random(in: 0...UInt64.max))"
    defer { unsafe unlink(path) }
    try body(path)
    return String(decoding: (try? SmallFile.read(path)) ?? [], as: UTF8.self).split(separator: "\n")
  }

  @Test("What goes wrong again and again is written a few times, with a count of the rest")
  func sampling() throws {
    let lines = try withFile { path in
      let logger = writer([.file(try AppendedFile(path), .priority)]).logger
      for number in 0..<1000 { logger.warning("a client misbehaves", metadata: ["peer": "\(number)"]) }
      logger.warning("another thing")
      clock.advance(by: .seconds(10))
      logger.warning("a client misbehaves")
    }
    // Ten at once, then one of a hundred; the next interval tells of those in between.
    #expect(lines.count == 10 + 9 + 1 + 1)
    #expect(lines[0] == "<4>a client misbehaves peer=0" && lines[9] == "<4>a client misbehaves peer=9")
    #expect(lines[10] == "<4>a client misbehaves peer=109 held_back=99")
    #expect(lines.suffix(2) == ["<4>another thing", "<4>a client misbehaves held_back=90"])
    #expect(metrics.values(of: "otlpd_log_lines_held_back").map(\.value) == [981])
    #expect(
      metrics.values(of: "otlpd_log_lines").first { $0.labels == [Label("level", "warning")] }?.value == 21)
  }

  @Test("Long lines of many threads come whole, one after the other")
  func order() throws {
    let lines = try withFile { path in
      let logger = writer([.file(try AppendedFile(path), .json)]).logger
      let threads = try (0..<8).map { number in
        try Thread(name: "writer") {
          let text = String(repeating: "\(number)", count: 4000)
          for _ in 0..<20 { logger.info("\(text)", metadata: ["a": "\(text)", "b": "\(text)"]) }
        }
      }
      for thread in threads { thread.join() }
    }
    #expect(lines.count + metrics.values(of: "otlpd_log_lines_lost").map { Int($0.value) }[0] == 160)
    #expect(lines.count > 100)
    for line in lines {
      let digit = line.split(separator: #""msg":""#)[1].first ?? "?"
      let text = String(repeating: digit, count: 4000)
      #expect(line.hasPrefix("{") && line.hasSuffix(#""msg":"\#(text)","a":"\#(text)","b":"\#(text)"}"#))
    }
  }

  @Test("A line that its reader takes in part does not spoil the next one")
  func torn() throws {
    var ends: [Int32] = [0, 0]
    let result = unsafe pipe(&ends)
    #expect(result == 0)
    let console = Console(descriptor: ends[1], patience: .milliseconds(1))
    let logger = writer([.text(console, .priority)]).logger
    let long = String(repeating: "x", count: 16_000)
    // More than a pipe holds.
    for _ in 0..<6 { logger.info("\(long)") }
    #expect((metrics.values(of: "otlpd_log_lines_lost").first?.value ?? 0) > 0)
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    _ = unsafe read(ends[0], &bytes, bytes.count)
    logger.info("next")
    let count = unsafe read(ends[0], &bytes, bytes.count)
    #expect(String(decoding: bytes.prefix(count), as: UTF8.self) == "\n<6>next\n")
    close(ends[0])
    close(ends[1])
  }

  @Test("Information is never held back: it is what the debug exporter prints")
  func information() throws {
    let lines = try withFile { path in
      let logger = writer([.file(try AppendedFile(path), .priority)]).logger
      for _ in 0..<50 { logger.info("Traces") }
    }
    #expect(lines.count == 50)
  }

  @Test("Without sampling every line is written")
  func samplingOff() throws {
    let lines = try withFile { path in
      let logger = writer([.file(try AppendedFile(path), .priority)]) { $0.sampling.isOn = false }.logger
      for _ in 0..<50 { logger.error("x") }
    }
    #expect(lines.count == 50)
  }

  @Test("Level, outputs and fields are the writer's, and change for all loggers at once")
  func change() throws {
    let lines = try withFile { path in
      let file = LogOutput.file(try AppendedFile(path), .json)
      let writer = writer([file]) { $0.initialFields = [("site", "a"), ("msg", "b")] }
      var logger = writer.logger
      logger[metadataKey: "component"] = "x"
      logger.debug("not yet")
      logger.info("first")
      var settings = LogWriter.Settings(outputs: [file])
      settings.level = .debug
      writer.apply(settings)
      logger.debug("second")
    }
    #expect(lines.count == 2)
    #expect(lines[0].hasSuffix(#""level":"info","msg":"first","component":"x","site":"a"}"#))
    #expect(lines[1].hasSuffix(#""level":"debug","msg":"second","component":"x"}"#))
  }

  @Test("An output that cannot be opened is told on standard error, and the others are used")
  func badOutput() throws {
    var config = TelemetryLogsConfig()
    config.outputPaths = ["stderr", "/nowhere/at/all.log"]
    let settings = LogWriter.Settings(config, environment: [:])
    #expect(settings.outputs.count == 1)
    #expect(
      settings.problems == [
        "this log output is left out: cannot write to /nowhere/at/all.log: no such file or directory"
      ])
    config.outputPaths = ["/nowhere/at/all.log"]
    #expect(LogWriter.Settings(config, environment: [:]).outputs.count == 1)
  }

  @Test("journald is recognised by the stream that it gave, not by a variable that was inherited")
  func recognised() throws {
    func isJournal(_ stream: String?) -> Bool {
      let environment = stream.map { ["JOURNAL_STREAM": $0] } ?? [:]
      if case .journal = LogOutput.standardError(isJSON: false, environment: environment) { return true }
      return false
    }
    let identity = try #require(StandardStream.error.identity)
    #expect(!isJournal(nil) && !isJournal("1:2") && !isJournal(""))
    #expect(isJournal(identity) == !ProcessStatistics.isTerminal(StandardStream.error.rawValue))
  }
}
