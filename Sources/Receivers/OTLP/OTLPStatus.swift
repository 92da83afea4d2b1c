// The one place where an outcome becomes a protocol's status.

internal import HTTPServer
internal import Pipeline

/// How a request to an OTLP receiver ended, as OTLP's protocols can say it.
enum OTLPStatus: Sendable, CaseIterable {
  case ok
  case badData
  case unauthenticated
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
    case .unauthenticated: 401
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

  /// The google.rpc.Code of the body (OTLP/HTTP "Failures").
  var rpcCode: Int {
    switch self {
    case .ok: 0
    case .badData, .unsupportedMediaType, .headersTooLarge, .targetTooLong: 3  // INVALID_ARGUMENT
    case .timedOut: 4  // DEADLINE_EXCEEDED
    case .tooLarge: 8  // RESOURCE_EXHAUSTED
    case .notFound, .methodNotAllowed, .notImplemented: 12  // UNIMPLEMENTED
    case .internalError: 13  // INTERNAL
    case .unavailable: 14  // UNAVAILABLE
    case .unauthenticated: 16  // UNAUTHENTICATED
    }
  }

  /// OTLP/gRPC "Failures" and "Throttling".
  ///
  /// A full journal answers UNAVAILABLE; RESOURCE_EXHAUSTED would tell clients to drop the data, as it shall when a
  /// message is too large.
  var grpcStatus: GRPCStatus {
    switch self {
    case .ok: .ok
    case .badData, .headersTooLarge, .targetTooLong: .invalidArgument
    case .timedOut: .deadlineExceeded
    case .tooLarge: .resourceExhausted
    // gRPC, "Compression": a message in an encoding that is not supported.
    case .notFound, .methodNotAllowed, .unsupportedMediaType, .notImplemented: .unimplemented
    case .internalError: .internal
    case .unavailable: .unavailable
    case .unauthenticated: .unauthenticated
    }
  }

  /// Headers that the status comes with.
  ///
  /// OTLP/HTTP "Throttling". A short wait: exporters for Python give a batch up when Retry-After goes past their own
  /// deadline of 10 s.
  var headers: [HTTPHeader] { self == .unavailable ? [HTTPHeader("Retry-After", "1")] : [] }

  /// The status of a request that the pipeline refused.
  init(_ reason: RefusalReason) {
    switch reason {
    case .journalFull, .diskFull, .shuttingDown: self = .unavailable
    case .noPipeline: self = .notFound
    case .tooLarge: self = .tooLarge
    }
  }

  /// The status for an HTTP code that the server itself refused a request with.
  init(refusalCode: Int) {
    self = OTLPStatus.allCases.first { $0.httpStatus == refusalCode } ?? .badData
  }
}

extension RefusalReason {
  /// What the client's developer reads.
  var message: String {
    switch self {
    case .journalFull: "the journal is full because a sink lags: send the same request again later"
    case .diskFull: "the disk is full: send the same request again later"
    case .shuttingDown: "otlpd is stopping: send the same request again"
    case .noPipeline: "no pipeline takes this signal from this receiver"
    case .tooLarge: "the request is larger than the whole journal: send smaller batches"
    }
  }
}
