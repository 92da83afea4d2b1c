// How a status line tells a sink's lag.

import Pipeline
import Testing

@Suite("SinkLag")
struct SinkLagTests {
  @Test(
    "What waits for a moment is no lag",
    arguments: [
      (0, nil, "s is up to date"), (7, .milliseconds(4999), "s is up to date"),
      (1, .seconds(5), "s is 5 s and 1 item behind"),
      (12_345, .milliseconds(90_500), "s is 90 s and 12345 items behind"),
    ] as [(Int, Duration?, String)])
  func text(items: Int, age: Duration?, text: String) {
    #expect("\(SinkLag(sink: "s", items: items, age: age))" == text)
  }
}
