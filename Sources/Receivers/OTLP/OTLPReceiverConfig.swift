// The file's form of the `otlp` receiver.

package import Config

/// `receivers: otlp:` with its protocols; a protocol is on when its key is there, even with nothing behind it.
package struct OTLPReceiverConfig: ConfigBlock, Equatable, Sendable {
  /// OTLP/HTTP; nil when the file leaves it out.
  package var http: HTTPServerConfig?
  /// OTLP/gRPC; nil when the file leaves it out.
  package var grpc: GRPCServerConfig?

  package init() {}

  package init(http: HTTPServerConfig? = nil, grpc: GRPCServerConfig? = nil) {
    self.http = http
    self.grpc = grpc
  }

  package mutating func read(from map: MapReader) {
    var protocols = Protocols()
    map.read("protocols", into: &protocols)
    http = protocols.http
    grpc = protocols.grpc
    // The Collector's words.
    map.require(
      http != nil || grpc != nil, "protocols", "must specify at least one protocol when using the OTLP receiver")
  }

  private struct Protocols: ConfigBlock {
    var http: HTTPServerConfig?
    var grpc: GRPCServerConfig?

    mutating func read(from map: MapReader) {
      map.read("http", into: &http, isOnWhenEmpty: true)
      map.read("grpc", into: &grpc, isOnWhenEmpty: true)
    }
  }
}
