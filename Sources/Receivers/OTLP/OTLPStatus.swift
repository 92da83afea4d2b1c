// The one place where an outcome becomes a protocol's status.

internal import Pipeline

/// How a request to an OTLP receiver ended, as OTLP's protocols can say it.
enum OTLPStatus: Sendable, CaseIterable {
  case ok
  case badData
  case notFound
  case methodNotAllowed
  case timedOut
  case tooLarge
  case unsupportedMediaType
  case headersTooLarge
  case targetTooLong
  case notImplemented
  case unavailable
  case internalError

  /// OTLP/HTTP "Failures" and "Retryable Response Codes", RFC 9110 and RFC 6585.
  ///
  /// A full journal answers 503 and never 429: OTLP exporters for Python up to 2026 drop the data on 429.
  var httpStatus: Int {
    switch self {
    case .ok: 200
    case .badData: 400
    case .notFound: 404
    case .methodNotAllowed: 405
    case .timedOut: 408
    case .tooLarge: 413
    case .targetTooLong: 414
    case .unsupportedMediaType: 415
    case .headersTooLarge: 431
    case .notImplemented: 501
    case .unavailable: 503
    case .internalError: 500
    }
  }

  /// The google.rpc.Code of the body (OTLP/HTTP "Failures"), which is OTLP/gRPC's status as well.
  var rpcCode: Int {
    switch self {
    case .ok: 0
    case .badData, .unsupportedMediaType, .headersTooLarge, .targetTooLong: 3  // INVALID_ARGUMENT
    case .timedOut: 4  // DEADLINE_EXCEEDED
    case .tooLarge: 8  // RESOURCE_EXHAUSTED
    case .notFound, .methodNotAllowed, .notImplemented: 12  // UNIMPLEMENTED
    case .internalError: 13  // INTERNAL
    case .unavailable: 14  // UNAVAILABLE
    }
  }

  /// The status for an HTTP code that the server itself refused a request with.
  init(refusalCode: Int) {
    self = OTLPStatus.allCases.first { $0.httpStatus == refusalCode } ?? .badData
  }
}
