// Where data is kept: the flag, the service manager's directory, or the user's state directory.

package enum DataDirectory {
  /// - Parameters:
  ///   - flag: `--data-dir`, which wins.
  ///   - environment: `STATE_DIRECTORY` (systemd.exec(5); the first of a colon-separated list), `XDG_STATE_HOME` (XDG
  ///     Base Directory specification; ignored unless absolute) and `HOME`.
  package static func resolve(flag: String?, environment: [String: String]) -> String {
    if let flag, !flag.isEmpty { return flag }
    if let state = environment["STATE_DIRECTORY"]?.split(separator: ":").first { return String(state) }
    if let xdg = environment["XDG_STATE_HOME"], xdg.hasPrefix("/") { return xdg + "/otlpd" }
    if let home = environment["HOME"], home.hasPrefix("/") { return home + "/.local/state/otlpd" }
    return "/var/lib/otlpd"
  }
}
