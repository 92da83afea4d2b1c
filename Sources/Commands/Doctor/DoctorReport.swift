// The doctor's findings as lines.

internal import Sinks

/// Prints findings, one a line.
package enum DoctorReport {
  /// - Parameters:
  ///   - exports: what an app's environment has to hold; shown when something is wrong.
  package static func text(_ findings: [DoctorFinding], exports: String, _ style: TextStyle) -> String {
    var text = findings.map { line($0, style) }.joined()
    let bad = findings.filter(\.isBad).count
    if bad > 0, !exports.isEmpty { text += "\nWhat an app on this machine needs in its environment:\n" + exports }
    text += bad == 0 ? "\nAll is well.\n" : "\n\(Quantity.count(bad, "thing")) to mend.\n"
    return text
  }

  private static func line(_ finding: DoctorFinding, _ style: TextStyle) -> String {
    let word = finding.level.rawValue + String(repeating: " ", count: 7 - finding.level.rawValue.count)
    let painted =
      switch finding.level {
      case .ok: style.green(word)
      case .note: word
      case .warning: style.yellow(word)
      case .problem: style.red(word)
      }
    let dot = finding.text.hasSuffix(".") ? "" : "."
    let next = finding.next.map { "\(dot) Next: \($0)" } ?? ""
    return "\(painted)  \(finding.place): \((finding.text + next).printable)\n"
  }
}
