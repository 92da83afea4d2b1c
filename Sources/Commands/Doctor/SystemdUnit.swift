// Whether systemd runs otlpd, from the files that it keeps.

internal import System

/// `otlpd.service` on this machine.
package struct SystemdUnit: Sendable {
  private let root: String

  /// - Parameter root: what stands before the paths; other than empty in tests.
  package init(root: String = "") { self.root = root }

  /// What the installed service reads, and where it keeps data; nil without it.
  package var service: (config: String, dataDirectory: String)? {
    guard isInstalled, FileStamp(of: root + "/etc/otlpd/otlpd.yaml") != nil else { return nil }
    return (root + "/etc/otlpd/otlpd.yaml", root + "/var/lib/otlpd")
  }

  /// nil where systemd does not run, or has no unit of otlpd's.
  var finding: DoctorFinding? {
    // sd_booted(3): this directory says that systemd is in charge.
    guard FileStamp(of: root + "/run/systemd/system") != nil, isInstalled else { return nil }
    // cgroups(7): version 2, and where it stands beside version 1.
    let hasProcesses = ["", "/unified", "/systemd"].contains { hierarchy in
      let group = root + "/sys/fs/cgroup\(hierarchy)/system.slice/otlpd.service/cgroup.procs"
      return (try? SmallFile.read(group))?.isEmpty == false
    }
    if !hasProcesses {
      return DoctorFinding(
        .warning, "systemd", "otlpd.service is installed and does not run",
        next: "systemctl start otlpd; systemctl status otlpd says why it ended")
    }
    return DoctorFinding(.ok, "systemd", "otlpd.service runs")
  }

  private var isInstalled: Bool {
    let places = ["/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system"]
    return places.contains { FileStamp(of: root + $0 + "/otlpd.service") != nil }
  }
}
