// Why the store could not do what it was asked, and what the caller may do about it.

internal import SQLite
internal import System

/// A failure of the store. Nothing of the batch is stored, unless a later `write` of the same batch finds it stored.
package struct StoreError: Error, Sendable, CustomStringConvertible {
  package enum Kind: String, Sendable {
    /// Another process holds the file's lock.
    case busy
    /// The disk is full or failing.
    case disk
    /// A path is missing or a right is.
    case access
    /// Another store writes to the directory.
    case inUse = "in_use"
    /// A file was written by a newer otlpd.
    case newerSchema = "newer_schema"
    /// A file is damaged and could not be set aside.
    case corrupt
    /// The batch itself cannot be stored.
    case batch
  }

  package let kind: Kind
  /// What, where, what was found, and the next step.
  package let description: String

  package init(kind: Kind, description: String) {
    self.kind = kind
    self.description = description
  }

  /// Whether the same batch may be stored later.
  package var isRetryable: Bool { kind != .batch }

  /// A failed file operation.
  init(_ error: SystemError) {
    kind = error.isOutOfSpace ? .disk : .access
    let step = kind == .disk ? "Free space on the disk" : "Give the service user write access to the directory"
    description = "\(error). \(step)."
  }

  /// A failure of SQLite on the file at `path`.
  init(_ error: SQLiteError, path: String) {
    let reason = error.systemCode == 0 ? error.message : SystemError(code: error.systemCode, doing: "").reason
    switch error.cause {
    case .busy:
      kind = .busy
      description = "cannot write \(path): \(error.message). Another process holds its lock; the batch is tried again."
    case .full:
      kind = .disk
      description = "cannot write \(path): \(error.message). Free space on the disk; the batch is tried again."
    case .disk:
      kind = .disk
      description = "cannot write \(path): \(reason). Check the disk; the batch is tried again."
    case .access:
      kind = .access
      description = "cannot open \(path): \(reason). Give the service user write access to the directory."
    case .corrupt:
      kind = .corrupt
      description = "cannot use \(path): \(error.message). Move the file out of the directory."
    case .statement:
      kind = .batch
      description = "cannot store a batch in \(path): \(error)"
    }
  }
}
