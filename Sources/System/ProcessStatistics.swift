// What the kernel knows of this process: processor time, memory, environment, terminal.

internal import CLinux
internal import Glibc

/// Readings of this process, made when asked.
package enum ProcessStatistics {
  /// Processor seconds spent so far in user and kernel mode.
  package static var cpuSeconds: Double {
    var usage = rusage()
    unsafe getrusage(RUSAGE_SELF.rawValue, &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
  }

  /// Resident memory in bytes; 0 when /proc cannot be read.
  package static var residentBytes: Int {
    guard let pages = readSmallFile("/proc/self/statm").split(separator: " ").dropFirst().first.flatMap({ Int($0) })
    else { return 0 }
    return pages * sysconf(Int32(_SC_PAGESIZE))
  }

  /// Bytes that the allocator has handed out, and what it has of the system for that.
  package static var heap: (allocatedBytes: Int, reservedBytes: Int) {
    let state = mallinfo2()
    return (state.uordblks + state.hblkhd, state.arena + state.hblkhd)
  }

  /// Threads of the process; 0 when /proc cannot be read.
  package static var threads: Int {
    // proc(5): the name in brackets may hold anything; num_threads is the 18th field behind it.
    guard let end = readSmallFile("/proc/self/stat").split(separator: ")").last else { return 0 }
    return end.split(separator: " ").dropFirst(17).first.flatMap { Int($0) } ?? 0
  }

  /// Files and connections that the process has open; 0 when /proc cannot be read.
  package static var openFiles: Int {
    guard let directory = unsafe opendir("/proc/self/fd") else { return 0 }
    defer { unsafe closedir(directory) }
    var count = 0
    while unsafe readdir(directory) != nil { count += 1 }
    // Not the two names of directories, nor the one that is being read.
    return max(0, count - 3)
  }

  /// The memory that the process may use, in bytes: the machine's, or what its control group allows.
  package static var memoryBytes: Int {
    let machine = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    // cgroups(7): one line "0::/path" in version 2.
    let line = readSmallFile("/proc/self/cgroup").split(separator: "\n").first { $0.hasPrefix("0::/") }
    let group = line.map { String($0.dropFirst(3)) } ?? "/"
    let limit = readSmallFile("/sys/fs/cgroup\(group)/memory.max").split(separator: "\n").first.flatMap { Int($0) }
    return min(machine, limit ?? machine)
  }

  /// Processors that the process may use at the moment, at least 1.
  package static var processors: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

  package static var identifier: Int { Int(getpid()) }

  /// The environment as it was when called.
  package static var environment: [String: String] {
    var variables: [String: String] = [:]
    var entry: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> = unsafe environ
    // Safe: environ is an array of NUL-terminated strings that ends with nil; nothing here changes it.
    while let text = unsafe entry.pointee {
      let parts = unsafe String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
      unsafe entry += 1
    }
    return variables
  }

  /// Whether the descriptor (1 standard output, 2 standard error) is a terminal.
  package static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

  private static func readSmallFile(_ path: String) -> String {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return "" }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 256)
    // Safe: at most `bytes.count` bytes are written into it.
    let count = unsafe read(descriptor, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }
}
