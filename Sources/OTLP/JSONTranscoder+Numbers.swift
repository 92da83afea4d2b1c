// JSON numbers, exactly: integers over their whole 64 bits, doubles to the last digit.

internal import Glibc

extension JSONTranscoder {
  /// An integer from 0 to 2^64 - 1, as a number or a string.
  @inline(__always)
  func unsigned(_ start: InputPosition) throws(Refusal) -> (InputPosition, UInt64) {
    let (position, magnitude, isNegative) = try integer(start)
    guard !isNegative || magnitude == 0 else { throw Refusal(.integerRange, start) }
    return (position, magnitude)
  }

  /// An integer from -2^63 to 2^63 - 1, as a number or a string.
  @inline(__always)
  func signed(_ start: InputPosition) throws(Refusal) -> (InputPosition, Int64) {
    let (position, magnitude, isNegative) = try integer(start)
    if isNegative {
      guard magnitude <= 1 << 63 else { throw Refusal(.integerRange, start) }
      return (position, Int64(truncatingIfNeeded: 0 &- magnitude))
    }
    guard magnitude < 1 << 63 else { throw Refusal(.integerRange, start) }
    return (position, Int64(magnitude))
  }

  /// An enum's number, or its name, which we tolerate.
  func number(of enumeration: Enumeration, _ start: InputPosition) throws(Refusal) -> (InputPosition, Int32) {
    if start.byte == UInt8(ascii: "\""), let name = EnumerationName(start + 1) {
      guard let value = name.value(in: enumeration) else { throw Refusal(.enumeration, start) }
      return (start + name.count + 2, value)
    }
    let (position, value) = try signed(start)
    guard let narrow = Int32(exactly: value) else { throw Refusal(.int32Range, start) }
    return (position, narrow)
  }

  /// An integer's magnitude and sign.
  @inline(__always)
  private func integer(_ start: InputPosition) throws(Refusal) -> (InputPosition, UInt64, Bool) {
    var position = start
    let isQuoted = position.byte == UInt8(ascii: "\"")
    if isQuoted { position += 1 }
    let isNegative = position.byte == UInt8(ascii: "-")
    if isNegative { position += 1 }
    let digits = position
    var value: UInt64 = 0
    while let eight = position.eightDigits {
      value = value &* 100_000_000 &+ eight
      position += 8
    }
    position.readDigits(into: &value)
    let count = position - digits
    // 19 digits always fit 64 bits. Whatever else is unusual is read again, exactly.
    if count == 0 || count > 19 || (digits.byte == UInt8(ascii: "0") && count > 1) || position.continuesNumber {
      return try unusualInteger(start)
    }
    if isQuoted {
      guard position.byte == UInt8(ascii: "\"") else { throw Refusal(.integer, start) }
      position += 1
    }
    return (position, value, isNegative)
  }

  /// An integer in any form that proto3 JSON allows: `0`, 20 digits, `1e3`, `5.0`, `-1.5e1`.
  @inline(never)
  private func unusualInteger(_ start: InputPosition) throws(Refusal) -> (InputPosition, UInt64, Bool) {
    let isQuoted = start.byte == UInt8(ascii: "\"")
    let text = isQuoted ? start + 1 : start
    guard let number = JSONNumber(text) else { throw Refusal(.integer, start) }
    if isQuoted && number.end.byte != UInt8(ascii: "\"") { throw Refusal(.integer, start) }
    // The digits in front of the point, wherever the exponent moves it.
    let whole = (number.integerEnd - number.digits) + number.exponent
    var value: UInt64 = 0
    var done = 0
    var position = number.digits
    while position < number.fractionEnd {
      let digit = position.byte &- UInt8(ascii: "0")
      position += 1
      if digit > 9 { continue }  // the point
      if done < whole {
        let (product, isProductTooLarge) = value.multipliedReportingOverflow(by: 10)
        let (sum, isSumTooLarge) = product.addingReportingOverflow(UInt64(digit))
        if isProductTooLarge || isSumTooLarge { throw Refusal(.integerRange, start) }
        value = sum
      } else if digit != 0 {
        throw Refusal(.fraction, start)
      }
      done += 1
    }
    // At most 19 rounds: then a value other than zero no longer fits.
    while done < whole && value != 0 {
      let (product, isTooLarge) = value.multipliedReportingOverflow(by: 10)
      if isTooLarge { throw Refusal(.integerRange, start) }
      value = product
      done += 1
    }
    return (isQuoted ? number.end + 1 : number.end, value, number.isNegative)
  }

  /// A double, as a number or a string.
  @inline(__always)
  func double(_ start: InputPosition) throws(Refusal) -> (InputPosition, Double) {
    // Nearly all are written like 12.5: read the digits on both sides of the point as one integer.
    var position = start
    let isNegative = position.byte == UInt8(ascii: "-")
    if isNegative { position += 1 }
    let digits = position
    var mantissa: UInt64 = 0
    position.readDigits(into: &mantissa)
    let integerDigits = position - digits
    var fractionDigits = 0
    if position.byte == UInt8(ascii: ".") {
      position += 1
      let fraction = position
      position.readDigits(into: &mantissa)
      fractionDigits = position - fraction
      if fractionDigits == 0 { return try unusualDouble(start) }
    }
    // 19 digits always fit 64 bits, and see `JSONNumber.double` for the rest.
    let digitCount = integerDigits + fractionDigits
    let hasLeadingZero = digits.byte == UInt8(ascii: "0") && integerDigits > 1
    if integerDigits == 0 || digitCount > 19 || mantissa > 1 << 53 || hasLeadingZero || position.continuesNumber {
      return try unusualDouble(start)
    }
    let magnitude = fractionDigits == 0 ? Double(mantissa) : Double(mantissa) / JSONNumber.powerOfTen(fractionDigits)
    return (position, isNegative ? -magnitude : magnitude)
  }

  /// A double in any form that proto3 JSON allows.
  @inline(never)
  private func unusualDouble(_ start: InputPosition) throws(Refusal) -> (InputPosition, Double) {
    let isQuoted = start.byte == UInt8(ascii: "\"")
    let text = isQuoted ? start + 1 : start
    if isQuoted, let (end, value) = text.notFinite { return (end, value) }
    guard let number = JSONNumber(text) else { throw Refusal(.number, start) }
    if isQuoted && number.end.byte != UInt8(ascii: "\"") { throw Refusal(.number, start) }
    let value = number.double
    guard value.isFinite else { throw Refusal(.doubleRange, start) }
    return (isQuoted ? number.end + 1 : number.end, value)
  }
}

/// A number by the grammar of RFC 8259 section 6.
struct JSONNumber {
  let start: InputPosition
  let isNegative: Bool
  /// The first digit.
  let digits: InputPosition
  /// Behind the last digit in front of the point or exponent.
  let integerEnd: InputPosition
  /// Behind the last digit of the fraction; `integerEnd` without one.
  let fractionEnd: InputPosition
  /// The exponent, kept within bounds that no number of a document's size needs.
  let exponent: Int
  let end: InputPosition

  private static let exponentMax = 1 << 40

  /// Nil when no number is here.
  init?(_ start: InputPosition) {
    self.start = start
    var position = start
    isNegative = position.byte == UInt8(ascii: "-")
    if isNegative { position += 1 }
    digits = position
    position = position.afterDigits
    integerEnd = position
    if integerEnd == digits || (digits.byte == UInt8(ascii: "0") && integerEnd - digits > 1) { return nil }
    if position.byte == UInt8(ascii: ".") {
      let fraction = position + 1
      position = fraction.afterDigits
      if position == fraction { return nil }
    }
    fractionEnd = position
    guard position.byte | 0x20 == UInt8(ascii: "e") else {
      exponent = 0
      end = position
      return
    }
    position += 1
    let isExponentNegative = position.byte == UInt8(ascii: "-")
    if isExponentNegative || position.byte == UInt8(ascii: "+") { position += 1 }
    let exponentDigits = position
    var magnitude = 0
    while position.byte &- UInt8(ascii: "0") <= 9 {
      magnitude = min(magnitude * 10 + Int(position.byte &- UInt8(ascii: "0")), JSONNumber.exponentMax)
      position += 1
    }
    if position == exponentDigits { return nil }
    exponent = isExponentNegative ? -magnitude : magnitude
    end = position
  }

  /// The nearest double; infinite when the number is too large for one.
  var double: Double {
    let digitCount = fractionEnd - digits
    let scale = exponent - (fractionEnd == integerEnd ? 0 : fractionEnd - integerEnd - 1)
    // With at most 2^53 and a power of ten that is exact too, one operation rounds once, hence correctly.
    if digitCount <= 19 && scale >= -22 && scale <= 22 {
      var mantissa: UInt64 = 0
      var position = digits
      while position < fractionEnd {
        let digit = position.byte &- UInt8(ascii: "0")
        position += 1
        if digit <= 9 { mantissa = mantissa &* 10 &+ UInt64(digit) }
      }
      if mantissa <= 1 << 53 {
        let power = JSONNumber.powerOfTen(abs(scale))
        let magnitude = scale < 0 ? Double(mantissa) / power : Double(mantissa) * power
        return isNegative ? -magnitude : magnitude
      }
    }
    // Safe: the bytes form a number and end with another byte at the latest at the zero behind the document, so
    // strtod reads no further. Nobody calls setlocale: the decimal point is a point.
    return unsafe strtod(start.cString, nil)
  }

  /// 10 to a power from 0 to 22, which a double holds exactly.
  @inline(__always)
  static func powerOfTen(_ exponent: Int) -> Double {
    switch exponent {
    case 0: 1e0
    case 1: 1e1
    case 2: 1e2
    case 3: 1e3
    case 4: 1e4
    case 5: 1e5
    case 6: 1e6
    case 7: 1e7
    case 8: 1e8
    case 9: 1e9
    case 10: 1e10
    case 11: 1e11
    case 12: 1e12
    case 13: 1e13
    case 14: 1e14
    case 15: 1e15
    case 16: 1e16
    case 17: 1e17
    case 18: 1e18
    case 19: 1e19
    case 20: 1e20
    case 21: 1e21
    case 22: 1e22
    default: preconditionFailure("larger powers of ten are not exact")
    }
  }
}

extension InputPosition {
  /// The number that eight digits here stand for; nil when one of eight bytes is no digit.
  @inline(__always)
  fileprivate var eightDigits: UInt64? {
    let bytes = word()
    // A digit is 0x30 to 0x39: its upper half is 3, and still is after 6 was added.
    let upper = bytes & 0xf0f0_f0f0_f0f0_f0f0
    let upperOfSum = (bytes &+ 0x0606_0606_0606_0606) & 0xf0f0_f0f0_f0f0_f0f0
    guard upper | (upperOfSum >> 4) == 0x3333_3333_3333_3333 else { return nil }
    // Neighbours are combined to numbers of two, four and eight digits; the first digit is in the lowest byte.
    let pairs = ((bytes & 0x0f0f_0f0f_0f0f_0f0f) &* (10 * 0x100 + 1)) >> 8
    let fours = ((pairs & 0x00ff_00ff_00ff_00ff) &* (100 * 0x1_0000 + 1)) >> 16
    return ((fours & 0x0000_ffff_0000_ffff) &* (10_000 * 0x1_0000_0000 + 1)) >> 32
  }

  /// Moves over digits and appends them to `value`, which overflows silently.
  @inline(__always)
  fileprivate mutating func readDigits(into value: inout UInt64) {
    while true {
      let digit = byte &- UInt8(ascii: "0")
      if digit > 9 { return }
      value = value &* 10 &+ UInt64(digit)
      self += 1
    }
  }

  /// Whether a fraction or exponent begins here.
  @inline(__always)
  fileprivate var continuesNumber: Bool { byte == UInt8(ascii: ".") || byte | 0x20 == UInt8(ascii: "e") }

  fileprivate var afterDigits: InputPosition {
    var position = self
    while position.byte &- UInt8(ascii: "0") <= 9 { position += 1 }
    return position
  }

  /// `NaN`, `Infinity` and `-Infinity` with the closing quote; the place behind it.
  fileprivate var notFinite: (InputPosition, Double)? {
    if halfWord() == 0x224e_614e { return (self + 4, .nan) }
    let isNegative = byte == UInt8(ascii: "-")
    let name = isNegative ? self + 1 : self
    guard name.word() == 0x7974_696e_6966_6e49 && name[8] == UInt8(ascii: "\"") else { return nil }
    return (name + 9, isNegative ? -.infinity : .infinity)
  }
}
