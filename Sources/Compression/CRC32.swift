// Checksums of stored bytes.

internal import CZlib

/// The CRC-32 of gzip and zip (polynomial 0xEDB88320), about 1 to 2 GB/s.
package enum CRC32 {
  /// Continues `seed`, the checksum of what comes before `bytes`; 0 when nothing does.
  package static func checksum(of bytes: Span<UInt8>, seed: UInt32 = 0) -> UInt32 {
    // Safe: zlib reads the span during the call. `crc32_z` takes a size_t, so no length overflows.
    unsafe bytes.withUnsafeBufferPointer { buffer in
      // zlib takes a null pointer for "the initial value", so no bytes change nothing.
      guard let base = buffer.baseAddress, buffer.count > 0 else { return seed }
      return UInt32(truncatingIfNeeded: unsafe crc32_z(UInt(seed), base, buffer.count))
    }
  }
}
