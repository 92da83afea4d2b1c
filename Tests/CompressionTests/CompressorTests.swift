// What the compressors write, read back by other implementations where there is one.

import Bytes
import Compression
import Testing

@Suite("Compressor")
struct CompressorTests {
  @Test("One compressor packs many bodies, none depending on the one before", arguments: [1, 6, 9])
  func gzip(level: Int) throws {
    var compressor = Compressor(.gzip, level: level)
    for _ in 0..<2 {
      for content in GzipTests.contents {
        let source = Bytes(content)
        let packed = compressor.compress(source.span)
        #expect(try Gzip.decompress(packed, limit: content.count).array == content)
      }
    }
  }

  @Test("zlib streams and zstd frames begin as their formats say, and repeat themselves exactly")
  func formats() {
    var zlib = Compressor(.zlib)
    var zstd = Compressor(.zstd, level: 3)
    for content in GzipTests.contents {
      let source = Bytes(content)
      let (first, second) = (zlib.compress(source.span), zlib.compress(source.span))
      // RFC 1950 2.2: deflate with a 32 KiB window, and a header divisible by 31.
      #expect(first[0] == 0x78 && (Int(first[0]) * 256 + Int(first[1])) % 31 == 0 && first == second)
      let (frame, again) = (zstd.compress(source.span), zstd.compress(source.span))
      // RFC 8878 3.1.1: the magic number, little-endian.
      #expect(Array(frame.array.prefix(4)) == [0x28, 0xB5, 0x2F, 0xFD] && frame == again)
    }
  }

  @Test("What repeats itself becomes small in every format", arguments: [Compressor.Format.gzip, .zlib, .zstd])
  func ratio(format: Compressor.Format) {
    var compressor = Compressor(format)
    let source = Bytes([UInt8](repeating: 7, count: 300_000))
    let packed = compressor.compress(source.span)
    #expect(packed.count < 3000)
  }

  @Test("Levels beyond what a format knows are the nearest it has", arguments: [-1, 0, 99])
  func levels(level: Int) throws {
    var compressor = Compressor(.gzip, level: level)
    let source = Bytes("hello, hello")
    let packed = compressor.compress(source.span)
    #expect(try Gzip.decompress(packed, limit: 100) == source)
    var zstd = Compressor(.zstd, level: level)
    let frame = zstd.compress(source.span)
    #expect(!frame.isEmpty)
  }
}
