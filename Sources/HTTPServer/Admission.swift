// Whether a request may go on.

/// Decides about a request that has everything but its body, on the loop's thread: never block.
package typealias HTTPGate = @Sendable (HTTPRequest) -> Admission

/// What a gate says.
package enum Admission: Sendable {
  case admitted
  case refused(HTTPRefusal)
  /// The decision takes long and is made elsewhere: call this once, with what to call then. A nil refusal admits.
  case undecided(@Sendable (_ decided: @escaping @Sendable (HTTPRefusal?) -> Void) -> Void)
}
