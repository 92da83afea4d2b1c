// Statements without their literals.

import Bytes
import Fuzzing
import TelemetryStore
import Testing

@Suite struct StatementTextTests {
  @Test(
    "Literals become ?, white space and comments one space, lists of values one value",
    arguments: [
      ("SELECT * FROM orders WHERE id = 42", "SELECT * FROM orders WHERE id = ?"),
      ("SELECT  a,\n\tb FROM t  ", "SELECT a, b FROM t"),
      ("select 'it''s', 'a\\'b' from t", "select ? from t"),
      ("SELECT x FROM t WHERE id IN (1, 2, 3)", "SELECT x FROM t WHERE id IN (?)"),
      ("SELECT x FROM t WHERE id IN (%s, %s,%s) LIMIT %s", "SELECT x FROM t WHERE id IN (?) LIMIT ?"),
      ("UPDATE t SET a = %(a)s, b = :b WHERE c = $1", "UPDATE t SET a = ?, b = ? WHERE c = ?"),
      ("SELECT x::text FROM t WHERE y = @p1", "SELECT x::text FROM t WHERE y = ?"),
      ("SELECT \"order 1\".\"a\" FROM `t 2`", "SELECT \"order 1\".\"a\" FROM `t 2`"),
      ("SELECT t1.c2 FROM t1 -- the first\nWHERE c2 > 1.5e3", "SELECT t1.c2 FROM t1 WHERE c2 > ?"),
      ("SELECT /* a 'hint' */ 1 -- end", "SELECT ?"),
      ("SELECT 0xff, 'open", "SELECT ?"),
      ("SELECT a FROM t WHERE b LIKE '%s%'", "SELECT a FROM t WHERE b LIKE ?"),
      ("HGETALL user:17", "HGETALL user:?"), ("größe = 3", "größe = ?"), ("", ""), ("%", "%"), ("a /* b", "a"),
    ])
  func normalises(statement: String, normal: String) {
    #expect(StatementTextTests.normal(statement) == normal)
  }

  @Test("Any text gives valid UTF-8 of bounded length, and a normal form is its own", arguments: 0..<300)
  func takesAnything(seed: Int) {
    var chance = SplitMix(seed: UInt64(seed))
    let pieces = [
      "'", "\"", "/*", "*/", "--", "\n", "?", ",", "(", ")", "ä", "😀", "%(", "%s", ":", "$1", "12", "a_b", " ", "\\",
    ]
    let statement = (0..<Int.random(in: 0...1500, using: &chance)).map { _ in pieces.randomElement(using: &chance) ?? ""
    }
    .joined()
    let normal = StatementTextTests.normal(statement)
    #expect(normal.utf8.count <= StatementText.bytesMax)
    #expect(!normal.contains("\u{fffd}"))
  }

  static func normal(_ statement: String) -> String {
    var buffer = ByteBuffer()
    let bytes = Bytes(statement)
    StatementText.append(bytes.span, to: &buffer)
    return buffer.finish().text
  }
}
