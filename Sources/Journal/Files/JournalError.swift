// Why a journal directory could not be opened.

package import System

/// What keeps a daemon from starting. Damage never does: it is counted and kept aside.
package enum JournalError: Error, CustomStringConvertible, Sendable {
  /// Another process has the directory; its id, when it could be read.
  case inUse(directory: String, processID: Int?)
  /// Written by another version of otlpd, in a way that this one cannot read. Nothing was changed.
  case incompatible(file: String, version: UInt16, features: UInt32)
  /// The file system refused.
  case failed(SystemError)

  package var description: String {
    switch self {
    case .inUse(let directory, let processID):
      let owner = processID.map { "process \($0)" } ?? "another process"
      return "the journal in \(directory) is in use by \(owner). Stop it, or give this one another data directory."
    case .incompatible(let file, let version, let features):
      return """
        cannot read \(file): it has format version \(version) with features 0x\(String(features, radix: 16)), and this \
        otlpd reads version \(JournalFormat.version). Start the otlpd that wrote it, and let it drain the journal.
        """
    case .failed(let error):
      let hint = error.isPermissionDenied ? ". Give the user that otlpd runs as the right to write there." : ""
      return "journal: \(error)\(hint)"
    }
  }
}
