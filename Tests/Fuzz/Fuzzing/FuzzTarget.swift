// What can be fuzzed: one entry per kind of input.

/// A kind of input from outside, and what must hold for every input of that kind.
package struct FuzzTarget: Sendable, CustomStringConvertible {
  /// The name, and the suffix of the target's files: `span.traces.json` is a seed of `traces.json`.
  package let name: String
  /// Pieces that damage inserts into inputs.
  let tokens: [[UInt8]]
  /// New inputs besides the files; nil when there are only these.
  let generate: (@Sendable (inout SplitMix) -> [UInt8])?
  /// Tries one input; returns whether it was accepted, and throws `FuzzFailure` when something does not hold.
  package let check: @Sendable ([UInt8]) throws -> Bool

  package init(
    name: String, tokens: [[UInt8]], generate: (@Sendable (inout SplitMix) -> [UInt8])? = nil,
    check: @escaping @Sendable ([UInt8]) throws -> Bool
  ) {
    self.name = name
    self.tokens = tokens
    self.generate = generate
    self.check = check
  }

  package var description: String { name }

  /// A new target is a file beside this one, and a line here.
  package static let all: [FuzzTarget] =
    ExportRequestTargets.all + [
      FlatJSONTarget.target
    ] + ReplyTargets.all + DoorTargets.all
}

/// A promise that was broken.
package struct FuzzFailure: Error, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}

/// Throws unless `condition` holds.
func require(_ condition: Bool, _ problem: @autoclosure () -> String) throws {
  if !condition { throw FuzzFailure(problem()) }
}
