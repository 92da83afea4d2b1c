// What `otlpd doctor` examines, and what it finds.

/// The parts of a configuration that can be looked at from outside.
package struct DoctorSubject: Sendable {
  /// A listener.
  package struct Door: Sendable, Equatable {
    package enum Speech: Sendable {
      case http, grpc
      /// `/metrics`, `/readyz` and the query API.
      case telemetry
      /// An extension's own pages.
      case pages
    }

    /// The receiver or extension, or `telemetry`.
    package let id: String
    package let speech: Speech
    /// Empty for all interfaces.
    package let host: String
    package let port: UInt16
    package var isSecure = false
    package var needsCredentials = false
    /// Of a Unix socket, which has neither host nor port.
    package var path: String?

    package init(id: String, speech: Speech, host: String, port: UInt16) {
      self.id = id
      self.speech = speech
      self.host = host
      self.port = port
    }

    /// How this machine reaches it: an address of all interfaces is no destination.
    var url: String {
      let host = ["", "0.0.0.0", "::"].contains(host) ? "localhost" : host.contains(":") ? "[\(host)]" : host
      return (isSecure ? "https://" : "http://") + "\(host):\(port)"
    }

    /// What people call it.
    var title: String {
      switch speech {
      case .http: "\(id) (OTLP/HTTP)"
      case .grpc: "\(id) (OTLP/gRPC)"
      case .telemetry: "telemetry"
      case .pages: "\(id) (extension)"
      }
    }
  }

  package let doors: [Door]
  package let dataDirectory: String
  /// Where the sqlite exporter keeps its files; nil without one.
  package let storeDirectory: String?
  /// What the journal leaves free on the disk; nil for its default.
  package let freeBytesMin: Int?

  package init(doors: [Door], dataDirectory: String, storeDirectory: String?, freeBytesMin: Int?) {
    self.doors = doors
    self.dataDirectory = dataDirectory
    self.storeDirectory = storeDirectory
    self.freeBytesMin = freeBytesMin
  }
}

/// One line of the doctor's report.
package struct DoctorFinding: Sendable, Equatable {
  package enum Level: String, Sendable {
    case ok
    /// Worth knowing, and nothing is wrong.
    case note
    /// Something is wrong, and telemetry may get through.
    case warning
    /// Telemetry does not get through.
    case problem
  }

  package let level: Level
  /// What was looked at.
  package let place: String
  package let text: String
  /// What to do.
  package let next: String?

  package init(_ level: Level, _ place: String, _ text: String, next: String? = nil) {
    self.level = level
    self.place = place
    self.text = text
    self.next = next
  }

  /// Whether somebody has to do something.
  package var isBad: Bool { level == .warning || level == .problem }
}
