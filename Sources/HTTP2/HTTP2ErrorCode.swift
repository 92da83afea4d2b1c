// Why a stream or a connection ends.

/// The error codes of RFC 9113 section 7 that otlpd sends.
package enum HTTP2ErrorCode: UInt32, Sendable {
  case noError = 0x0
  case protocolError = 0x1
  case internalError = 0x2
  case cancel = 0x8
  case enhanceYourCalm = 0xb
}

/// Why a session was ended before its time: the peer costs more than it brings.
package enum HTTP2Offence: String, Sendable, CaseIterable {
  /// Too many frames that carry no telemetry.
  case controlFlood = "control_flood"
  /// Streams opened and reset, again and again.
  case rapidReset = "rapid_reset"
  /// A header block that does not end.
  case headerFlood = "header_flood"
  /// Bytes that are not HTTP/2, or frames where they may not be.
  case protocolError = "protocol_error"

  package var code: HTTP2ErrorCode {
    switch self {
    case .controlFlood, .rapidReset, .headerFlood: .enhanceYourCalm
    case .protocolError: .protocolError
    }
  }
}
