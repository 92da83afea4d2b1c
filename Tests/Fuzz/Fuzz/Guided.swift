// One target guided by coverage, when built with `-sanitize=fuzzer -DGUIDED`: libFuzzer makes the inputs.

#if GUIDED
  import Foundation
  import Fuzzing

  /// libFuzzer's loop (compiler-rt, FuzzerInterface.h); it reads its own arguments and ends the process.
  @_silgen_name("LLVMFuzzerRunDriver")
  private func runDriver(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
  ) -> Int32

  nonisolated(unsafe) private var guidedTarget = FuzzTarget.all[0]

  /// Tries what libFuzzer makes for the target that the environment variable TARGET names. Returns the exit status.
  func guide() -> Int32 {
    let name = ProcessInfo.processInfo.environment["TARGET"]
    guard let target = FuzzTarget.all.first(where: { $0.name == name }) else { return 64 }
    unsafe guidedTarget = target
    var count = CommandLine.argc
    var arguments = unsafe CommandLine.unsafeArgv
    return unsafe runDriver(&count, &arguments) { bytes, count in
      let input = unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
      do {
        _ = try unsafe guidedTarget.check(input)
      } catch {
        fatalError("\(error)")
      }
      return 0
    }
  }
#endif
