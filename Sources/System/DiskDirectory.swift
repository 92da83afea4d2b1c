// The kernel's files of one directory, held by a descriptor so that nothing is written where the directory was not.

internal import CLinux
internal import Glibc

/// Error numbers that the file system protocol speaks of.
enum ErrorNumber {
  static let missing = ENOENT
  static let device = ENOSPC
  static let quota = EDQUOT
  /// A file-size limit (RLIMIT_FSIZE); the signal that goes with it must be ignored.
  static let limit = EFBIG
}

/// A directory that is open. Calls go to the directory that was opened, wherever its path leads by then.
package final class DiskDirectory: FileSystem {
  package let path: String
  private let descriptor: FileDescriptor

  /// Opens the directory, which must exist.
  package init(path: String) throws(SystemError) {
    // Safe, here and below: the texts are NUL-terminated for the call.
    let number = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if number < 0 { throw .last("cannot open the directory \(path)") }
    self.path = path
    descriptor = FileDescriptor(owning: number)
  }

  package func list() throws(SystemError) -> [String] {
    // Another open file description: reading a directory moves its offset.
    let number = unsafe openat(descriptor.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if number < 0 { throw .last("cannot list the directory \(path)") }
    guard let stream = unsafe fdopendir(number) else {
      let failure = SystemError.last("cannot list the directory \(path)")
      _ = close(number)
      throw failure
    }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = unsafe readdir(stream) else { break }
      // Safe: the kernel ends the name with NUL inside the entry, which is valid until the next call.
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    if errno != 0 { throw .last("cannot list the directory \(path)") }
    return names
  }

  package func create(_ name: String) throws(SystemError) -> any File {
    let flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
    let number = unsafe openat(descriptor.number, name, flags, 0o600 as mode_t)
    if number < 0 { throw .last("cannot create \(path(of: name))") }
    return DiskFile(FileDescriptor(owning: number), path: path(of: name))
  }

  package func open(_ name: String) throws(SystemError) -> any File {
    let number = unsafe openat(descriptor.number, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
    if number < 0 { throw .last("cannot open \(path(of: name))") }
    return DiskFile(FileDescriptor(owning: number), path: path(of: name))
  }

  package func rename(_ name: String, to newName: String) throws(SystemError) {
    if unsafe renameat(descriptor.number, name, descriptor.number, newName) != 0 {
      throw .last("cannot rename \(path(of: name)) to \(newName)")
    }
  }

  package func remove(_ name: String) throws(SystemError) {
    if unsafe unlinkat(descriptor.number, name, 0) != 0, errno != ENOENT {
      throw .last("cannot remove \(path(of: name))")
    }
  }

  package func syncDirectory() throws(SystemError) {
    if fsync(descriptor.number) != 0 { throw .last("cannot sync the directory \(path)") }
  }

  package func space() throws(SystemError) -> FileSystemSpace {
    var status = statvfs()
    if unsafe fstatvfs(descriptor.number, &status) != 0 { throw .last("cannot read the free space of \(path)") }
    let unit = UInt(status.f_frsize)
    return FileSystemSpace(
      total: Int(clamping: UInt(status.f_blocks).multipliedReportingOverflow(by: unit).partialValue),
      free: Int(clamping: UInt(status.f_bavail).multipliedReportingOverflow(by: unit).partialValue))
  }

  package var isInPlace: Bool {
    var (named, opened) = (stat(), stat())
    guard unsafe stat(path, &named) == 0, unsafe fstat(descriptor.number, &opened) == 0 else { return false }
    return named.st_dev == opened.st_dev && named.st_ino == opened.st_ino
  }

  private func path(of name: String) -> String { path.hasSuffix("/") ? path + name : path + "/" + name }
}

/// An open file of the kernel.
private final class DiskFile: File {
  private let descriptor: FileDescriptor
  private let path: String

  init(_ descriptor: consuming FileDescriptor, path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  func size() throws(SystemError) -> Int {
    var status = stat()
    if unsafe fstat(descriptor.number, &status) != 0 { throw .last("cannot read the size of \(path)") }
    return Int(status.st_size)
  }

  func write(_ bytes: Span<UInt8>, at offset: Int) throws(SystemError) {
    var done = 0
    while done < bytes.count {
      // Safe: the kernel reads the rest of the span during the call.
      let written = unsafe bytes.extracting(done...).withUnsafeBufferPointer { rest in
        unsafe pwrite(descriptor.number, rest.baseAddress!, rest.count, off_t(offset + done))
      }
      if written < 0 {
        if errno == EINTR { continue }
        throw .last("cannot write \(path)")
      }
      // A short write says that the next one will say why.
      if written == 0 { throw SystemError(code: ENOSPC, doing: "cannot write \(path)") }
      done += written
    }
  }

  func read(at offset: Int, into output: inout OutputRawSpan) throws(SystemError) {
    let start = output.byteCount
    while output.freeCapacity > 0 {
      let position = off_t(offset + output.byteCount - start)
      let number = descriptor.number
      // Safe: the kernel writes inside the free part of the span, and `filled` counts exactly what it wrote.
      let count = unsafe output.withUnsafeMutableBytes { bytes, filled in
        let count = unsafe pread(number, bytes.baseAddress! + filled, bytes.count - filled, position)
        if count > 0 { filled += count }
        return count
      }
      if count == 0 { return }
      if count < 0, errno != EINTR { throw .last("cannot read \(path)") }
    }
  }

  func sync() throws(SystemError) {
    if fdatasync(descriptor.number) != 0 { throw .last("cannot sync \(path)") }
  }

  func truncate(to size: Int) throws(SystemError) {
    while ftruncate(descriptor.number, off_t(size)) != 0 {
      if errno != EINTR { throw .last("cannot truncate \(path)") }
    }
  }

  func reserve(upTo size: Int) throws(SystemError) {
    // FALLOC_FL_KEEP_SIZE
    if fallocate(descriptor.number, 1, 0, off_t(size)) == 0 { return }
    if [EOPNOTSUPP, ENOSYS, EINTR, EINVAL].contains(errno) { return }
    throw .last("cannot reserve space for \(path)")
  }
}
