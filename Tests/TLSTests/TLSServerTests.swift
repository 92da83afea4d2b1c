// Certificates: what can be used, what is said about what cannot, and how a change is found.

import System
import TLS
import Testing

@Suite("TLSServer")
struct TLSServerTests {
  @Test("A certificate and its key are taken as text and from files")
  func usable() throws {
    let text = TLSSettings(certificate: .text(Certificates.first.certificate), key: .text(Certificates.first.key))
    _ = try TLSServer(text, clock: ManualClock()) { _ in }
    let files = CertificateFiles()
    try files.write(Certificates.first)
    var settings = files.settings
    settings.clientAuthorities = .file(files.certificate)
    settings.cipherSuites = ["ECDHE-ECDSA-AES128-GCM-SHA256"]
    settings.groups = ["X25519", "P-256"]
    settings.protocols = ["h2", "http/1.1"]
    _ = try TLSServer(settings, clock: ManualClock()) { _ in }
  }

  @Test("What cannot be used is named, with what was expected")
  func unusable() throws {
    let files = CertificateFiles()
    func problem(_ certificate: TLSSettings.Source, _ key: TLSSettings.Source) -> String {
      do throws(TLSError) {
        _ = try TLSServer(TLSSettings(certificate: certificate, key: key), clock: ManualClock()) { _ in }
        return ""
      } catch {
        return error.description
      }
    }
    let (good, other) = (Certificates.first, Certificates.second)
    #expect(
      problem(.file("/nowhere/tls.crt"), .text(good.key))
        == "cannot use the certificate /nowhere/tls.crt: no such file or directory")
    #expect(
      problem(.text("nonsense"), .text(good.key))
        == "cannot use the certificate in the configuration: expected certificates in PEM form, found none")
    #expect(
      problem(.text(good.certificate), .text("nonsense")).hasPrefix(
        "cannot use the key in the configuration: expected a private key in PEM form without a passphrase ("))
    #expect(
      problem(.text(good.certificate), .text(other.key)).hasPrefix(
        "the certificate in the configuration and the key in the configuration do not belong together ("))
    withExtendedLifetime(files) {}
  }

  @Test("Changed files are found when a client connects, at most once per interval; a bad change is told once")
  func reload() throws {
    let files = CertificateFiles()
    try files.write(Certificates.first)
    let clock = ManualClock()
    let reports = Lock<[Bool]>([])
    let server = try TLSServer(files.settings, clock: clock) { result in
      let isSuccess = if case .success = result { true } else { false }
      reports.withLock { $0.append(isSuccess) }
    }
    let socket = try Socket.listening(on: #require(SocketAddress(literal: "127.0.0.1", port: 0)))
    func connect(after time: Duration) -> [Bool] {
      clock.advance(by: time)
      #expect(server.session(on: socket.number) != nil)
      return reports.withLock { $0 }
    }
    #expect(connect(after: .seconds(3)) == [])
    try files.write(Certificates.second)
    #expect(connect(after: .seconds(1)) == [])
    #expect(connect(after: .seconds(1)) == [true])
    try files.write((certificate: "broken", key: Certificates.second.key))
    #expect(connect(after: .seconds(2)) == [true, false])
    #expect(connect(after: .seconds(2)) == [true, false])
    try files.write(Certificates.first)
    #expect(connect(after: .seconds(2)) == [true, false, true])
    server.reload(evenIfUnchanged: true)
    #expect(connect(after: .zero) == [true, false, true, true])
    withExtendedLifetime(files) {}
  }
}
