// Writing small requests of one resource and scope as one.

internal import Bytes

extension ExportRequest {
  /// Larger requests stay as they are: what they would save is nothing beside what they hold.
  private static let mergeableBytesMax = 16 << 10

  /// The same telemetry, with neighbours that have one and the same resource and scope written as one request.
  ///
  /// The requests are of one signal. Records are copied as they stand; a resource or scope is compared byte by byte.
  package static func merged(_ requests: [ExportRequest]) -> [ExportRequest] {
    guard requests.count > 1 else { return requests }
    var result: [ExportRequest] = []
    var run: [ExportRequest] = []
    var envelopes: [Envelope] = []
    for request in requests {
      let envelope = request.payload.count <= mergeableBytesMax ? Envelope(request.payload) : nil
      if let envelope, let first = envelopes.first, first.hasFrame(of: envelope, request.payload, run[0].payload) {
        envelopes.append(envelope)
      } else {
        if let first = run.first { result.append(run.count == 1 ? first : first.merged(with: run, envelopes)) }
        run = []
        envelopes = envelope.map { [$0] } ?? []
      }
      run.append(request)
    }
    if let first = run.first { result.append(run.count == 1 ? first : first.merged(with: run, envelopes)) }
    return result
  }

  /// The same requests, copied so that their payloads lie one behind the other: together they are the merged request.
  ///
  /// The requests are of one signal.
  package static func gathered(_ requests: [ExportRequest]) -> [ExportRequest] {
    guard requests.count > 1 else { return requests }
    var buffer = ByteBuffer(capacity: requests.reduce(0) { $0 + $1.payload.count })
    for request in requests { buffer.append(request.payload) }
    let whole = buffer.finish()
    var end = 0
    return requests.map { request in
      let start = end
      end += request.payload.count
      return ExportRequest(held: whole.slice(start..<end), itemCount: request.itemCount, signal: request.signal)
    }
  }

  /// This request's frame around the records of all of `run`, of which it is the first.
  private func merged(with run: [ExportRequest], _ envelopes: [Envelope]) -> ExportRequest {
    let frame = envelopes[0]
    let records = envelopes.reduce(0) { $0 + $1.records.count }
    let scope = frame.scope.count + records + frame.behindRecords.count
    let group = frame.resource.count + 1 + MessageWriter.varintBytes(UInt64(scope)) + scope + frame.behindScope.count
    var writer = MessageWriter(capacity: group + 16)
    writer.append(tag: 1, wireType: 2)
    writer.append(varint: UInt64(group))
    writer.append(encoded: payload.span.extracting(frame.resource))
    writer.append(tag: 2, wireType: 2)
    writer.append(varint: UInt64(scope))
    writer.append(encoded: payload.span.extracting(frame.scope))
    for (request, envelope) in zip(run, envelopes) {
      writer.append(encoded: request.payload.span.extracting(envelope.records))
    }
    writer.append(encoded: payload.span.extracting(frame.behindRecords))
    writer.append(encoded: payload.span.extracting(frame.behindScope))
    return ExportRequest(
      held: writer.finish(), itemCount: run.reduce(0) { $0 + $1.itemCount }, signal: signal)
  }
}

/// Where the parts of a request lie that has exactly one resource group with exactly one scope group.
private struct Envelope {
  /// Of the resource group, what stands before its scope group: the resource, as a rule.
  let resource: Range<Int>
  /// Of the scope group, what stands before its records: the scope, as a rule.
  let scope: Range<Int>
  let records: Range<Int>
  /// Of the scope group, what stands behind its records: its schema URL, as a rule.
  let behindRecords: Range<Int>
  let behindScope: Range<Int>

  /// Nil for a request of another shape.
  init?(_ payload: Bytes) {
    guard let group = Run(of: 1, in: 0..<payload.count, payload), group.count == 1, group.range.count == payload.count,
      let scope = Run(of: 2, in: group.content, payload), scope.count == 1,
      let records = Run(of: 2, in: scope.content, payload)
    else { return nil }
    resource = group.content.lowerBound..<scope.range.lowerBound
    self.scope = scope.content.lowerBound..<records.range.lowerBound
    self.records = records.range
    behindRecords = records.range.upperBound..<scope.content.upperBound
    behindScope = scope.range.upperBound..<group.content.upperBound
  }

  /// Whether everything but the records is the same in both.
  func hasFrame(of other: Envelope, _ payload: Bytes, _ ownPayload: Bytes) -> Bool {
    func same(_ own: Range<Int>, _ range: Range<Int>) -> Bool {
      own.count == range.count && ownPayload.slice(own) == payload.slice(range)
    }
    return same(resource, other.resource) && same(scope, other.scope) && same(behindRecords, other.behindRecords)
      && same(behindScope, other.behindScope)
  }

  /// The occurrences of a field of messages, one behind the other.
  private struct Run {
    private(set) var range: Range<Int>
    /// That of the first.
    let content: Range<Int>
    private(set) var count = 1

    /// Nil when there is none, or something stands in between.
    init?(of number: Int, in message: Range<Int>, _ payload: Bytes) {
      var found: (range: Range<Int>, content: Range<Int>)?
      var count = 0
      var position = message.lowerBound
      while let field = CheckedField(payload.span, at: position, limit: message.upperBound) {
        position = field.end
        guard field.number == number, field.wireType == 2 else { continue }
        if let before = found {
          guard before.range.upperBound == field.start else { return nil }
          found = (before.range.lowerBound..<field.end, before.content)
        } else {
          found = (field.start..<field.end, field.value)
        }
        count += 1
      }
      guard let found else { return nil }
      (range, content, self.count) = (found.range, found.content, count)
    }
  }
}
