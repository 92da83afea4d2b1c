// The file's form of the `otlp` receiver.

package import Config

/// `receivers: otlp:` with its protocols; a protocol is on when its key is there, even with nothing behind it.
package struct OTLPReceiverConfig: ConfigBlock, Equatable, Sendable {
  /// OTLP/HTTP; nil when the file leaves it out.
  package var http: HTTPServerConfig?
  /// OTLP/gRPC is asked for, which is checked and has no effect yet.
  package var wantsGRPC = false

  package init() {}

  package init(http: HTTPServerConfig) { self.http = http }

  package mutating func read(from map: MapReader) {
    var protocols = Protocols()
    map.read("protocols", into: &protocols)
    http = protocols.http
    wantsGRPC = protocols.wantsGRPC
    // The Collector's words.
    map.require(
      http != nil || wantsGRPC, "protocols", "must specify at least one protocol when using the OTLP receiver")
    if http == nil, wantsGRPC {
      map.warn(
        "protocols", "OTLP/gRPC is not built into this version of otlpd, so this receiver takes nothing; add http")
    }
  }

  private struct Protocols: ConfigBlock {
    var http: HTTPServerConfig?
    var wantsGRPC = false

    mutating func read(from map: MapReader) {
      map.read("http", into: &http, isOnWhenEmpty: true)
      wantsGRPC = map.value("grpc") != nil
      map.inert("grpc", as: GRPCServerConfig.self, isOnWhenEmpty: true)
    }
  }
}
