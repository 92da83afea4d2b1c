// Reading a file that fits in memory: a configuration, a token.

internal import Glibc

package enum SmallFile {
  /// The largest file that is read.
  package static let bytesMax = 8 << 20

  /// The file's bytes.
  ///
  /// - Throws: `SystemError` that names the path; EFBIG when the file is larger than `bytesMax`.
  package static func read(_ path: String) throws(SystemError) -> [UInt8] {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .last("cannot read \(path)") }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      // Safe: at most `chunk.count` bytes are written into it.
      let count = unsafe Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .last("cannot read \(path)") }
      if count == 0 { return bytes }
      bytes += chunk[..<count]
      guard bytes.count <= bytesMax else { throw SystemError(code: EFBIG, doing: "cannot read \(path)") }
    }
  }
}
