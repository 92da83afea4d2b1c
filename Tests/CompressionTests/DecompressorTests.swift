// Bodies in every format.

import Bytes
import Compression
import Testing

private let formats: [(Compressor.Format, Decompressor.Format)] = [(.gzip, .gzip), (.zlib, .deflate), (.zstd, .zstd)]
private let hello = Array("hello, hello, hello, world".utf8)

/// Content that packs to about half its size.
private func content(_ count: Int) -> [UInt8] {
  var random = SystemRandomNumberGenerator()
  return (0..<count).map { $0 % 2 == 0 ? 7 : UInt8.random(in: .min ... .max, using: &random) }
}

private func unpack(_ packed: [UInt8], as format: Decompressor.Format, limit: Int) -> Result<
  [UInt8], DecompressionError
> {
  var decompressor = Decompressor()
  do throws(DecompressionError) {
    let unpacked = try decompressor.decompress(packed.span, as: format, limit: limit)
    return .success(unpacked.array)
  } catch {
    return .failure(error)
  }
}

@Suite struct DecompressorTests {
  @Test("What a compressor packs is unpacked, to the last byte of the limit and not one more", arguments: 0..<3)
  func limits(index: Int) {
    let (packing, format) = formats[index]
    for count in [1, 2, 1000, 65_536, 300_000] {
      let content = content(count)
      var compressor = Compressor(packing)
      let packed = compressor.compress(content.span).array
      #expect(unpack(packed, as: format, limit: count) == .success(content))
      #expect(unpack(packed, as: format, limit: .max >> 1) == .success(content))
      #expect(unpack(packed, as: format, limit: count - 1) == .failure(.tooLarge(limit: count - 1)))
    }
  }

  @Test("A bomb is stopped at the limit", arguments: 0..<3)
  func bombs(index: Int) {
    let (packing, format) = formats[index]
    var compressor = Compressor(packing, level: 9)
    let packed = compressor.compress([UInt8](repeating: 0, count: 50 << 20).span).array
    #expect(packed.count < 60_000)
    #expect(unpack(packed, as: format, limit: 1 << 20) == .failure(.tooLarge(limit: 1 << 20)))
  }

  @Test("What is cut off anywhere, or followed by something else, is refused", arguments: 0..<3)
  func damage(index: Int) {
    let (packing, format) = formats[index]
    var compressor = Compressor(packing)
    let packed = compressor.compress(hello.span).array
    for count in 0..<packed.count {
      guard case .failure = unpack(Array(packed[..<count]), as: format, limit: 100) else {
        Issue.record("\(count) bytes of it were taken")
        continue
      }
    }
    let tailed = unpack(packed + [1, 2, 3], as: format, limit: 100)
    #expect((try? tailed.get()) == nil)
    #expect(unpack(packed, as: format, limit: 100) == .success(hello))
  }

  @Test("Deflate is read with zlib's wrapper and without")
  func bareDeflate() {
    var compressor = Compressor(.zlib)
    let wrapped = compressor.compress(hello.span).array
    // RFC 1950 section 2.2: two bytes in front, four behind.
    let bare = Array(wrapped.dropFirst(2).dropLast(4))
    #expect(unpack(bare, as: .deflate, limit: 100) == .success(hello))
    #expect(unpack(Array(wrapped.dropLast(4)) + [0, 0, 0, 0], as: .deflate, limit: 100) == .failure(.corrupt))
  }

  @Test("Several members and frames are read through", arguments: [0, 2])
  func several(index: Int) {
    let (packing, format) = formats[index]
    var compressor = Compressor(packing)
    let first = compressor.compress(hello.span).array
    let second = compressor.compress([UInt8](repeating: 9, count: 5).span).array
    let whole = hello + [UInt8](repeating: 9, count: 5)
    #expect(unpack(first + second, as: format, limit: whole.count) == .success(whole))
    #expect(unpack(second + first, as: format, limit: whole.count) == .success([UInt8](repeating: 9, count: 5) + hello))
    #expect(unpack(first + second, as: format, limit: whole.count - 1) == .failure(.tooLarge(limit: whole.count - 1)))
  }

  @Test("The size that gzip claims of itself changes nothing")
  func falseClaims() {
    var compressor = Compressor(.gzip)
    let packed = compressor.compress(hello.span).array
    for claim in [[0, 0, 0, 0], [255, 255, 255, 255], [27, 0, 0, 0], [25, 0, 0, 0], [0, 0, 1, 0]] as [[UInt8]] {
      #expect(unpack(packed.dropLast(4) + claim, as: .gzip, limit: 100_000) == .failure(.corrupt))
    }
  }

  @Test("A zstd frame that asks for a large window is refused before memory is given to it")
  func zstdWindow() {
    // RFC 8878 section 3.1.1: magic number, no flags, a window of 16 MiB (exponent 14), an empty raw block, the last.
    let frame: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 14 << 3, 0x01, 0x00, 0x00]
    #expect(unpack(frame, as: .zstd, limit: 100) == .failure(.windowTooLarge))
    var allowed = frame
    allowed[5] = 13 << 3
    #expect(unpack(allowed, as: .zstd, limit: 100) == .success([]))
  }
}
