// How the process ends, after sysexits.h.

/// The exit status of otlpd; documented in docs/operations.md.
enum ExitStatus: Int32 {
  case success = 0
  /// EX_SOFTWARE: an error of otlpd itself.
  case internalError = 70
  /// EX_OSERR: a listener could not be opened, a busy port for example.
  case cannotListen = 71
  /// EX_IOERR: the disk failed.
  case diskFailure = 74
  /// EX_TEMPFAIL: another otlpd has the data directory.
  case directoryInUse = 75
  /// EX_NOPERM: the data directory cannot be written.
  case noPermission = 77
  /// EX_CONFIG: the configuration is unusable.
  case unusableConfig = 78
}
