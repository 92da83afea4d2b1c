// What a failed write to the journal's files means.

internal import System

/// Whether the journal goes on after a failure.
enum LogFailure: Error {
  /// There is no room now, or no descriptor: what was to be written is not there, and may be written later.
  case outOfSpace(SystemError)
  /// Nobody knows what is on the disk: nothing more may be written by this process.
  case fatal(SystemError)

  init(_ error: SystemError) {
    self = error.isOutOfSpace || error.isDescriptorShortage ? .outOfSpace(error) : .fatal(error)
  }
}

extension LogFailure {
  var error: SystemError {
    switch self {
    case .outOfSpace(let error), .fatal(let error): error
    }
  }
}
