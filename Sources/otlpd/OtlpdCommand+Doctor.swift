// The command line of `otlpd doctor`.

internal import ArgumentParser
internal import Commands
internal import Config
internal import HTTPServer
internal import Journal
internal import System

extension OtlpdCommand {
  struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Say why no telemetry arrives, and what to set in the app's environment.",
      discussion: """
        Looks at the configuration, the clock, the data directory and its disk, systemd, the ports and who holds them, \
        and the counters of the running otlpd. Without --config, the installed service's file is \
        read, else the embedded default. Status 0: all is well; 1: something is not.
        """)

    @OptionGroup var options: Options

    func run() throws {
      let environment = ProcessStatistics.environment
      let style = TextStyle(
        isTerminal: ProcessStatistics.isTerminal(StandardStream.output.rawValue), environment: environment)
      // Without a word, the service that is installed is meant.
      var sources = try options.sources()
      let service = sources.allSatisfy(\.isSetting) ? SystemdUnit().service : nil
      if let config = service?.config { sources.insert(.file(config), at: 0) }
      let name = Setup.name(of: sources)
      let setup: Setup
      do throws(UnusableConfig) {
        setup = try Setup(
          sources: sources, dataDirectory: options.dataDir ?? service?.dataDirectory, environment: environment)
      } catch {
        error.explain()
        let finding = DoctorFinding(
          .problem, "configuration", "\(name) cannot be used: see above", next: "mend it; otlpd validate checks it")
        StandardStream.output.write(DoctorReport.text([finding], exports: "", style))
        throw ExitCode.failure
      }
      let doctor = Commands.Doctor(
        DoctorSubject(setup.plan, setup.dataDirectory), userAgent: "otlpd/\(Version.current)")
      var findings = setup.findings.map { finding in
        DoctorFinding(.note, "configuration", finding)
      }
      findings.append(DoctorFinding(.ok, "configuration", "\(name) is valid"))
      findings += doctor.examine()
      StandardStream.output.write(DoctorReport.text(findings, exports: doctor.exports, style))
      if findings.contains(where: \.isBad) { throw ExitCode.failure }
    }
  }
}

extension DoctorSubject {
  init(_ plan: DaemonPlan, _ dataDirectory: String) {
    var doors = plan.receivers.map { receiver in
      var door = Door(id: receiver.id, speech: .http, host: receiver.address.host, port: receiver.address.port)
      door.path = receiver.address.path
      door.isSecure = receiver.tls != nil
      door.needsCredentials = receiver.authenticator != nil
      return door
    }
    doors += plan.grpcReceivers.map { receiver in
      var door = Door(id: receiver.id, speech: .grpc, host: receiver.address.host, port: receiver.address.port)
      door.path = receiver.address.path
      door.isSecure = receiver.tls != nil
      door.needsCredentials = receiver.authenticator != nil
      return door
    }
    doors += plan.telemetry.map { telemetry in
      Door(id: "telemetry", speech: .telemetry, host: telemetry.address.host, port: telemetry.address.port)
    }
    doors += plan.pages.map { page in
      Door(id: page.id, speech: .pages, host: page.address.host, port: page.address.port)
    }
    self.init(
      doors: doors, dataDirectory: dataDirectory, storeDirectory: plan.storeDirectory,
      freeBytesMin: plan.journal.freeBytesMin)
  }
}
