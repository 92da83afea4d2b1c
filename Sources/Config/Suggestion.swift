// "Did you mean …?": finds the word that a misspelt one was meant to be.

/// `; did you mean "endpoint"?`, or an empty text when no candidate is near enough.
package func suggestion(for word: String, among candidates: some Sequence<String>) -> String {
  guard let candidate = nearest(to: word, among: candidates) else { return "" }
  return "; did you mean \(quoted(candidate))?"
}

/// The candidate with the fewest edits, at most a third of the word and never more than four.
private func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
  let folded = fold(word)
  let limit = min(4, max(1, folded.count / 3))
  var best: (candidate: String, distance: Int)?
  for candidate in candidates.sorted() {
    let distance = editDistance(folded, fold(candidate))
    if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
  }
  return best?.candidate
}

/// Case and the kind of separator are what people confuse most: they cost nothing.
private func fold(_ word: String) -> [UInt8] {
  word.prefix(64).lowercased().utf8.filter { $0 != UInt8(ascii: "_") && $0 != UInt8(ascii: "-") }
}

/// Insertions, deletions, substitutions and swaps of neighbours that turn one word into the other.
private func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
  var beforePrevious: [Int] = []
  var previous = Array(0...right.count)
  for row in 0..<left.count {
    var current = [row + 1]
    for column in 0..<right.count {
      let substitution = previous[column] + (left[row] == right[column] ? 0 : 1)
      var cost = min(previous[column + 1] + 1, current[column] + 1, substitution)
      if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
        cost = min(cost, beforePrevious[column - 1] + 1)
      }
      current.append(cost)
    }
    beforePrevious = previous
    previous = current
  }
  return previous[right.count]
}
