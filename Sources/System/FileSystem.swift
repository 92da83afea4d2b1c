// The files of one directory as a log needs them: a protocol, so that tests can lose power at every call.

/// One directory and its files, by name. Safe from any thread.
///
/// Nothing is durable before it is synced: a file's content by `File.sync`, its name by `syncDirectory`.
package protocol FileSystem: Sendable {
  /// The names of all files, in any order.
  func list() throws(SystemError) -> [String]
  /// Makes a new file for its owner only; a file of that name is an error (EEXIST).
  func create(_ name: String) throws(SystemError) -> any File
  /// Opens a file for reading and writing.
  func open(_ name: String) throws(SystemError) -> any File
  /// Gives a file another name at once, in place of the file that had it.
  func rename(_ name: String, to newName: String) throws(SystemError)
  /// Removes a file's name; who has it open goes on reading. One that is not there is no error.
  func remove(_ name: String) throws(SystemError)
  /// Makes names durable: those created, renamed and removed so far.
  func syncDirectory() throws(SystemError)
  /// Room on the device.
  func space() throws(SystemError) -> FileSystemSpace
  /// Whether the directory's path still leads to it: it may have been moved, removed or replaced.
  var isInPlace: Bool { get }
}

/// An open file, closed when the last reference goes.
package protocol File: AnyObject, Sendable {
  /// The size in bytes.
  func size() throws(SystemError) -> Int
  /// Writes all of `bytes`. When it throws, any part of them may have been written.
  func write(_ bytes: Span<UInt8>, at offset: Int) throws(SystemError)
  /// Fills `output`, or reads to the end of the file, whatever comes first.
  func read(at offset: Int, into output: inout OutputRawSpan) throws(SystemError)
  /// Makes the content durable, with what is needed to read it back (fdatasync). Never call it again once it threw.
  func sync() throws(SystemError)
  /// Cuts the file, and gives back what was reserved behind its end.
  func truncate(to size: Int) throws(SystemError)
  /// Reserves blocks up to `size` without changing the file's size. Not every file system can, which is no error.
  func reserve(upTo size: Int) throws(SystemError)
}

/// How much room a file system has, in bytes.
package struct FileSystemSpace: Sendable, Equatable {
  package let total: Int
  /// For a process without privileges.
  package let free: Int

  package init(total: Int, free: Int) {
    self.total = total
    self.free = free
  }
}

extension SystemError {
  /// Whether there is no file of that name (ENOENT).
  package var isMissing: Bool { code == ErrorNumber.missing }

  /// Whether there is no room now, and later there may be (ENOSPC, EDQUOT, EFBIG).
  package var isOutOfSpace: Bool {
    code == ErrorNumber.device || code == ErrorNumber.quota || code == ErrorNumber.limit
  }
}

extension SystemError {
  /// There is no room, found out otherwise than by a call that failed.
  package static func noSpace(_ doing: String) -> SystemError { SystemError(code: ErrorNumber.device, doing: doing) }

  /// A file or directory is not there any more, found out otherwise than by a call that failed.
  package static func gone(_ doing: String) -> SystemError { SystemError(code: ErrorNumber.missing, doing: doing) }
}
