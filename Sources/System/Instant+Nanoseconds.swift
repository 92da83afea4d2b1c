// Instants moved by plain numbers, for code that does it with every event.

extension Instant {
  /// The instant so many nanoseconds later; the far future is the limit.
  package func after(nanoseconds amount: UInt64) -> Instant {
    let (sum, overflow) = nanoseconds.addingReportingOverflow(amount)
    return Instant(nanoseconds: overflow ? .max : sum)
  }
}
