// What browsers are told.

import Bytes
import HTTPServer
import Testing

@Suite struct CORSTests {
  private func fields(
    _ cors: CORS, _ method: String, origin: String?, wants: String? = nil, headers: String? = nil
  ) throws -> [String] {
    var fields: [HTTPHeader] = []
    if let origin { fields.append(HTTPHeader("Origin", origin)) }
    if let wants { fields.append(HTTPHeader("Access-Control-Request-Method", wants)) }
    if let headers { fields.append(HTTPHeader("Access-Control-Request-Headers", headers)) }
    let request = try HTTPRequest(method: method, target: "/v1/traces", headers: fields)
    return cors.fields(for: request).map { "\($0.name): \($0.value)" }
  }

  private static let varies = "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers"

  @Test(
    "An origin is compared with the first star as anything",
    arguments: [
      ("https://a.example", "https://a.example", true), ("https://A.example", "https://a.EXAMPLE", true),
      ("https://*.example", "https://a.b.example", true), ("https://*.example", "https://.example", true),
      ("https://*.example", "https://example", false), ("https://*.example", "https://a.example.evil", false),
      ("https://a.example", "https://a.example.evil", false), ("https://a.example", "http://a.example", false),
      ("http://localhost:*", "http://localhost:3000", true), ("a*ab", "ab", false),
      ("https://a.example", "null", false),
    ])
  func origins(pattern: String, origin: String, isAllowed: Bool) throws {
    let cors = CORS(origins: ["https://other.example", pattern], headers: [], exposedHeaders: [], maxAge: 0)
    let expected = [
      "Vary: Origin", "Access-Control-Allow-Origin: \(origin)", "Access-Control-Allow-Credentials: true",
    ]
    #expect(try fields(cors, "POST", origin: origin) == (isAllowed ? expected : ["Vary: Origin"]))
  }

  @Test("A preflight gets what was asked for, when all of it is allowed")
  func preflight() throws {
    let cors = CORS(
      origins: ["https://a.example"], headers: ["X-Key"], exposedHeaders: ["X-Seen"], maxAge: 7200)
    let welcome = [
      Self.varies, "Access-Control-Allow-Origin: https://a.example", "Access-Control-Allow-Methods: POST",
      "Access-Control-Allow-Headers: content-type, x-key", "Access-Control-Allow-Credentials: true",
      "Access-Control-Max-Age: 7200",
    ]
    let origin = "https://a.example"
    #expect(try fields(cors, "OPTIONS", origin: origin, wants: "POST", headers: "content-type, x-key") == welcome)
    for (origin, wants, headers) in [
      ("https://b.example", "POST", "content-type"), (origin, "PUT", "content-type"), (origin, "POST", "x-other"),
      (nil, "POST", "content-type"),
    ] {
      #expect(try fields(cors, "OPTIONS", origin: origin, wants: wants, headers: headers) == [Self.varies])
    }
    #expect(
      try fields(cors, "POST", origin: origin) == [
        "Vary: Origin", "Access-Control-Allow-Origin: https://a.example", "Access-Control-Expose-Headers: X-Seen",
        "Access-Control-Allow-Credentials: true",
      ])
  }

  @Test("A star allows every origin, and every header")
  func stars() throws {
    let cors = CORS(origins: ["*"], headers: ["*"], exposedHeaders: [], maxAge: 0)
    let answer = try fields(cors, "OPTIONS", origin: "https://b.example", wants: "POST", headers: "x-any")
    #expect(answer.contains("Access-Control-Allow-Origin: *") && answer.contains("Access-Control-Allow-Headers: x-any"))
    let plain = CORS(origins: ["*"], headers: [], exposedHeaders: [], maxAge: 0)
    #expect(
      try fields(plain, "OPTIONS", origin: "https://b.example", wants: "POST", headers: "x-requested-with").count == 5)
  }
}
