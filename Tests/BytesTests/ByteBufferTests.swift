// Growing buffers and what they become.

import Bytes
import Testing

@Suite("ByteBuffer")
struct ByteBufferTests {
  @Test("What is appended in many forms comes out in order")
  func append() {
    var buffer = ByteBuffer()
    let isEmpty = buffer.isEmpty
    #expect(isEmpty)
    buffer.append(UInt8(ascii: "a"))
    buffer.append([1, 2, 3].span)
    buffer.append(Bytes("bc"))
    buffer.append("é" as String)
    buffer.append("static")
    let text: StaticString = "!"
    buffer.append(text)
    let array = buffer.finish().array
    #expect(array == [97, 1, 2, 3, 98, 99, 0xC3, 0xA9] + Array("static!".utf8))
  }

  @Test("Decimal numbers are written as Swift writes them", arguments: [0, 7, 10, -1, 4318, Int.max, Int.min])
  func decimal(number: Int) {
    var buffer = ByteBuffer()
    buffer.append(decimal: number)
    let text = buffer.finish().text
    #expect(text == String(number))
    var unsigned = ByteBuffer()
    unsigned.append(decimal: UInt64(bitPattern: Int64(number)))
    let unsignedText = unsigned.finish().text
    #expect(unsignedText == String(UInt64(bitPattern: Int64(number))))
  }

  @Test("A tail is lent between its bounds and grows the buffer by what was written")
  func tail() {
    var buffer = ByteBuffer(capacity: 4)
    buffer.append([1, 2].span)
    var lent = 0
    let written = buffer.appendTail(minimum: 10, maximum: 12) { tail in
      lent = tail.freeCapacity
      tail.append(3)
      tail.append(4)
    }
    #expect(written == 2 && lent >= 10 && lent <= 12)
    let free = buffer.capacity - buffer.count
    buffer.appendTail(minimum: 0) { tail in lent = tail.freeCapacity }
    #expect(lent == free)
    let array = buffer.finish().array
    #expect(array == [1, 2, 3, 4])
  }

  @Test("A tail whose writer fails is forgotten")
  func failingTail() {
    struct Failure: Error {}
    var buffer = ByteBuffer()
    buffer.append(1)
    do throws(Failure) {
      try buffer.appendTail(minimum: 5) { tail throws(Failure) in
        tail.append(2)
        throw Failure()
      }
      Issue.record("the failure was lost")
    } catch {}
    let array = buffer.finish().array
    #expect(array == [1])
  }

  @Test("The beginning can be dropped, bytes replaced, and everything forgotten")
  func edit() {
    var buffer = ByteBuffer()
    buffer.append([1, 2, 3, 4, 5].span)
    buffer.removeFirst(2)
    buffer.replace(at: 0, with: 9)
    let (text, capacity) = (buffer.span.text, buffer.capacity)
    #expect(text == "\u{9}\u{4}\u{5}")
    buffer.removeAll()
    let (count, kept) = (buffer.count, buffer.capacity)
    #expect(count == 0 && kept == capacity)
  }

  @Test("Reserving a total gives exactly that, and never less than there is")
  func reserveTotal() {
    var buffer = ByteBuffer()
    buffer.append([1, 2, 3].span)
    buffer.reserve(total: 1000)
    let first = buffer.capacity
    buffer.reserve(total: 10)
    let second = buffer.capacity
    let array = buffer.finish().array
    #expect(first == 1000 && second == 1000 && array == [1, 2, 3])
  }

  @Test("A tight finish keeps no large unused rest")
  func tight() {
    var buffer = ByteBuffer(capacity: 1 << 20)
    buffer.append([1, 2, 3].span)
    let bytes = buffer.finishTight()
    #expect(bytes.array == [1, 2, 3] && paddingIsZero(bytes))
  }

  @Test("The padding behind finished bytes is zero, whatever the storage held before", arguments: [0, 1, 63, 64, 1000])
  func padding(count: Int) {
    var buffer = ByteBuffer(capacity: 2000)
    for _ in 0..<2000 { buffer.append(255) }
    buffer.removeAll()
    for _ in 0..<count { buffer.append(255) }
    let bytes = buffer.finish()
    #expect(bytes.count == count && paddingIsZero(bytes))
  }

  @Test("Empty buffers do not disturb each other")
  func empties() {
    var first = ByteBuffer()
    var second = ByteBuffer()
    first.append(1)
    second.append(2)
    unsafe second.appendUnsafe(capacity: 0) { _ in 0 }
    let arrays = [first.finish().array, second.finish().array]
    #expect(arrays == [[1], [2]])
    var third = ByteBuffer()
    unsafe third.appendUnsafe(capacity: 0) { base in
      unsafe base.initialize(repeating: 255, count: Bytes.padding)
      return 0
    }
    let empties = [third.finish(), Bytes(), ByteBuffer().finish()]
    #expect(empties.allSatisfy { paddingIsZero($0) })
  }
}

func paddingIsZero(_ bytes: Bytes) -> Bool {
  unsafe bytes.withUnsafePaddedBytes { base, count in
    (0..<Bytes.padding).allSatisfy { unsafe base[count + $0] == 0 }
  }
}
