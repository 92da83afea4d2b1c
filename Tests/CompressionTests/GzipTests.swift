// gzip in both directions, and what is refused.

import Bytes
import Compression
import Testing

@Suite("Gzip")
struct GzipTests {
  static let contents: [[UInt8]] = [
    [], [0], Array("hello, hello, hello".utf8), [UInt8](repeating: 7, count: 300_000),
    (0..<200_000).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 13) },
  ]

  @Test("What is packed at any level is unpacked the same", arguments: [0, 1, 6, 9, 99])
  func roundTrip(level: Int) throws {
    for content in GzipTests.contents {
      let packed = Gzip.compress(Bytes(content), level: level)
      #expect(try Gzip.decompress(packed, limit: content.count).array == content)
    }
  }

  @Test("One decompressor unpacks many bodies, also after a broken one")
  func reuse() throws {
    var decompressor = GzipDecompressor()
    let packed = Gzip.compress(Bytes("good"))
    for _ in 0..<3 {
      let good = try decompressor.decompress(packed.span, limit: 100)
      #expect(good == Bytes("good"))
      for (bytes, expected) in [(packed.slice(0..<10), GzipError.truncated), (Bytes("no gzip at all"), .corrupt)] {
        do throws(GzipError) {
          _ = try decompressor.decompress(bytes.span, limit: 100)
          Issue.record("it was unpacked")
        } catch {
          #expect(error == expected)
        }
      }
    }
  }

  @Test("Several members are read through")
  func members() throws {
    let parts = ["one, ", "", "two"]
    let packed = parts.flatMap { Gzip.compress(Bytes($0)).array }
    #expect(try Gzip.decompress(Bytes(packed), limit: 100) == Bytes("one, two"))
    #expect(throws: GzipError.tooLarge(limit: 7)) { try Gzip.decompress(Bytes(packed), limit: 7) }
    #expect(throws: GzipError.corrupt) { try Gzip.decompress(Bytes(packed + Array("garbage".utf8)), limit: 100) }
  }

  @Test("Optional header fields are skipped")
  func headerFields() throws {
    var packed = Gzip.compress(Bytes("hello")).array
    // RFC 1952 section 2.3: FLG with FEXTRA, FNAME and FCOMMENT, and those fields behind the ten fixed bytes.
    packed[3] = 0b1_1100
    packed.insert(contentsOf: [2, 0, 1, 2] + Array("name\0comment\0".utf8), at: 10)
    #expect(try Gzip.decompress(Bytes(packed), limit: 100) == Bytes("hello"))
  }

  @Test("Cut anywhere, it is truncated")
  func truncated() {
    let packed = Gzip.compress(Bytes("hello, hello, hello, world"))
    for count in 0..<packed.count {
      #expect(throws: GzipError.truncated, "\(count) bytes") {
        try Gzip.decompress(packed.slice(0..<count), limit: 100)
      }
    }
  }

  @Test("A changed byte is noticed wherever it could change the content")
  func corrupt() {
    let content = Bytes("hello, hello, hello, world")
    let packed = Gzip.compress(content).array
    for index in packed.indices {
      var broken = packed
      broken[index] ^= 0x55
      // Bytes 4 to 9 are time, extra flags and system (RFC 1952 section 2.3), which nobody checks.
      if (4...9).contains(index) {
        #expect((try? Gzip.decompress(Bytes(broken), limit: 1000)) == content)
      } else {
        #expect(throws: GzipError.self, "byte \(index)") { try Gzip.decompress(Bytes(broken), limit: 1000) }
      }
    }
  }

  @Test("The limit holds to the byte, and for bombs")
  func limit() throws {
    for count in [1, 4095, 4096, 4097, 100_000] {
      let packed = Gzip.compress(Bytes([UInt8](repeating: 1, count: count)))
      #expect(try Gzip.decompress(packed, limit: count).count == count)
      #expect(throws: GzipError.tooLarge(limit: count - 1)) { try Gzip.decompress(packed, limit: count - 1) }
    }
    let bomb = Gzip.compress(Bytes([UInt8](repeating: 0, count: 10 << 20)), level: 9)
    #expect(throws: GzipError.tooLarge(limit: 1000)) { try Gzip.decompress(bomb, limit: 1000) }
    #expect(throws: GzipError.tooLarge(limit: 0)) { try Gzip.decompress(bomb, limit: 0) }
    #expect(try Gzip.decompress(Gzip.compress(Bytes()), limit: 0).isEmpty)
  }

  @Test("Unpacked bytes have zero padding behind them")
  func padding() throws {
    let unpacked = try Gzip.decompress(Gzip.compress(Bytes([UInt8](repeating: 255, count: 5000))), limit: 6000)
    let isZero = unsafe unpacked.withUnsafePaddedBytes { base, count in
      (0..<Bytes.padding).allSatisfy { unsafe base[count + $0] == 0 }
    }
    #expect(isZero)
  }
}
