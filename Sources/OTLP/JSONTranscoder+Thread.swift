// One transcoder for each thread that decodes.

internal import Glibc

extension JSONTranscoder {
  /// The calling thread's own transcoder, made at the first call and released when the thread ends.
  ///
  /// What it learned about the order of names is worth keeping, and building its tables takes as long as a request.
  static var forThisThread: JSONTranscoder {
    let key = JSONTranscoder.threadKey
    if let stored = unsafe pthread_getspecific(key) {
      // Safe: only the line below stores a value under this key, and the thread still holds the reference.
      return unsafe Unmanaged<JSONTranscoder>.fromOpaque(stored).takeUnretainedValue()
    }
    let transcoder = JSONTranscoder()
    unsafe pthread_setspecific(key, Unmanaged.passRetained(transcoder).toOpaque())
    return transcoder
  }

  private static let threadKey: pthread_key_t = {
    var key = pthread_key_t()
    // Safe: the destructor gets what `forThisThread` stored, with the reference that it retained.
    let result = unsafe pthread_key_create(&key) { stored in
      guard let stored = unsafe stored else { return }
      unsafe Unmanaged<JSONTranscoder>.fromOpaque(stored).release()
    }
    precondition(result == 0, "the process has a thread-specific key left")
    return key
  }()
}
