// Tests that requests cut in pieces, or merged, hold the same telemetry.

import Bytes
import Fuzzing
import OTLP
import Testing

/// A request's items with everything they stand in, read without the code under test.
private func flattened(_ request: ExportRequest) -> [[UInt8]] {
  let numbers: [Set<UInt64>] =
    request.signal == .metrics ? [[1], [2], [2], [5, 7, 9, 10, 11], [1]] : [[1], [2], [2]]
  return flattened(request.payload.array[...], numbers[...], around: [])
}

private func flattened(
  _ message: ArraySlice<UInt8>, _ numbers: ArraySlice<Set<UInt64>>, around frames: [UInt8]
) -> [[UInt8]] {
  guard let children = numbers.first else { return [frames + message] }
  let fields = fields(of: message)
  let frame = fields.filter { $0.type != 2 || !children.contains($0.number) }.flatMap(\.whole)
  let inside = fields.filter { $0.type == 2 && children.contains($0.number) }
  let around = frames + Encoded.eight(UInt64(frame.count)) + frame
  if inside.isEmpty { return [around] }
  return inside.flatMap { field in
    flattened(field.content, numbers.dropFirst(), around: around + [UInt8(field.number)])
  }
}

private typealias WholeField = (number: UInt64, type: UInt64, content: ArraySlice<UInt8>, whole: ArraySlice<UInt8>)

private func fields(of message: ArraySlice<UInt8>) -> [WholeField] {
  var (fields, rest): ([WholeField], ArraySlice<UInt8>) = ([], message)
  func varint() -> UInt64 {
    var (value, shift): (UInt64, UInt64) = (0, 0)
    while let byte = rest.popFirst() {
      value |= UInt64(byte & 0x7f) << shift
      shift += 7
      if byte < 0x80 { break }
    }
    return value
  }
  while !rest.isEmpty {
    let start = rest.startIndex
    let tag = varint()
    var content = rest.prefix(0)
    switch tag & 7 {
    case 0: _ = varint()
    case 1: rest = rest.dropFirst(8)
    case 5: rest = rest.dropFirst(4)
    default:
      let count = Int(varint())
      content = rest.prefix(count)
      rest = rest.dropFirst(count)
    }
    fields.append((tag >> 3, tag & 7, content, message[start..<rest.startIndex]))
  }
  return fields
}

/// A request with many groups, records and unknown fields.
private func random(_ signal: Signal, seed: UInt64) throws -> ExportRequest {
  var random = RandomMessages(seed: seed)
  var bytes: [UInt8] = []
  for _ in 0..<6 {
    bytes += random.message(.request(of: signal)).bytes
    if random.generator.next() % 100 < 30 { bytes += Encoded.message(1) }
    if random.generator.next() % 100 < 30 { bytes += Encoded.message(1, Encoded.message(2)) }
    if random.generator.next() % 100 < 20 { bytes += Encoded.text(99, "unknown") }
  }
  return try ExportRequest(decoding: Bytes(bytes), as: .protobuf, signal: signal)
}

private let limits: [(items: Int, bytes: Int)] = [
  (1, .max), (2, .max), (7, .max), (1000, .max), (.max, 1), (.max, 300), (.max, 1000), (.max, 5000), (3, 800),
]

@Suite struct SplitTests {
  @Test("Pieces hold the same records in order with the same surroundings, within the limits", arguments: 0..<60)
  func pieces(seed: UInt64) throws {
    for signal in Signal.allCases {
      let request = try random(signal, seed: seed)
      let whole = flattened(request)
      for limit in limits {
        let pieces = request.split(itemsMax: limit.items, bytesMax: limit.bytes)
        #expect(pieces.flatMap(flattened) == whole, "\(signal) \(limit)")
        #expect(pieces.reduce(0) { $0 + $1.itemCount } == request.itemCount)
        for piece in pieces {
          let again = try ExportRequest(decoding: piece.payload, as: .protobuf, signal: signal)
          #expect(again.payload == piece.payload, "a piece is canonical")
          #expect(again.itemCount == piece.itemCount)
          #expect(piece.itemCount <= limit.items)
          #expect(piece.payload.count <= limit.bytes || flattened(piece).count == 1)
        }
      }
    }
  }

  @Test("A request within the limits stays the very same")
  func fitting() throws {
    let request = try random(.traces, seed: 5)
    let pieces = request.split(itemsMax: request.itemCount, bytesMax: request.payload.count)
    #expect(pieces.count == 1)
    #expect(pieces.first?.payload == request.payload)
  }

  @Test("A data point keeps its metric's name, unit and temporality")
  func dataPoints() throws {
    let point = Encoded.message(1, Encoded.fixed64(3, 7))
    let sum = Encoded.message(7, point, point, point, Encoded.number(2, 2), Encoded.number(3, 1))
    let request = try ExportRequest(
      decoding: Bytes(Encoded.request(metric: Encoded.text(1, "requests"), Encoded.text(3, "1"), sum)), as: .protobuf,
      signal: .metrics)
    let pieces = request.split(itemsMax: 2)
    #expect(pieces.map(\.itemCount) == [2, 1])
    for piece in pieces {
      #expect(piece.json.contains("\"name\":\"requests\""))
      #expect(piece.json.contains("\"unit\":\"1\""))
      #expect(piece.json.contains("\"isMonotonic\":true"))
    }
  }

  @Test("Neighbours of one resource and scope become one request, others stay apart")
  func merged() throws {
    func logs(_ service: String, _ body: String) throws -> ExportRequest {
      try ExportRequest.fixture(
        .logs, resource: { $0.pair(1, "service.name", service) }, scope: { $0.field(1, text: "s") },
        items: { $0.field(2) { record in record.field(5) { $0.field(1, text: body) } } })
    }
    let requests = try [logs("a", "1"), logs("a", "2"), logs("b", "3"), logs("a", "4"), logs("a", "5"), logs("a", "6")]
    let merged = ExportRequest.merged(requests)
    #expect(merged.map(\.itemCount) == [2, 1, 3])
    #expect(merged.flatMap(flattened) == requests.flatMap(flattened))
    #expect(merged[1].payload == requests[2].payload)
    for request in merged {
      let again = try ExportRequest(decoding: request.payload, as: .protobuf, signal: .logs)
      #expect(again.payload == request.payload)
      #expect(again.itemCount == request.itemCount)
    }
  }

  @Test("Whatever is merged is the same telemetry", arguments: 0..<60)
  func mergedRandom(seed: UInt64) throws {
    for signal in Signal.allCases {
      let one = try random(signal, seed: seed)
      var requests = one.split(itemsMax: 2)
      requests += try random(signal, seed: seed + 1000).split(itemsMax: 1)
      let gathered = ExportRequest.gathered(requests)
      #expect(gathered.map(\.payload) == requests.map(\.payload))
      #expect(gathered.map(\.itemCount) == requests.map(\.itemCount))
      #expect(gathered.dropFirst().reduce(gathered[0].payload as Bytes?) { $0?.joined(with: $1.payload) } != nil)
      let merged = ExportRequest.merged(gathered)
      #expect(merged.flatMap(flattened) == requests.flatMap(flattened))
      #expect(merged.reduce(0) { $0 + $1.itemCount } == requests.reduce(0) { $0 + $1.itemCount })
      for request in merged {
        let again = try ExportRequest(decoding: request.payload, as: .protobuf, signal: signal)
        #expect(again.payload == request.payload)
        #expect(again.itemCount == request.itemCount)
      }
    }
  }
}
