// The flat JSON objects with which token endpoints answer.

package import Bytes

extension Bytes {
  /// The texts and whole numbers at the top of a JSON object, as text; nil when the bytes are no JSON object.
  ///
  /// Members of other types are left out, and of two with one name the last counts.
  package var scalarJSONMembers: [String: String]? {
    var members: [String: String] = [:]
    let isObject = forEachReplyMember { (key, scanner) throws(DecodeError) in
      if scanner.peek() == UInt8(ascii: "\"") {
        members[key] = try scanner.readString().text
      } else {
        members[key] = try scanner.readLenientInteger().map { String($0) }
      }
    }
    return isObject ? members : nil
  }
}
