// Immutable, reference-counted bytes with readable zero padding behind their end.

/// The one heap block behind `Bytes` and `ByteBuffer`: a capacity and that many bytes.
@usableFromInline
package final class ByteStorage: ManagedBuffer<Int, UInt8> {
  /// Allocates room for `capacity` bytes, uninitialised, plus `Bytes.padding` bytes behind them.
  @usableFromInline
  package static func allocate(capacity: Int) -> ByteStorage {
    // Safe: `create` on the subclass returns an instance of the subclass.
    unsafe unsafeDowncast(create(minimumCapacity: capacity + Bytes.padding) { _ in capacity }, to: ByteStorage.self)
  }

  /// No bytes, and zero padding: what every empty buffer begins with.
  // Safe to share: nobody writes to it, since its capacity is 0.
  nonisolated(unsafe) static let empty: ByteStorage = {
    let storage = allocate(capacity: 0)
    // Safe: `allocate` reserved the padding.
    unsafe storage.base.initialize(repeating: 0, count: Bytes.padding)
    return storage
  }()

  /// The address of the first byte; valid while the storage is referenced.
  @inlinable
  package var base: UnsafeMutablePointer<UInt8> {
    // Safe to form: the elements live in the object itself and do not move. Every use is marked where it happens.
    unsafe withUnsafeMutablePointerToElements { unsafe $0 }
  }
}

/// A window on immutable bytes that any thread may read and keep.
///
/// At least `padding` bytes behind the end of a window may be read: those behind the end of the whole allocation are
/// zero, those behind an inner window are its neighbours. Scanners that load 8 or 16 bytes at a time rely on it.
/// Copying a `Bytes` costs one reference count.
// `@unchecked Sendable`: nothing writes to the storage once a `Bytes` refers to it.
@usableFromInline
package struct Bytes: @unchecked Sendable {
  /// Bytes that may be read behind the end of any window.
  package static let padding = 64

  @usableFromInline let storage: ByteStorage
  @usableFromInline let offset: Int
  /// The number of bytes in the window.
  @usableFromInline package let count: Int

  /// No bytes.
  package init() { unsafe self.init(storage: ByteStorage.empty, offset: 0, count: 0) }

  /// Guards the padding: only `ByteBuffer.finish` and `slice` come here.
  @usableFromInline
  init(storage: ByteStorage, offset: Int, count: Int) {
    self.storage = storage
    self.offset = offset
    self.count = count
  }

  /// A copy of the span's bytes.
  package init(copying span: Span<UInt8>) {
    var buffer = ByteBuffer(capacity: span.count)
    buffer.append(span)
    self = buffer.finish()
  }

  /// A copy of the collection's bytes.
  package init(_ bytes: some Collection<UInt8>) {
    var buffer = ByteBuffer(capacity: bytes.count)
    // Safe: the storage is read during the call only.
    if bytes.withContiguousStorageIfAvailable({ unsafe buffer.append($0.span) }) == nil {
      for byte in bytes { buffer.append(byte) }
    }
    self = buffer.finish()
  }

  /// The text's UTF-8 bytes.
  package init(_ text: String) {
    var buffer = ByteBuffer(capacity: text.utf8.count)
    buffer.append(text)
    self = buffer.finish()
  }

  package var isEmpty: Bool { count == 0 }

  /// The bytes, lent for as long as the caller holds on to this value.
  @inlinable
  package var span: Span<UInt8> {
    @_lifetime(borrow self)
    get {
      // Safe: `offset + count` lies inside the storage, which this value keeps alive.
      let span = unsafe Span(_unsafeStart: UnsafePointer(storage.base + offset), count: count)
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// The byte at `index`, which must be in `0 ..< count`.
  @inlinable
  package subscript(index: Int) -> UInt8 { span[index] }

  /// The window on `range` of this window; shares the storage.
  package func slice(_ range: Range<Int>) -> Bytes {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "a slice stays inside its bytes")
    return Bytes(storage: storage, offset: offset + range.lowerBound, count: range.count)
  }

  /// Both windows as one, when `next` begins where this one ends in the same storage; else nil.
  package func joined(with next: Bytes) -> Bytes? {
    guard storage === next.storage, offset + count == next.offset else { return nil }
    return Bytes(storage: storage, offset: offset, count: count + next.count)
  }

  /// The bytes read as UTF-8, with U+FFFD where they are not.
  package var text: String { String(decoding: array, as: UTF8.self) }

  /// A copy of the bytes in an array.
  package var array: [UInt8] {
    unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      // Safe: the array has room for `count` bytes, and the window holds as many.
      if count > 0 { unsafe buffer.baseAddress!.initialize(from: storage.base + offset, count: count) }
      initialized = count
    }
  }

  /// Lends the bytes with their readable padding to code that scans wider than a byte.
  ///
  /// The pointer is valid during the call only; `Bytes.padding` bytes behind `count` may be read.
  @unsafe
  @inlinable
  package func withUnsafePaddedBytes<Result: ~Copyable, Failure: Error>(
    _ body: (_ base: UnsafePointer<UInt8>, _ count: Int) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    // `self` keeps the storage alive during the call.
    defer { withExtendedLifetime(storage) {} }
    return try unsafe body(UnsafePointer(storage.base + offset), count)
  }
}

extension Bytes: Equatable {
  @usableFromInline
  package static func == (left: Bytes, right: Bytes) -> Bool {
    guard left.count == right.count else { return false }
    let (a, b) = (left.span, right.span)
    for index in a.indices where a[index] != b[index] { return false }
    return true
  }
}
