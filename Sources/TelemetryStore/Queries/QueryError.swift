// Why a question was not answered, and what an answer leaves out.

/// A question that has no answer.
package enum QueryError: Error, Sendable, Equatable, CustomStringConvertible {
  /// It took longer than it may.
  case overdue
  /// The question itself is wrong: what, and what is expected.
  case invalid(String)
  /// The store's directory cannot be read.
  case unreadable(String)

  package var description: String {
    switch self {
    case .overdue: "the query took too long and was stopped. Ask for a shorter time range, or name a service."
    case .invalid(let problem): problem
    case .unreadable(let problem): "\(problem). Name the directory of the sqlite sink."
    }
  }
}

/// A day file that an answer leaves out.
package struct SkippedFile: Sendable, Equatable {
  package let name: String
  package let reason: String
}

/// What was found, and which files could not be asked.
package struct Answer<Value: Sendable>: Sendable {
  package let value: Value
  package let skipped: [SkippedFile]
}
