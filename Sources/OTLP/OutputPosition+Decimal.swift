// Numbers as decimal digits.

extension OutputPosition {
  /// Writes an integer: 20 bytes at most.
  @inline(__always)
  func decimal(_ value: Int64) -> OutputPosition {
    store(UInt8(ascii: "-"))
    return (self + (value < 0 ? 1 : 0)).decimal(value.magnitude)
  }

  /// Writes an integer: 20 bytes at most.
  @inline(__always)
  func decimal(_ value: UInt64) -> OutputPosition {
    value < 100_000_000 ? shortDecimal(value) : longDecimal(value)
  }

  @inline(never)
  private func longDecimal(_ value: UInt64) -> OutputPosition {
    let (upper, lower) = value.quotientAndRemainder(dividingBy: 100_000_000)
    let middle = upper < 100_000_000 ? shortDecimal(upper) : longDecimal(upper)
    middle.store(lower.eightDigits | OutputPosition.zeros)
    return middle + 8
  }

  /// Writes an integer of at most eight digits.
  @inline(__always)
  private func shortDecimal(_ value: UInt64) -> OutputPosition {
    let digits = value.eightDigits
    // Digits that are zero in front are bytes that are zero at the lower end.
    let unused = min(digits.trailingZeroBitCount &>> 3, 7)
    store((digits | OutputPosition.zeros) &>> UInt64(truncatingIfNeeded: 8 &* unused))
    return self + (8 &- unused)
  }

  private static let zeros: UInt64 = 0x3030_3030_3030_3030

  /// Writes the shortest number that reads back as the same double, as `5.0`, `0.25`, `1e-07`: 25 bytes at most.
  ///
  /// - Precondition: the value is finite.
  @inline(__always)
  func decimal(finite value: Double) -> OutputPosition {
    // Most doubles were written by people, or count in whole microseconds: six places behind the point say it. Both
    // factors are exact, so the quotient is rounded as a reader would round it, and of the numbers with at most 15
    // digits only one is read as the same double.
    let magnitude = value.magnitude
    // Above 2^52 a double has no fraction: the sum is rounded to an integer, which its lower bits are.
    let sum = magnitude * 1e6 + 0x1p52
    if magnitude < 1e9 && (magnitude >= 1e-4 || magnitude == 0) && (sum - 0x1p52) / 1e6 == magnitude {
      store(UInt8(ascii: "-"))
      let output = self + (value.sign == .minus ? 1 : 0)
      return output.decimal(millionths: sum.bitPattern & 0x000f_ffff_ffff_ffff)
    }
    return anyDecimal(value)
  }

  @inline(__always)
  private func decimal(millionths: UInt64) -> OutputPosition {
    let (whole, fraction) = millionths.quotientAndRemainder(dividingBy: 1_000_000)
    let point = decimal(whole)
    point.store(UInt8(ascii: "."))
    let digits = (fraction &* 100).eightDigits
    (point + 1).store(digits | OutputPosition.zeros)
    // Zeros at the end, the first of them kept when there is nothing else.
    let unused = min(digits.leadingZeroBitCount &>> 3, 7)
    return point + 1 + (8 &- unused)
  }

  @inline(never)
  private func anyDecimal(_ value: Double) -> OutputPosition {
    var letters = DecimalLetters(position: self)
    value.write(to: &letters)
    return letters.position
  }
}

/// Takes the letters of a number where the standard library writes them.
private struct DecimalLetters: TextOutputStream {
  var position: OutputPosition

  mutating func write(_ string: String) {
    for byte in string.utf8 {
      position.store(byte)
      position += 1
    }
  }

  /// What the standard library calls for ASCII, with `write` as its fallback: saves a `String`.
  mutating func _writeASCII(_ buffer: UnsafeBufferPointer<UInt8>) {
    // Safe: the letters are lent during the call.
    position = unsafe position.copy(buffer.span)
  }
}

extension UInt64 {
  /// The eight decimal digits of a value below 10^8, as values from 0 to 9, the first in the lowest byte.
  @inline(__always)
  fileprivate var eightDigits: UInt64 {
    // Divided in lanes: into two numbers of four digits, four of two, eight of one.
    let upper = self / 10_000
    let fours = upper | (self &- upper &* 10_000) << 32
    let hundreds = ((fours &* 10_486) >> 20) & 0x0000_007f_0000_007f
    let twos = hundreds | (fours &- hundreds &* 100) << 16
    let tens = ((twos &* 103) >> 10) & 0x000f_000f_000f_000f
    return tens | (twos &- tens &* 10) << 8
  }
}
