// The file's form of what clients may ask for, on all listeners: `extensions: limits:`.

package import Config
package import HTTPServer

/// Bounds that protect the process; a receiver's own keys go before them.
package struct LimitsConfig: ConfigBlock, Equatable, Sendable {
  /// Nil: a quarter of the memory, between 64 and 256 MiB.
  package var memoryInFlight: ByteSize?
  package var memoryWait: Duration
  package var maxConnections: Int
  /// Nil: 1000, and no limit for this machine itself.
  package var maxConnectionsPerAddress: Int?
  package var maxRequestLine: ByteSize
  package var maxHeaders: ByteSize
  package var maxHeaderFields: Int
  package var tlsHandshakeTimeout: Duration
  package var headerTimeout: Duration
  package var bodyTimeout: Duration
  /// Bytes per second.
  package var minBodyRate: ByteSize
  package var idleTimeout: Duration
  package var answerTimeout: Duration
  package var writeTimeout: Duration

  package init() {
    let limits = Limits()
    memoryWait = limits.holdTime
    maxConnections = limits.connectionsMax
    maxRequestLine = ByteSize(bytes: limits.requestLineBytesMax)
    maxHeaders = ByteSize(bytes: limits.headBytesMax)
    maxHeaderFields = limits.fieldsMax
    tlsHandshakeTimeout = limits.handshakeTime
    headerTimeout = limits.headTime
    bodyTimeout = limits.bodyTime
    minBodyRate = ByteSize(bytes: limits.bodyBytesPerSecondMin)
    idleTimeout = limits.idleTime
    answerTimeout = limits.answerTime
    writeTimeout = limits.writeTime
  }

  package mutating func read(from map: MapReader) {
    map.read("memory_in_flight", into: &memoryInFlight)
    if let memoryInFlight {
      map.require(memoryInFlight.bytes >= 1 << 20, "memory_in_flight", "must be at least 1MiB, found \(memoryInFlight)")
    }
    map.read("memory_wait", into: &memoryWait)
    readCount("max_connections", into: &maxConnections, map)
    map.read("max_connections_per_address", into: &maxConnectionsPerAddress)
    map.require(maxConnectionsPerAddress ?? 1 > 0, "max_connections_per_address", "must be at least 1")
    readSize("max_request_line", into: &maxRequestLine, map)
    readSize("max_headers", into: &maxHeaders, map)
    readCount("max_header_fields", into: &maxHeaderFields, map)
    readTime("tls_handshake_timeout", into: &tlsHandshakeTimeout, map)
    readTime("header_timeout", into: &headerTimeout, map)
    readTime("body_timeout", into: &bodyTimeout, map)
    map.read("min_body_rate", into: &minBodyRate)
    map.require(minBodyRate.bytes > 0, "min_body_rate", "must be at least 1 byte per second")
    readTime("idle_timeout", into: &idleTimeout, map)
    readTime("answer_timeout", into: &answerTimeout, map)
    readTime("write_timeout", into: &writeTimeout, map)
  }

  private func readCount(_ key: String, into value: inout Int, _ map: MapReader) {
    map.read(key, into: &value)
    map.require(value > 0, key, "must be at least 1, found \(value)")
  }

  private func readSize(_ key: String, into value: inout ByteSize, _ map: MapReader) {
    map.read(key, into: &value)
    map.require(
      (256...1 << 20).contains(value.bytes), key, "must be between 256 bytes and 1MiB, found \(value.bytes) bytes")
  }

  private func readTime(_ key: String, into value: inout Duration, _ map: MapReader) {
    map.read(key, into: &value)
    map.require(value > .zero, key, "must be greater than zero")
  }

  /// The same for the code; each connection needs a descriptor, and the process needs some for its files.
  package func limits(openFiles: Int) -> Limits {
    var limits = Limits()
    limits.holdTime = memoryWait
    limits.connectionsMax = max(1, min(maxConnections, openFiles - min(256, openFiles / 4)))
    limits.connectionsPerAddressMax = maxConnectionsPerAddress
    limits.requestLineBytesMax = maxRequestLine.bytes
    limits.headBytesMax = maxHeaders.bytes
    limits.fieldsMax = maxHeaderFields
    limits.handshakeTime = tlsHandshakeTimeout
    limits.headTime = headerTimeout
    limits.bodyTime = bodyTimeout
    limits.bodyBytesPerSecondMin = minBodyRate.bytes
    limits.idleTime = idleTimeout
    limits.answerTime = answerTimeout
    limits.writeTime = writeTimeout
    return limits
  }
}
