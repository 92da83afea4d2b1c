// Whether a file is still the one that was read.

internal import CLinux
internal import Glibc

/// What changes when a file is written or replaced: equal stamps mean the same content.
package struct FileStamp: Equatable, Sendable {
  private let device: UInt
  private let inode: UInt
  private let size: Int
  private let seconds: Int
  private let nanoseconds: Int

  /// The stamp of the file that `path` leads to, through links; nil when there is none.
  package init?(of path: String) {
    var status = Glibc.stat()
    // Safe: the call fills in one record.
    guard unsafe stat(path, &status) == 0 else { return nil }
    device = UInt(status.st_dev)
    inode = UInt(status.st_ino)
    size = Int(status.st_size)
    seconds = status.st_mtim.tv_sec
    nanoseconds = status.st_mtim.tv_nsec
  }
}
