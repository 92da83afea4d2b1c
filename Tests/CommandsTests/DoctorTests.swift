// What the doctor sees of a machine: its disk, its clock, and systemd's files.

import Commands
import Foundation
import Testing

@Suite("What the doctor sees of a machine")
struct DoctorTests {
  private func withDirectory(_ body: (URL) throws -> Void) throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "otlpd-doctor-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    try body(directory)
  }

  private func write(_ text: String, _ file: URL) throws {
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try text.write(to: file, atomically: true, encoding: .utf8)
  }

  private func findings(_ directory: URL, root: String = "/nowhere") -> [DoctorFinding] {
    let subject = DoctorSubject(doors: [], dataDirectory: directory.path(), storeDirectory: nil, freeBytesMin: 0)
    return Doctor(subject, userAgent: "tests", root: root).examine()
  }

  @Test("A disk is fine, nearly full, or full")
  func disk() {
    #expect(Doctor.disk(free: 10 << 30, total: 40 << 30, least: nil).level == .ok)
    #expect(Doctor.disk(free: 600 << 20, total: 40 << 30, least: nil).level == .warning)
    let full = Doctor.disk(free: 1 << 20, total: 40 << 30, least: 64 << 20)
    #expect(full.level == .problem && full.text.contains("below 64.0 MiB") && full.next != nil)
  }

  @Test("A store from the future says that the clock is wrong")
  func clock() throws {
    try withDirectory { directory in
      #expect(findings(directory).first { $0.place == "clock" }?.isBad == false)
      try write("", directory.appending(path: "telemetry-2999-01-01.db"))
      let clock = try #require(findings(directory).first { $0.place == "clock" })
      #expect(clock.level == .warning && clock.text.contains("telemetry-2999-01-01.db"))
    }
  }

  @Test("A port that the kernel chooses cannot be examined, and is no fault")
  func chosenPort() {
    let door = DoctorSubject.Door(id: "otlp", speech: .http, host: "localhost", port: 0)
    let subject = DoctorSubject(doors: [door], dataDirectory: "/tmp", storeDirectory: nil, freeBytesMin: 0)
    let found = Doctor(subject, userAgent: "tests", root: "/nowhere").examine().first { $0.place == "port 0" }
    #expect(found?.level == .note && found?.text.contains("otlp (OTLP/HTTP)") == true)
  }

  @Test("A unit that is installed and does not run is a warning; without systemd nothing is said")
  func systemd() throws {
    try withDirectory { root in
      func finding() -> DoctorFinding? {
        findings(root, root: String(root.path().dropLast(root.path().hasSuffix("/") ? 1 : 0))).first {
          $0.place == "systemd"
        }
      }
      #expect(finding() == nil)
      try write("", root.appending(path: "run/systemd/system/x"))
      #expect(finding() == nil)
      try write("[Unit]", root.appending(path: "usr/lib/systemd/system/otlpd.service"))
      #expect(finding()?.level == .warning)
      for hierarchy in ["", "/unified"] {
        let group = root.appending(path: "sys/fs/cgroup\(hierarchy)/system.slice/otlpd.service/cgroup.procs")
        try write("4711\n", group)
        #expect(finding()?.level == .ok)
        try write("", group)
        #expect(finding()?.level == .warning)
      }
      #expect(SystemdUnit(root: root.path()).service == nil)
      try write("receivers:", root.appending(path: "etc/otlpd/otlpd.yaml"))
      #expect(SystemdUnit(root: root.path()).service?.config.hasSuffix("/etc/otlpd/otlpd.yaml") == true)
    }
  }
}
