// The command line of `otlpd journal`.

internal import ArgumentParser

extension OtlpdCommand {
  /// Looks into a journal's directory while no otlpd is using it.
  struct Journal: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Look into a journal offline; nothing is changed.",
      subcommands: [Inspect.self, Verify.self, Export.self])

    struct Place: ParsableArguments {
      @Argument(help: "The journal's directory. Default: journal in the data directory.")
      var directory: String?
    }

    struct Inspect: ParsableCommand {
      static let configuration = CommandConfiguration(abstract: "Show files, requests, sinks and damage.")
      @OptionGroup var place: Place

      func run() throws { throw ExitCode(JournalTool.run(.inspect, directory: place.directory)) }
    }

    struct Verify: ParsableCommand {
      static let configuration = CommandConfiguration(abstract: "Check every checksum; status 1 says damage.")
      @OptionGroup var place: Place

      func run() throws { throw ExitCode(JournalTool.run(.verify, directory: place.directory)) }
    }

    struct Export: ParsableCommand {
      static let configuration = CommandConfiguration(abstract: "Print every request as a line of OTLP JSON.")
      @OptionGroup var place: Place

      func run() throws { throw ExitCode(JournalTool.run(.export, directory: place.directory)) }
    }
  }
}
