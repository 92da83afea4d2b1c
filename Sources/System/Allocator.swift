// How much freed memory the C library keeps for what is allocated next.

internal import CLinux

package enum Allocator {
  /// Keeps what was freed at the end of a heap, up to 8 MiB, and blocks up to 4 MiB inside the heaps.
  ///
  /// Bodies and payloads of some hundred kilobytes are allocated and freed with every request. As the C library comes,
  /// it gives their pages back each time, and the kernel clears them again with the next: half of the time that a large
  /// JSON request took.
  package static func keepFreedMemory() {
    mallopt(M_MMAP_THRESHOLD, 4 << 20)
    mallopt(M_TRIM_THRESHOLD, 8 << 20)
  }
}
