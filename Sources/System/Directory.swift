// A directory whose files a component owns: made, listed, renamed and removed by name.

internal import Glibc

/// Tells two files of one name apart, as after a deletion or a replacement.
package struct FileIdentity: Hashable, Sendable {
  let device: UInt64
  let inode: UInt64

  /// Of no file at all.
  package static let none = FileIdentity(device: 0, inode: 0)
}

/// A directory held by one owner; free again when this goes, also when the process is killed.
package final class DirectoryLock: Sendable {
  private let descriptor: Int32

  init(descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }
}

/// A directory by its path; every call goes to the file system. Safe from any thread.
package struct Directory: Sendable {
  package let path: String

  package init(path: String) { self.path = path }

  package func path(of name: String) -> String { path.hasSuffix("/") ? path + name : path + "/" + name }

  /// Makes the directory, and those above it that are missing. An existing one stays as it is.
  ///
  /// - Parameter permissions: of those that are made; without it, for their owner only.
  package func create(permissions: UInt32 = 0o700) throws(SystemError) {
    // Safe, here and below: the texts are NUL-terminated for the call.
    if unsafe mkdir(path, permissions) == 0 { return }
    if errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex {
      try Directory(path: String(path[..<slash])).create(permissions: permissions)
      if unsafe mkdir(path, permissions) == 0 { return }
    }
    let failure = SystemError.last("cannot create the directory \(path)")
    if failure.code == EEXIST, isDirectory { return }
    throw failure.code == EEXIST ? SystemError(code: ENOTDIR, doing: failure.doing) : failure
  }

  /// The names of the entries, sorted, without `.` and `..`.
  package func entries() throws(SystemError) -> [String] {
    guard let stream = unsafe opendir(path) else { throw SystemError.last("cannot list the directory \(path)") }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
      // Safe: the kernel ends the name with NUL inside the entry, which is valid until the next call.
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Which file the name stands for now; nil when there is none.
  package func identity(of name: String) -> FileIdentity? {
    var status = stat()
    guard unsafe lstat(path(of: name), &status) == 0 else { return nil }
    return FileIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
  }

  /// The size in bytes; 0 when there is no such file.
  package func size(of name: String) -> Int {
    var status = stat()
    return unsafe lstat(path(of: name), &status) == 0 ? Int(status.st_size) : 0
  }

  /// Opens a file for reading and writing; makes an empty one, for its owner only, when there is none of that name.
  ///
  /// Of a database, keep the descriptor as long as SQLite has it open: closing any descriptor of a file gives up
  /// all locks that the process has on it (fcntl(2), "Record locking").
  package func openFile(_ name: String) throws(SystemError) -> FileDescriptor {
    let path = path(of: name)
    let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600 as mode_t)
    if descriptor < 0 { throw SystemError.last("cannot open \(path)") }
    return FileDescriptor(owning: descriptor)
  }

  /// Gives a file another name in the same directory.
  package func rename(_ name: String, to newName: String) throws(SystemError) {
    // The module's function; `self.rename` is this method.
    if unsafe Glibc.rename(path(of: name), path(of: newName)) != 0 {
      throw SystemError.last("cannot rename \(path(of: name)) to \(newName)")
    }
  }

  /// Removes a file; one that is not there is no error.
  package func remove(_ name: String) throws(SystemError) {
    if unsafe unlink(path(of: name)) != 0, errno != ENOENT {
      throw SystemError.last("cannot remove \(path(of: name))")
    }
  }

  /// Takes the directory for one owner; nil when another one has it, in this process or elsewhere.
  package func lock() throws(SystemError) -> DirectoryLock? {
    let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemError.last("cannot open the directory \(path)") }
    if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return DirectoryLock(descriptor: descriptor) }
    let failure = SystemError.last("cannot lock the directory \(path)")
    close(descriptor)
    if failure.code == EWOULDBLOCK { return nil }
    throw failure
  }

  private var isDirectory: Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }
}
