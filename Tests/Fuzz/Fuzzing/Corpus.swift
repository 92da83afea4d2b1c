// The inputs that are kept: golden files, and whatever has ever broken something.

package import Foundation

/// The folders `corpus` and `crashes`.
package struct Corpus: Sendable {
  package let directory: URL

  /// The folder that this target's sources lie in has both.
  package init(directory: URL = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()) {
    self.directory = directory
  }

  package struct File: Sendable {
    package let name: String
    package let bytes: [UInt8]
  }

  /// The files of one folder whose names end with `.suffix`, by name.
  package func files(in folder: String, suffix: String) throws -> [File] {
    let folder = directory.appending(path: folder)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path()).filter { $0.hasSuffix("." + suffix) }
    return try names.sorted().map { name in
      // Not `Data(contentsOf:)`, which leaks a page for an empty file.
      let file = try FileHandle(forReadingFrom: folder.appending(path: name))
      return File(name: name, bytes: Array(try file.readToEnd() ?? Data()))
    }
  }

  /// A new file that holds the input under test, so that it survives whatever the input does.
  package func record(_ name: String) throws -> CurrentInput {
    try CurrentInput(path: directory.appending(path: "crashes").appending(path: name).path())
  }
}

/// The input under test, in a file that is there exactly while, and after, something goes wrong.
package struct CurrentInput: ~Copyable {
  package let path: String
  private let file: FileHandle

  init(path: String) throws {
    self.path = path
    guard FileManager.default.createFile(atPath: path, contents: nil), let file = FileHandle(forWritingAtPath: path)
    else { throw FuzzFailure("cannot write \(path)") }
    self.file = file
  }

  func hold(_ input: [UInt8]) throws {
    try file.seek(toOffset: 0)
    try file.write(contentsOf: input)
    try file.truncate(atOffset: UInt64(input.count))
  }

  consuming func remove() throws {
    try file.close()
    try FileManager.default.removeItem(atPath: path)
  }
}
