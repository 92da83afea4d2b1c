// `otlpd doctor`: looks at everything between an app and a stored span, and says what keeps telemetry from arriving.

internal import Bytes
internal import HTTPClient
internal import Sinks
internal import System

/// Examines one machine. Blocks for a few seconds at most.
package struct Doctor {
  private static let patience = Duration.seconds(3)

  private let subject: DoctorSubject
  private let userAgent: String
  private let root: String

  /// - Parameter root: what stands before the paths of systemd's files; other than empty in tests.
  package init(_ subject: DoctorSubject, userAgent: String, root: String = "") {
    self.subject = subject
    self.userAgent = userAgent
    self.root = root
  }

  /// Everything that was looked at, in the order in which telemetry passes.
  package func examine() -> [DoctorFinding] {
    let sockets = SocketTable.current
    var findings = [clock] + directoryFindings
    if let unit = SystemdUnit(root: root).finding { findings.append(unit) }
    for door in subject.doors { findings += examine(door, sockets) }
    // The same warnings stand behind every door.
    var seen: Set<String> = []
    findings = findings.filter { $0.level == .ok || seen.insert($0.place + $0.text).inserted }
    if let page = metricsPage { findings += Arrivals(PrometheusSamples(page)).findings }
    return findings
  }

  /// What an app's environment has to hold, as lines for a shell.
  package var exports: String {
    let open = subject.doors.filter { $0.path == nil && ($0.speech == .http || $0.speech == .grpc) }
    guard let door = open.first(where: { $0.speech == .http }) ?? open.first else { return "" }
    let language = door.speech == .http ? "http/protobuf" : "grpc"
    var lines = ["OTEL_EXPORTER_OTLP_ENDPOINT=\(door.url)", "OTEL_EXPORTER_OTLP_PROTOCOL=\(language)"]
    if door.needsCredentials { lines.append("OTEL_EXPORTER_OTLP_HEADERS=\"authorization=Bearer%20YOUR-TOKEN\"") }
    if door.isSecure { lines.append("OTEL_EXPORTER_OTLP_CERTIFICATE=/path/to/the/authority.pem") }
    lines += ["OTEL_SERVICE_NAME=your-service", "OTEL_LOGS_EXPORTER=otlp  # Python sends no logs without it"]
    return lines.map { "  export \($0)\n" }.joined()
  }

  // MARK: The machine

  private var clock: DoctorFinding {
    let now = SystemClock().wall
    let today = UTCTime(unixNanoseconds: now).date
    let names = (try? Directory(path: subject.storeDirectory ?? subject.dataDirectory).entries()) ?? []
    let newest = names.filter { $0.hasPrefix("telemetry-") && $0.hasSuffix(".db") }.max()
    if let newest, newest > "telemetry-\(today).db" {
      return DoctorFinding(
        .warning, "clock", "it says \(today), and the store has \(newest): it was ahead, or is behind now",
        next: "set it: timedatectl set-ntp true")
    }
    if ClockStatus.isSynchronised == false {
      return DoctorFinding(
        .note, "clock", "\(today), not synchronised with a time server",
        next: "spans of several machines may stand in the wrong order; timedatectl set-ntp true")
    }
    return DoctorFinding(.ok, "clock", today)
  }

  private var directoryFindings: [DoctorFinding] {
    let path = subject.dataDirectory
    let directory = Directory(path: path)
    guard FileStamp(of: path) != nil else {
      return [
        DoctorFinding(
          .note, "data directory", "\(path) is not there yet, or not visible to this user",
          next: "otlpd makes it when it starts; the systemd service's is /var/lib/otlpd: try sudo, or --data-dir")
      ]
    }
    let holder = directory.holder.map { ProcessTable.process($0)?.description ?? "pid \($0)" }
    var findings: [DoctorFinding] = []
    if !directory.isWritable {
      findings.append(
        DoctorFinding(
          .warning, "data directory", "\(path) cannot be written by this user",
          next: "run otlpd as the user that owns it, or: chown -R USER \(path)"))
    } else {
      let user = holder.map { ", in use by \($0)" } ?? ""
      findings.append(DoctorFinding(.ok, "data directory", "\(path) can be written\(user)"))
    }
    guard let space = try? DiskDirectory(path: path).space() else { return findings }
    findings.append(Doctor.disk(free: space.free, total: space.total, least: subject.freeBytesMin))
    return findings
  }

  /// - Parameter least: what the journal leaves free; nil for its default.
  package static func disk(free: Int, total: Int, least: Int?) -> DoctorFinding {
    let least = least ?? min(512 << 20, total / 20)
    let text = "\(Quantity.bytes(free)) free of \(Quantity.bytes(total))"
    let step = "free space, or delete old telemetry-*.db files"
    if free <= least {
      let refusal = "\(text): otlpd refuses telemetry below \(Quantity.bytes(least))"
      return DoctorFinding(.problem, "disk", refusal, next: step)
    }
    if free / 5 * 4 <= least { return DoctorFinding(.warning, "disk", "\(text): nearly full", next: step) }
    return DoctorFinding(.ok, "disk", text)
  }

  // MARK: The doors

  private func examine(_ door: DoctorSubject.Door, _ sockets: SocketTable) -> [DoctorFinding] {
    if let path = door.path {
      return FileStamp(of: path) == nil
        ? [DoctorFinding(.problem, door.title, "there is no socket at \(path)", next: Doctor.startStep)]
        : [DoctorFinding(.ok, door.title, "there is a socket at \(path)")]
    }
    let place = "port \(door.port)"
    if door.port == 0 {
      let step = "the log's line \"listening\" names it; give it a fixed one"
      return [DoctorFinding(.note, place, "the kernel chooses the port of \(door.title)", next: step)]
    }
    guard let listener = sockets.listeners.first(where: { $0.port == door.port }) else {
      return [
        DoctorFinding(.problem, place, "nobody listens there; it is for \(door.title)", next: Doctor.startStep)
      ]
    }
    let owner = ProcessTable.owner(of: listener, preferring: "otlpd")
    let who = owner?.description ?? "somebody"
    // A gRPC listener that asks for credentials is not called: it would count a request without them.
    let isAsked = door.speech != .pages && !(door.speech == .grpc && door.needsCredentials)
    let answer =
      if !isAsked { recognise(owner) } else if door.speech == .grpc { greetGRPC(door) } else { greetHTTP(door) }
    switch answer {
    case .failure(let reason):
      let text = "\(who) listens there, and does not answer as \(door.title): \(reason)"
      let next =
        owner?.name == "otlpd"
        ? "look at its log: journalctl -u otlpd" : "stop that program, or give the receiver another endpoint"
      return [DoctorFinding(.problem, place, text, next: next)]
    case .success(let warnings):
      let verb = isAsked ? "answers as" : "listens for"
      return [DoctorFinding(.ok, place, "\(who) \(verb) \(door.title)")] + warnings
    }
  }

  private static let startStep = "start otlpd: systemctl start otlpd, or otlpd --config FILE; or look why it ended"

  private enum Greeting {
    case success([DoctorFinding])
    case failure(String)
  }

  /// Asks for `/readyz`, which needs no credentials.
  private func greetHTTP(_ door: DoctorSubject.Door) -> Greeting {
    do throws(HTTPClientError) {
      let response = try client(.http1).get(url: door.url + "/readyz", headers: [], timeout: Doctor.patience)
      let lines = response.body.text.split(separator: "\n").map { String($0).printable(scalarsMax: 400) }
      switch (response.status, lines.first) {
      case (200, "ready"):
        return .success(
          lines.dropFirst().map { line in
            DoctorFinding(
              .warning, "readiness", line.hasPrefix("warning: ") ? String(line.dropFirst(9)) : line,
              next: "the log has more: journalctl -u otlpd")
          })
      case (503, let line?) where line.hasPrefix("not ready"):
        return .success([DoctorFinding(.problem, "readiness", line, next: "wait, or look at the log")])
      default: return .failure("HTTP \(response.status) to /readyz")
      }
    } catch {
      return .failure(error.description.printable)
    }
  }

  /// Calls a method that otlpd does not have: whatever it says, in gRPC's words, says that it is there.
  private func greetGRPC(_ door: DoctorSubject.Door) -> Greeting {
    do throws(HTTPClientError) {
      let fields = [HTTPField("Content-Type", "application/grpc"), HTTPField("TE", "trailers")]
      // A message of no bytes in its frame.
      let response = try client(.http2).post(
        url: door.url + "/grpc.health.v1.Health/Check", headers: fields, body: Bytes([0, 0, 0, 0, 0]),
        timeout: Doctor.patience)
      let isGRPC = response.first("grpc-status") != nil
      return isGRPC ? .success([]) : .failure("HTTP \(response.status) without a gRPC status")
    } catch {
      return .failure(error.description.printable)
    }
  }

  /// Looks only at who listens; systemd does until otlpd has taken its sockets.
  private func recognise(_ owner: ProcessTable.Process?) -> Greeting {
    let isKnown = owner == nil || ["otlpd", "systemd"].contains(owner?.name)
    return isKnown ? .success([]) : .failure("it is another program")
  }

  /// The counters of the running otlpd; nil when no page of them can be read.
  private var metricsPage: String? {
    let doors =
      subject.doors.filter { $0.speech == .telemetry }
      + subject.doors.filter { $0.speech == .http && $0.path == nil && !$0.needsCredentials }
    for door in doors {
      let response = try? client(.http1).get(url: door.url + "/metrics", headers: [], timeout: Doctor.patience)
      if let response, response.status == 200 { return response.body.text }
    }
    return nil
  }

  private func client(_ version: HTTPVersion) throws(HTTPClientError) -> HTTPClient {
    var settings = HTTPClientSettings(userAgent: userAgent)
    settings.connectTimeout = Doctor.patience
    settings.version = version
    settings.proxy = .none
    settings.responseBytesMax = 16 << 20
    // Whether apps trust the certificate is theirs to find out; here only matters who answers.
    settings.tls.skipsVerification = true
    return try HTTPClient(settings: settings, interruption: Interruption())
  }
}
