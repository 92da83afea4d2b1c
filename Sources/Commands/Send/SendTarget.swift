// Where `otlpd send` sends, and how: its options, and else what an SDK would read from the environment.

internal import Admin
internal import Compression
internal import Config
internal import HTTPClient
package import OTLP
package import Sinks

/// The protocols of OTEL_EXPORTER_OTLP_PROTOCOL.
package enum SendProtocol: String, Sendable, CaseIterable {
  case protobuf = "http/protobuf"
  case json = "http/json"
  case grpc
}

/// What the command line says; nil leaves it to the environment, as the OTLP exporter specification has it.
package struct SendOptions: Sendable {
  package var language: SendProtocol?
  /// Of all signals, without a path of theirs.
  package var endpoint: String?
  /// `NAME=VALUE`, added to those of the environment.
  package var headers: [String] = []
  /// A PEM file with the authorities to trust.
  package var certificate: String?
  package var isCompressed: Bool?
  package var timeout: Duration?

  package init() {}
}

/// How one signal is sent.
package struct SendTarget: Sendable {
  package let language: SendProtocol
  /// For people, without a password.
  package let url: String
  package let settings: OTLPClientSettings
  package let transport: any OTLPTransport

  package init(
    _ signal: Signal, _ options: SendOptions, environment: [String: String], userAgent: String
  ) throws(CommandFailure) {
    let variables = ExporterVariables(environment: environment, signal: signal)
    let (named, patience) = (try variables.language, try variables.timeout)
    let language = options.language ?? named ?? .protobuf
    self.language = language
    var client = HTTPClientSettings(userAgent: userAgent)
    client.tls.caFile = options.certificate ?? variables["CERTIFICATE"]
    client.tls.certificateFile = variables["CLIENT_CERTIFICATE"]
    client.tls.keyFile = variables["CLIENT_KEY"]
    let endpoint = try SendTarget.endpoint(signal, options.endpoint, variables, language)
    if language == .grpc { client.version = endpoint.hasPrefix("https://") ? .negotiated : .http2 }
    var settings = OTLPClientSettings(client: client)
    let isCompressed = options.isCompressed ?? (variables["COMPRESSION"] == "gzip")
    settings.compression = isCompressed ? BodyPacking(.gzip) : nil
    settings.timeout = options.timeout ?? patience ?? .seconds(10)
    let texts = (variables["HEADERS"] ?? "").split(separator: ",").map { String($0) }
    settings.headers = try SendTarget.fields(texts, areEncoded: true)
    settings.headers += try SendTarget.fields(options.headers, areEncoded: false)
    self.settings = settings
    transport =
      language == .grpc
      ? OTLPGRPCTransport(base: endpoint, settings: settings)
      : OTLPHTTPTransport(
        urls: [signal: endpoint], encoding: language == .json ? .json : .protobuf, settings: settings)
    url = SignalURL.redacted(endpoint)
  }

  /// Of HTTP the complete URL, of gRPC scheme, host and port.
  private static func endpoint(
    _ signal: Signal, _ option: String?, _ variables: ExporterVariables, _ language: SendProtocol
  ) throws(CommandFailure) -> String {
    let fallback = language == .grpc ? "http://localhost:4317" : "http://localhost:4318"
    if language == .grpc {
      let text = option ?? variables["ENDPOINT"] ?? fallback
      guard let endpoint = GRPCEndpoint(text) else {
        throw CommandFailure("endpoint: expected host:port or http://host:port for gRPC, found \(text)")
      }
      // OTLP exporter "Endpoint URLs for OTLP/gRPC": the scheme decides; without one, plain text, as for localhost.
      return (endpoint.isSecure == true ? "https://" : "http://") + endpoint.address.description
    }
    // A signal's own endpoint is used as it is.
    let own = option == nil ? variables.own("ENDPOINT") : nil
    let url = own ?? SignalURL.composed(base: option ?? variables["ENDPOINT"] ?? fallback, signal: signal)
    if let problem = SignalURL.problem(with: url) {
      throw CommandFailure("endpoint: \(SignalURL.redacted(url)) \(problem)")
    }
    return url
  }

  /// - Parameter areEncoded: whether values are percent-encoded, as those of OTEL_EXPORTER_OTLP_HEADERS are.
  private static func fields(_ texts: [String], areEncoded: Bool) throws(CommandFailure) -> [HTTPField] {
    var fields: [HTTPField] = []
    for text in texts {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { trimmed($0) }
      let value = parts.count == 2 ? areEncoded ? decoded(parts[1]) : parts[1] : ""
      let field = HTTPField(parts[0], value)
      guard parts.count == 2, field.isValid else {
        throw CommandFailure("headers: expected NAME=VALUE, found \(parts[0])")
      }
      fields.append(field)
    }
    return fields
  }

  private static func trimmed(_ text: Substring) -> String {
    String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }

  /// Undoes percent-encoding; a plus is a plus here.
  private static func decoded(_ text: String) -> String {
    QueryParameters.decoded(text.split(separator: "+", omittingEmptySubsequences: false).joined(separator: "%2B")[...])
  }
}

/// OTEL_EXPORTER_OTLP_*: a signal's own variable wins over the common one, and an empty one is none.
struct ExporterVariables {
  let environment: [String: String]
  let signal: Signal

  subscript(name: String) -> String? { own(name) ?? variable("OTEL_EXPORTER_OTLP_\(name)") }

  func own(_ name: String) -> String? { variable("OTEL_EXPORTER_OTLP_\(signal.name.uppercased())_\(name)") }

  private func variable(_ name: String) -> String? {
    environment[name].flatMap { $0.isEmpty ? nil : $0 }
  }

  var language: SendProtocol? {
    get throws(CommandFailure) {
      guard let text = self["PROTOCOL"] else { return nil }
      if let language = SendProtocol(rawValue: text) { return language }
      throw CommandFailure("OTEL_EXPORTER_OTLP_PROTOCOL: expected grpc, http/protobuf or http/json, found \(text)")
    }
  }

  /// Milliseconds in the environment.
  var timeout: Duration? {
    get throws(CommandFailure) {
      guard let text = self["TIMEOUT"] else { return nil }
      if let milliseconds = Int(text), milliseconds > 0 { return .milliseconds(milliseconds) }
      throw CommandFailure("OTEL_EXPORTER_OTLP_TIMEOUT: expected milliseconds, found \(text)")
    }
  }
}
