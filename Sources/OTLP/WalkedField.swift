// One field of a message that was walked, at a time: for the rewriting of what is valid and not canonical.

/// A field as it lies in a message that `WireWalker` has proved, groups included.
struct WalkedField {
  /// Where the tag begins.
  let start: InputPosition
  let number: Int
  let wireType: UInt8
  /// The content of a length-delimited value, otherwise all that is behind the tag.
  let value: InputRange

  @inline(__always) var end: InputPosition { value.end }

  /// The field that begins at `start`, in a message that ends at `limit`.
  @inline(__always)
  init(at start: InputPosition, until limit: InputPosition) {
    self.start = start
    let (position, tag) = start.varint
    number = Int(truncatingIfNeeded: tag >> 3)
    wireType = UInt8(truncatingIfNeeded: tag & 7)
    value =
      switch wireType {
      case 2: position.content(until: limit)
      case 3: InputRange(position, until: position.behindGroup(until: limit))
      default: InputRange(position, until: position.afterValue(tag, until: limit))
      }
  }
}

extension InputPosition {
  /// The place behind the group whose start tag lies in front of this place. Groups inside it are counted, not entered.
  @inline(never)
  fileprivate func behindGroup(until end: InputPosition) -> InputPosition {
    var (position, depth) = (self, 1)
    while depth > 0 {
      precondition(position < end, "a group ends inside its message (I1)")
      let (value, tag) = position.varint
      switch tag & 7 {
      case 3: (depth, position) = (depth + 1, value)
      case 4: (depth, position) = (depth - 1, value)
      default: position = value.afterValue(tag, until: end)
      }
    }
    return position
  }
}
