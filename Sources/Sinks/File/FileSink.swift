// Keeps telemetry in files: OTLP as JSON lines or as protobuf.

internal import Bytes
internal import Compression
package import Logging
package import OTLP
package import Pipeline
package import System

/// Appends each batch to one file, an export request to a record.
///
/// A batch is delivered when it is on the disk, and while it is not, nothing of it is in the file: see `RecordFile`.
package final class FileSink: Sink {
  /// What belongs to the open file.
  private final class Writer {
    let file: RecordFile
    let lock: FileLock
    var compressor: Compressor?

    init(file: RecordFile, lock: FileLock, isCompressed: Bool) {
      self.file = file
      self.lock = lock
      if isCompressed { compressor = Compressor(.zstd, level: 3) }
    }
  }

  private let id: String
  private let settings: FileSinkSettings
  private let clock: any Clock
  private let logger: Logger
  /// For the sink's one thread, so the lock is never waited for.
  private let writer = Lock<Writer?>(nil)

  /// - Parameter id: the component id: `file`, `file/traces`.
  package init(settings: FileSinkSettings, id: String, clock: any Clock, logger: Logger) {
    self.settings = settings
    self.id = id
    self.clock = clock
    var logger = logger
    logger[metadataKey: "component"] = "\(id)"
    self.logger = logger
  }

  /// Opens the file, so that a wrong path is a mistake at the start.
  package func start() throws {
    let path = settings.path
    do {
      if let permissions = settings.directoryPermissions, let slash = path.lastIndex(of: "/"), slash > path.startIndex {
        try Directory(path: String(path[..<slash])).create(permissions: permissions)
      }
      let lock = try FileLock(path: path + ".lock")
      let file = RecordFile(path: path, form: settings.form, rotation: settings.rotation, clock: clock)
      let cut = try file.open(fresh: settings.truncates)
      if cut > 0, !settings.truncates {
        logger.warning(
          "the file ended with an unfinished record, which was cut off",
          metadata: ["path": "\(path)", "bytes": "\(cut)"])
      }
      writer.withLock { $0 = Writer(file: file, lock: lock, isCompressed: settings.isCompressed) }
      prune(file)
    } catch {
      throw FileSink.startFailure(error, id, path)
    }
  }

  private static func startFailure(_ error: any Error, _ id: String, _ path: String) -> any Error {
    func named(_ error: SystemError) -> SystemError {
      SystemError(code: error.code, doing: "\(id) exporter: \(error.doing)")
    }
    switch error {
    case let error as SystemError: return named(error)
    case RecordFileError.system(let error), FileLock.Failure.failed(let error): return named(error)
    case FileLock.Failure.held(let owner):
      return FileSinkError(
        "\(id) exporter: another exporter\(owner.map { " or process (pid \($0))" } ?? "") writes \(path); give each a "
          + "path of its own")
    default: return FileSinkError("\(id) exporter: \(error)")
    }
  }

  package func stop() { writer.withLock { $0 = nil } }

  package func export(_ batch: Batch) throws(ExportError) -> ExportRequest.Rejection? {
    do throws(RecordFileError) {
      try writer.withLock { writer throws(RecordFileError) in
        guard let writer else { throw .system(.gone("cannot write \(settings.path), which is closed")) }
        let number = writer.file.rotations
        try writer.file.append(records(of: batch.requests, packedBy: &writer.compressor).span)
        if writer.file.rotations > number { prune(writer.file) }
      }
    } catch {
      throw .retryable(after: nil, reason: "\(error)".printable)
    }
    return nil
  }

  /// The requests, one after the other, as the file has them.
  private func records(of requests: [ExportRequest], packedBy compressor: inout Compressor?) -> ByteBuffer {
    var buffer = ByteBuffer(capacity: requests.byteCount * (settings.isJSON ? 2 : 1))
    for request in requests {
      switch settings.form {
      case .lines:
        request.appendJSON(to: &buffer)
        buffer.append(UInt8(ascii: "\n"))
      case .frames:
        let plain = settings.isJSON ? request.json : request.payload
        let content = compressor?.compress(plain.span) ?? plain
        for shift in [24, 16, 8, 0] { buffer.append(UInt8(truncatingIfNeeded: content.count >> shift)) }
        buffer.append(content)
      }
    }
    return buffer
  }

  private func prune(_ file: RecordFile) {
    guard let error = file.prune() else { return }
    logger.warning("older files cannot be removed", metadata: ["error": "\(error)"])
  }
}

/// What keeps the sink from starting, besides the kernel.
package struct FileSinkError: Error, CustomStringConvertible {
  package let description: String

  init(_ description: String) { self.description = description }
}

extension ExportRequest {
  fileprivate var json: Bytes {
    var buffer = ByteBuffer(capacity: payload.count * 2)
    appendJSON(to: &buffer)
    return buffer.finish()
  }
}
