// Golden files: messages of every kind as Python's protobuf writes them, in every form that we have.

import Bytes
import Fuzzing
import OTLP
import Testing

@Suite("Golden files")
struct GoldenTests {
  /// A message in both encodings.
  struct Pair: CustomTestStringConvertible {
    let name: String
    let signal: Signal
    let json: Bytes
    let protobuf: Bytes

    var testDescription: String { name }
  }

  /// The pairs NAME.`suffix`.json and NAME.`suffix`.pb.
  static func pairs(_ suffix: (Signal) -> String) -> [Pair] {
    Signal.allCases.flatMap { signal -> [Pair] in
      let json = (try? Corpus().files(in: "corpus", suffix: suffix(signal) + ".json")) ?? []
      let protobuf = (try? Corpus().files(in: "corpus", suffix: suffix(signal) + ".pb")) ?? []
      // A seed that fuzzing alone needs has no other half.
      return protobuf.compactMap { protobuf -> Pair? in
        let name = protobuf.name.dropLast(3)
        guard let json = json.first(where: { $0.name == name + ".json" }) else { return nil }
        return Pair(name: String(name), signal: signal, json: Bytes(json.bytes), protobuf: Bytes(protobuf.bytes))
      }
    }
  }

  static let requests = pairs(\.name)
  static let responses = pairs { "\($0.name).response" }

  @Test("JSON becomes the bytes that Python writes", arguments: requests)
  func fromJSON(pair: Pair) throws {
    let request = try ExportRequest(decoding: pair.json, as: .json, signal: pair.signal)
    #expect(request.payload == pair.protobuf)
    #expect(request.rejected == nil && request.leniencies == .init())
  }

  @Test("Protobuf is kept, and becomes the JSON that Python writes", arguments: requests)
  func fromProtobuf(pair: Pair) throws {
    let request = try ExportRequest(decoding: pair.protobuf, as: .protobuf, signal: pair.signal)
    #expect(request.payload == pair.protobuf)
    #expect(request.json == pair.json.text)
    #expect(request.rejected == nil)
  }

  @Test("Replies are read alike in both encodings, and written as Python writes them", arguments: responses)
  func replies(pair: Pair) {
    let rejection = ExportResponse.rejection(in: pair.protobuf, encoding: .protobuf, signal: pair.signal)
    #expect(ExportResponse.rejection(in: pair.json, encoding: .json, signal: pair.signal) == rejection)
    #expect((rejection == nil) == pair.name.hasPrefix("full_success"))
    let written = { ExportResponse.success(rejection: rejection, signal: pair.signal, encoding: $0) }
    #expect(written(.protobuf) == pair.protobuf && written(.json) == pair.json)
  }

  @Test("So is a refusal")
  func status() throws {
    let file = { (suffix: String) in
      Bytes(try #require(try Corpus().files(in: "corpus", suffix: "status." + suffix).first).bytes)
    }
    let status = try #require(RPCStatus(decoding: file("pb"), as: .protobuf))
    #expect(RPCStatus(decoding: try file("json"), as: .json) == status)
    #expect(try status.encoded(as: .protobuf) == file("pb") && status.encoded(as: .json) == file("json"))
  }

  @Test("Attributes have the flat form that Python writes, and come back from it")
  func flat() throws {
    let files = try Corpus().files(in: "corpus", suffix: "flat.json")
    #expect(files.count > 2)
    for file in files {
      let name = file.name.dropLast(".flat.json".count)
      let pair = try #require(GoldenTests.requests.first { $0.name == "\(name).logs" })
      let request = try ExportRequest(decoding: pair.protobuf, as: .protobuf, signal: .logs)
      var texts: [String] = []
      request.forEachLogRecord { _, _, record in texts.append(appended { FlatJSON.append(record.attributes, to: &$0) })
      }
      #expect(texts.first == Bytes(file.bytes).text, "\(file.name)")
      let fields = try FlatJSON.attributes(from: Bytes(file.bytes), asField: 6)
      let record = try ExportRequest.fixture(.logs) { $0.field(2, bytes: fields.array) }
      record.forEachLogRecord { _, _, record in
        #expect(appended { FlatJSON.append(record.attributes, to: &$0) } == texts.first, "\(file.name)")
      }
    }
  }

  @Test("Every field of every message of the schema is in a golden file")
  func everyField() throws {
    var missing = Set<String>()
    for kind in MessageKind.allCases {
      missing.formUnion(kind.fields.map { "\(kind).\($0.name)" })
    }
    #expect(missing.count > 100)
    func visit(_ bytes: [UInt8], _ kind: MessageKind) {
      for wire in WireMessage(bytes).fields {
        guard let field = kind.fields.first(where: { Int($0.number) == wire.number }) else { continue }
        missing.remove("\(kind).\(field.name)")
        if let message = field.message { visit(wire.content, message) }
      }
    }
    for pair in GoldenTests.requests { visit(pair.protobuf.array, .request(of: pair.signal)) }
    #expect(missing.isEmpty)
  }
}
