// A directory of the real file system that goes with its test.

import Bytes
import Glibc
import System

final class TemporaryDirectory: Sendable {
  let path = "/tmp/otlpd-journal-\(UInt64.random(in: 0 ... .max))"

  init() throws { try Directory(path: path).create() }

  deinit {
    let directory = Directory(path: path)
    for name in (try? directory.entries()) ?? [] { try? directory.remove(name) }
    _ = unsafe rmdir(path)
  }

  var names: [String] { (try? Directory(path: path).entries()) ?? [] }

  var segments: [String] { names.filter { $0.hasSuffix(".segment") } }

  /// Changes a file's bytes in place.
  func change(_ name: String, _ body: (inout [UInt8]) -> Void) throws {
    let file = try DiskDirectory(path: path).open(name)
    var bytes = try content(name)
    body(&bytes)
    try file.truncate(to: 0)
    try file.write(bytes.span, at: 0)
  }

  func content(_ name: String) throws -> [UInt8] {
    let file = try DiskDirectory(path: path).open(name)
    let size = try file.size()
    var buffer = ByteBuffer(capacity: size)
    try buffer.appendTail(minimum: size, maximum: size) { (output) throws(SystemError) in
      try file.read(at: 0, into: &output)
    }
    return buffer.finish().array
  }
}
