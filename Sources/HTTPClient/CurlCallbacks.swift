// What libcurl calls while a request runs: from C back to the exchange.

internal import CCurl

// Functions and not closures: a closure literal may be taken for one of the main actor and trap.

/// Returns how many bytes were taken; fewer than offered ends the transfer.
func receiveBody(
  _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
  unsafe lend(bytes, count: size * count, to: context) { exchange, span in exchange.receive(body: span) }
}

func receiveHeadLine(
  _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
  unsafe lend(bytes, count: size * count, to: context) { exchange, span in
    exchange.receive(headLine: span)
    return true
  }
}

/// Returns non-zero to end the transfer; called about once a second while nothing moves.
func watchInterruption(
  _ context: UnsafeMutableRawPointer?, _ downloadTotal: Int, _ downloaded: Int, _ uploadTotal: Int, _ uploaded: Int
) -> Int32 {
  // Safe: `HTTPClient.post` keeps the exchange alive while libcurl runs.
  unsafe Unmanaged<HTTPExchange>.fromOpaque(context!).takeUnretainedValue().isInterrupted ? 1 : 0
}

/// Lets no connection be opened: only one that is kept may be used.
func refuseSocket(
  _ context: UnsafeMutableRawPointer?, _ purpose: curlsocktype, _ address: UnsafeMutablePointer<curl_sockaddr>?
) -> curl_socket_t {
  // Safe: `HTTPClient.post` keeps the exchange alive while libcurl runs.
  unsafe Unmanaged<HTTPExchange>.fromOpaque(context!).takeUnretainedValue().needsNewConnection = true
  // curl.h: CURL_SOCKET_BAD.
  return -1
}

private func lend(
  _ bytes: UnsafeMutablePointer<CChar>?, count: Int, to context: UnsafeMutableRawPointer?,
  _ body: (HTTPExchange, Span<UInt8>) -> Bool
) -> Int {
  guard let bytes = unsafe bytes, count > 0 else { return count }
  // Safe: libcurl lends `count` bytes during the call, and `HTTPClient.post` keeps the exchange alive.
  let exchange = unsafe Unmanaged<HTTPExchange>.fromOpaque(context!).takeUnretainedValue()
  let raw = unsafe UnsafeRawPointer(bytes).assumingMemoryBound(to: UInt8.self)
  return body(exchange, unsafe Span(_unsafeStart: raw, count: count)) ? count : 0
}
