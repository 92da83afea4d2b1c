// The command line of `otlpd send`.

internal import ArgumentParser
internal import Commands
internal import Config
internal import OTLP
internal import System

extension SendProtocol: ExpressibleByArgument {}

extension OtlpdCommand {
  struct Send: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Send made-up telemetry, for smoke and load tests.",
      discussion: """
        Without options, one span goes to http://localhost:4318. What an option leaves open, the variables \
        OTEL_EXPORTER_OTLP_* and OTEL_SERVICE_NAME say, as for an SDK. Status 0: everything was accepted; 1: it was not.
        """)

    @Argument(help: "traces, metrics, logs, or several of them. Default: traces.") var signals: [String] = []
    @Option(name: [.short, .long], help: "Items (spans, data points, log records) of each signal. Default: 1.")
    var count: Int?
    @Option(name: [.short, .long], help: "How long to send: 10s, 5m.") var duration: String?
    @Option(name: [.short, .long], help: "Items per second of all signals together. Default: as many as are taken.")
    var rate: Double?
    @Option(name: .long, help: "Items in one request. Default: 100, or a tenth of --rate when that is less.")
    var batch: Int?
    @Option(name: .long, help: "Connections that send at once.") var connections = 1
    @Option(name: .long, help: "How to send. Default: http/protobuf.")
    var `protocol`: SendProtocol?
    @Option(name: .long, help: "Where to: http://host:4318, or of gRPC host:4317. https:// for TLS.")
    var endpoint: String?
    @Option(name: .long, help: "NAME=VALUE: a header of each request. May be repeated.") var header: [String] = []
    @Option(name: .long, help: "A PEM file with the authorities to trust.") var certificate: String?
    @Flag(name: .long, help: "Compress bodies.") var gzip = false
    @Option(name: .long, help: "How long to wait for an answer. Default: 10s.") var timeout: String?
    @Option(name: .long, help: "The service that the telemetry is of. Default: otlpd-send.") var service: String?

    func run() throws {
      let environment = ProcessStatistics.environment
      var targets: [(signal: Signal, target: SendTarget)] = []
      do {
        for signal in try chosenSignals() {
          let target = try SendTarget(
            signal, try options(), environment: environment, userAgent: "otlpd-send/\(Version.current)")
          targets.append((signal, target))
        }
      } catch let failure as CommandFailure {
        throw ValidationError("\(failure)")
      }
      // A peer that closes a connection must not end the process.
      UnixSignals.take()
      UnixSignals.release()
      let named = service ?? environment["OTEL_SERVICE_NAME"].flatMap { $0.isEmpty ? nil : $0 }
      let sender = LoadSender(targets, try amount(), service: named ?? "otlpd-send")
      let (tallies, took) = try sender.run()
      for (index, (signal, target)) in targets.enumerated() {
        StandardStream.output.write(SendReport.text(signal, target, tallies[index], took: took))
      }
      if !tallies.allSatisfy(\.isComplete) { throw ExitCode.failure }
    }

    private func chosenSignals() throws -> [Signal] {
      let names = signals.isEmpty ? ["traces"] : signals
      return try names.map { name in
        guard let signal = Signal.allCases.first(where: { $0.name == name }) else {
          throw ValidationError("expected traces, metrics or logs, found \(name)")
        }
        return signal
      }
    }

    private func options() throws -> SendOptions {
      var options = SendOptions()
      options.language = `protocol`
      options.endpoint = endpoint
      options.headers = header
      options.certificate = certificate
      options.isCompressed = gzip ? true : nil
      options.timeout = try span(timeout, "--timeout")
      return options
    }

    private func amount() throws -> SendAmount {
      let duration = try span(duration, "--duration")
      for (name, value) in [("--count", count), ("--batch", batch), ("--connections", connections)] {
        if let value, value < 1 { throw ValidationError("\(name): expected a number above 0, found \(value)") }
      }
      if let rate, !(rate > 0 && rate < 1e9) {
        throw ValidationError("--rate: expected a number above 0, found \(rate)")
      }
      return SendAmount(
        count: count ?? (duration == nil ? 1 : nil), duration: duration, rate: rate,
        batch: batch ?? rate.map { max(1, min(100, Int($0 / 10))) } ?? 100, connections: min(connections, 256))
    }

    private func span(_ text: String?, _ name: String) throws -> Duration? {
      guard let text else { return nil }
      guard let duration = Duration(goSyntax: text), duration > .zero else {
        throw ValidationError("\(name): expected a duration such as 10s, found \(text)")
      }
      return duration
    }
  }
}
