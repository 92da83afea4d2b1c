// A growing buffer of bytes with one owner, which ends as immutable `Bytes` without a copy.

/// Bytes under construction: a reply being written, a request body being received, a decoder's output.
///
/// Appending grows the storage by doubling. `finish` hands the storage over and zeroes the padding behind it.
@usableFromInline
package struct ByteBuffer: ~Copyable {
  @usableFromInline var storage: ByteStorage
  @usableFromInline var capacityValue: Int
  /// The number of bytes written.
  @inlinable package var count: Int { countValue }
  @usableFromInline var countValue: Int

  /// An empty buffer with room for `capacity` bytes (at least 0).
  package init(capacity: Int = 0) {
    storage = capacity == 0 ? unsafe ByteStorage.empty : ByteStorage.allocate(capacity: capacity)
    capacityValue = capacity
    countValue = 0
  }

  package var capacity: Int { capacityValue }
  package var isEmpty: Bool { countValue == 0 }

  /// The bytes written so far.
  @inlinable
  package var span: Span<UInt8> {
    @_lifetime(borrow self)
    get {
      // Safe: the first `countValue` bytes are initialised and owned by this buffer.
      let span = unsafe Span(_unsafeStart: UnsafePointer(storage.base), count: countValue)
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// Makes room for `additional` more bytes.
  @inlinable
  package mutating func reserve(_ additional: Int) {
    if capacityValue - countValue < additional { grow(additional) }
  }

  @usableFromInline
  mutating func grow(_ additional: Int) {
    reserve(total: max(countValue + additional, capacityValue * 2, 64))
  }

  @inlinable
  package mutating func append(_ byte: UInt8) {
    reserve(1)
    // Safe: `reserve` made room for one byte behind `countValue`.
    unsafe (storage.base + countValue).initialize(to: byte)
    countValue += 1
  }

  @inlinable
  package mutating func append(_ span: Span<UInt8>) {
    reserve(span.count)
    guard span.count > 0 else { return }
    // Safe: `reserve` made room for the whole span; a borrowed span cannot overlap this buffer's free tail.
    unsafe span.withUnsafeBufferPointer { source in
      unsafe (storage.base + countValue).initialize(from: source.baseAddress!, count: source.count)
    }
    countValue += span.count
  }

  package mutating func append(_ bytes: Bytes) { append(bytes.span) }

  /// Appends the text's UTF-8 bytes.
  package mutating func append(_ text: String) {
    var text = text
    text.withUTF8 { utf8 in unsafe append(utf8.span) }
  }

  /// Appends without a run-time conversion.
  package mutating func append(_ text: StaticString) {
    // Safe: the buffer is read during the call only.
    text.withUTF8Buffer { utf8 in unsafe append(utf8.span) }
  }

  /// Appends a decimal number.
  package mutating func append(decimal value: some BinaryInteger) {
    guard let number = Int(exactly: value) else { return append(String(value)) }
    append(decimal: number)
  }

  /// As above, for the usual type without generic code.
  package mutating func append(decimal value: Int) {
    guard let number = UInt64(exactly: value) else { return append(String(value)) }
    var digits = InlineArray<20, UInt8>(repeating: 0)
    var start = 20
    var rest = number
    repeat {
      start -= 1
      digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    } while rest > 0
    append(digits.span.extracting(start...))
  }

  /// Lends at least `minimum` uninitialised bytes behind the end; what `body` appends becomes part of the
  /// buffer, unless it throws.
  @discardableResult
  package mutating func appendTail<Failure: Error>(
    minimum: Int, _ body: (inout OutputRawSpan) throws(Failure) -> Void
  ) throws(Failure) -> Int {
    try appendTail(minimum: minimum, maximum: .max, body)
  }

  /// As `appendTail(minimum:_:)`, but lends at most `maximum` bytes, so that nothing behind them is written.
  @discardableResult
  package mutating func appendTail<Failure: Error>(
    minimum: Int, maximum: Int, _ body: (inout OutputRawSpan) throws(Failure) -> Void
  ) throws(Failure) -> Int {
    precondition(minimum >= 0 && minimum <= maximum, "a tail lends between its minimum and its maximum")
    reserve(minimum)
    let lent = min(maximum, capacityValue - countValue)
    let tail = unsafe UnsafeMutableRawBufferPointer(start: storage.base + countValue, count: lent)
    // Safe: the tail belongs to this buffer alone, and the output span never writes behind it.
    var output = unsafe OutputRawSpan(buffer: tail, initializedCount: 0)
    try body(&output)
    let written = unsafe output.finalize(for: tail)
    countValue += written
    return written
  }

  /// Moves the storage so that it holds exactly `capacity` bytes, when it holds fewer.
  package mutating func reserve(total capacity: Int) {
    guard capacity > capacityValue else { return }
    let larger = ByteStorage.allocate(capacity: capacity)
    // Safe: both storages hold at least `countValue` bytes.
    unsafe larger.base.initialize(from: storage.base, count: countValue)
    storage = larger
    capacityValue = capacity
  }

  /// Drops the first `amount` bytes and moves the rest to the front.
  package mutating func removeFirst(_ amount: Int) {
    precondition(amount >= 0 && amount <= countValue, "only written bytes can be removed")
    let rest = countValue - amount
    // Safe: both ranges lie inside the written bytes; `update` allows overlap.
    unsafe storage.base.update(from: storage.base + amount, count: rest)
    countValue = rest
  }

  /// Forgets what was written and keeps the storage.
  package mutating func removeAll() { countValue = 0 }

  /// Forgets what was written behind the first `count` bytes.
  @inlinable
  package mutating func truncate(to count: Int) {
    precondition(count >= 0 && count <= countValue, "only written bytes can be removed")
    countValue = count
  }

  /// Overwrites the byte at `index`, which must have been written.
  @inlinable
  package mutating func replace(at index: Int, with byte: UInt8) {
    precondition(index >= 0 && index < countValue, "only a written byte can be replaced")
    // Safe: `index` is inside the written bytes.
    unsafe storage.base[index] = byte
  }

  /// The written bytes as an immutable value, without a copy; the padding behind them is zeroed.
  package consuming func finish() -> Bytes {
    // The shared empty storage is never written to.
    if capacityValue == 0 { return Bytes() }
    // Safe: `allocate` reserved `padding` bytes behind `capacity`, and `countValue <= capacity`.
    unsafe (storage.base + countValue).initialize(repeating: 0, count: Bytes.padding)
    return Bytes(storage: storage, offset: 0, count: countValue)
  }

  /// As `finish`, but with a copy when more than a quarter of the storage would be kept unused.
  package consuming func finishTight() -> Bytes {
    if capacityValue - countValue > max(1024, countValue / 4) { return Bytes(copying: span) }
    return finish()
  }

  /// Lends at least `capacity` uninitialised bytes behind the end to a writer that proves its own bounds.
  ///
  /// `body` returns how many of them it initialised. `Bytes.padding` bytes behind the capacity may be scribbled on.
  @unsafe
  @inlinable
  @inline(__always)
  package mutating func appendUnsafe<Failure: Error>(
    capacity: Int, _ body: (UnsafeMutablePointer<UInt8>) throws(Failure) -> Int
  ) throws(Failure) {
    // Never the shared empty storage, whose padding must stay zero.
    reserve(max(1, capacity))
    let written = try unsafe body(storage.base + countValue)
    precondition(written <= capacity, "a writer stays inside what it reserved")
    countValue += written
  }
}
