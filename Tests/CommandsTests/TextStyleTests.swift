// When colours are wanted.

import Commands
import Testing

@Suite("Colours")
struct TextStyleTests {
  @Test(
    "Only a terminal gets colours, and only one that wants them",
    arguments: [
      (true, [:], true), (false, [:], false), (true, ["NO_COLOR": "1"], false), (true, ["NO_COLOR": ""], true),
      (true, ["TERM": "dumb"], false),
    ] as [(Bool, [String: String], Bool)])
  func wanted(_ isTerminal: Bool, _ environment: [String: String], _ expected: Bool) {
    #expect(TextStyle(isTerminal: isTerminal, environment: environment).isColoured == expected)
  }
}
