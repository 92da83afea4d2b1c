// An event in journald's own form: one field a line, so that `journalctl COMPONENT=…` finds it.

internal import Sinks

/// systemd's "Native Journal Protocol": `NAME=value`, a line each; no value of ours has a line feed.
enum JournalFields {
  static func datagram(_ event: LogEntry) -> [UInt8] {
    var text = "PRIORITY=\(event.level.priority)\nSYSLOG_IDENTIFIER=otlpd\nSYSLOG_FACILITY=3\n"
    // journalctl shows the message alone, so the fields are in it, too.
    text += "MESSAGE=\(event.message.printable)\(LogFormat.pairs(event.fields))\n"
    for field in event.fields { text += "\(name(of: field.key))=\(field.value.printable)\n" }
    return Array(text.utf8)
  }

  /// systemd.journal-fields(7): capital letters, digits and underscores, the first no underscore; 64 bytes at most.
  ///
  /// With a name of ours in front, none is taken for one of journald's own.
  private static func name(of key: String) -> String {
    let name = key.uppercased().unicodeScalars.map { scalar in
      ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar) ? Character(scalar) : "_"
    }
    return "OTLPD_" + String(name.prefix(58))
  }
}
