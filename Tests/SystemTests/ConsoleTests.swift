// Readers of standard output that read, stop reading, or go away.

import Glibc
import System
import Testing

@Suite("Console")
struct ConsoleTests {
  private func withPipe(_ body: (_ reading: Int32, _ writing: Int32) throws -> Void) rethrows {
    var ends: [Int32] = [0, 0]
    let result = unsafe pipe(&ends)
    #expect(result == 0)
    signal(SIGPIPE, SIG_IGN)
    try body(ends[0], ends[1])
    close(ends[1])
  }

  @Test("What is written arrives whole")
  func arrives() {
    withPipe { reading, writing in
      #expect(Console(descriptor: writing).write("Größe\n"))
      var bytes = [UInt8](repeating: 0, count: 100)
      let count = unsafe read(reading, &bytes, bytes.count)
      #expect(String(decoding: bytes.prefix(count), as: UTF8.self) == "Größe\n")
      close(reading)
    }
  }

  @Test("A reader that has stopped reading costs the rest of the text, not the thread")
  func stalled() {
    withPipe { reading, writing in
      let console = Console(descriptor: writing, patience: .milliseconds(20))
      // More than a pipe holds.
      #expect(!console.write(String(repeating: "x", count: 1 << 20)))
      #expect(!console.write("y"))
      close(reading)
    }
  }

  @Test("A reader that has gone away costs nothing at all")
  func closed() {
    withPipe { reading, writing in
      close(reading)
      #expect(!Console(descriptor: writing).write("x"))
    }
  }
}
