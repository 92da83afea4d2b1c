// swift-tools-version: 6.2
import PackageDescription

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableExperimentalFeature("Lifetimes"),
]

// The installed daemon carries the Swift runtime: 9 MB resident instead of 17, and nothing to install beside it. Only
// its link differs, so the objects are those that the tests, which need the shared runtime, were linked from. Nobody
// looks for symbols of a program, and 47 000 relocations pack into 9 KB (glibc 2.36): 17.3 MB instead of 19.2.
let standalone: [LinkerSetting] =
  Context.environment["OTLPD_STANDALONE"] == nil
  ? []
  : [
    .unsafeFlags([
      "-static-stdlib", "-l_FoundationCollections", "-l_FoundationCShims", "-lswiftSynchronization",
      "-use-ld=lld", "-Xlinker", "--gc-sections", "-Xlinker", "-s", "-Xlinker", "--no-export-dynamic",
      "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs",
    ])
  ]

func library(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.target(name: name)] + dependencies, swiftSettings: settings)
}

// Floor by floor, as in ARCHITECTURE.md: imports point down only.
let package = Package(
  name: "otlpd",
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
  ],
  targets: [
    // System libraries, kept by Debian.
    .systemLibrary(name: "CLinux"),
    .systemLibrary(name: "CYAML", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CSQLite", providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(name: "CCurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(name: "CDeflate", providers: [.apt(["libdeflate-dev"])]),
    .systemLibrary(name: "CZstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(name: "CCrypt", providers: [.apt(["libcrypt-dev"])]),
    .systemLibrary(name: "CNGHTTP2", providers: [.apt(["libnghttp2-dev"])]),
    .systemLibrary(name: "COpenSSL", providers: [.apt(["libssl-dev"])]),
    // Floor 0
    library("Bytes"),
    library("System", ["CLinux"]),
    library("YAML", ["CYAML"]),
    library("SelfTelemetry"),
    // Floor 1
    library("Config", ["YAML"]),
    library("Compression", ["CZlib", "CDeflate", "CZstd", "Bytes"]),
    library("SQLite", ["CSQLite", "Bytes"]),
    library("TLS", ["COpenSSL", "System"]),
    library("Credentials", ["CCrypt"]),
    library("HTTP2", ["CNGHTTP2", "Bytes"]),
    // Floor 2
    library("OTLP", ["Bytes"]),
    library("Journal", ["Compression", "Bytes", "System", "SelfTelemetry"]),
    library("Reactor", ["TLS", "System", "Bytes"]),
    library("HTTPClient", ["CCurl", "Bytes", "System"]),
    // Floor 3
    library("Pipeline", ["Journal", "OTLP", "SelfTelemetry", "System", "Bytes", logging]),
    library("Authenticators", ["HTTPClient", "Credentials", "OTLP", "Config", "System", "Bytes"]),
    library("TelemetryStore", ["SQLite", "OTLP", "Bytes", "System", logging]),
    library("HTTPServer", ["Reactor", "HTTP2", "TLS", "Compression", "SelfTelemetry", "Bytes", "System", logging]),
    // Floor 4
    library(
      "Receivers",
      [
        "HTTPServer", "TLS", "Authenticators", "Pipeline", "OTLP", "Config", "SelfTelemetry", "System", "Bytes",
        logging,
      ]),
    library("Processors", ["Pipeline", "OTLP", "Config"]),
    library(
      "Sinks",
      [
        "Pipeline", "Journal", "TelemetryStore", "Authenticators", "HTTPClient", "Compression", "OTLP", "Config",
        "SelfTelemetry", "Bytes", "System", logging,
      ]),
    library("Admin", ["HTTPServer", "TelemetryStore", "OTLP", "SelfTelemetry", "Config", "Bytes", "System"]),
    // Floor 5
    library(
      "Commands",
      [
        "Admin", "Sinks", "Pipeline", "HTTPServer", "TelemetryStore", "SQLite", "HTTPClient", "OTLP", "Compression",
        "Config", "Bytes", "System",
      ]),
    // Floor 6
    .executableTarget(
      name: "otlpd",
      dependencies: [
        "Commands", "Admin", "Sinks", "Processors", "Receivers", "HTTPServer", "TelemetryStore", "Pipeline",
        "Authenticators", "HTTPClient", "Reactor", "TLS", "Journal", "OTLP", "Compression", "Config", "SelfTelemetry",
        "System", "Bytes",
        .product(name: "ArgumentParser", package: "swift-argument-parser"), logging,
      ],
      swiftSettings: settings, linkerSettings: standalone),
    // Measured by `make bench`; not installed.
    .executableTarget(
      name: "CodecBench", dependencies: ["OTLP", "Bytes"], path: "Benchmarks/CodecBench", swiftSettings: settings),
    .executableTarget(
      name: "StoreBench", dependencies: ["TelemetryStore", "OTLP", "Bytes", "System", "Fuzzing", logging],
      path: "Benchmarks/StoreBench", swiftSettings: settings),
    // Tests: one folder per target, and what several of them use.
    .target(
      name: "LoopbackServer", dependencies: ["System"], path: "Tests/LoopbackServer", swiftSettings: settings),
    .target(
      name: "Fuzzing", dependencies: ["HTTPServer", "Compression", "OTLP", "Bytes", "System"],
      path: "Tests/Fuzz/Fuzzing", swiftSettings: settings),
    // Run by `make fuzz`; not installed.
    .executableTarget(
      name: "Fuzz", dependencies: ["Fuzzing", "System"], path: "Tests/Fuzz/Fuzz", swiftSettings: settings),
    .testTarget(
      name: "FuzzingTests", dependencies: ["Fuzzing"], path: "Tests/Fuzz/FuzzingTests", swiftSettings: settings),
    tests("Bytes"),
    tests("System", ["Bytes"]),
    tests("SelfTelemetry"),
    tests("YAML"),
    tests("Config", ["YAML"]),
    tests("Compression", ["Bytes"]),
    tests("SQLite", ["Bytes"]),
    tests("Credentials"),
    tests("HTTP2", ["HTTPServer", "Compression", "Bytes", "System"]),
    tests("OTLP", ["Bytes", "Fuzzing"]),
    tests("Journal", ["Bytes", "System", "SelfTelemetry"]),
    tests("TLS", ["Bytes", "System"]),
    tests("Reactor", ["TLS", "Bytes", "System"]),
    tests("HTTPClient", ["Bytes", "System", "LoopbackServer"]),
    tests("Authenticators", ["HTTPClient", "Config", "System", "Bytes", "LoopbackServer"]),
    tests("Pipeline", ["Journal", "OTLP", "SelfTelemetry", "Bytes", "System", logging]),
    tests("TelemetryStore", ["SQLite", "OTLP", "Bytes", "System", "Fuzzing", logging]),
    tests("HTTPServer", ["Reactor", "HTTP2", "TLS", "Compression", "SelfTelemetry", "Bytes", "System", logging]),
    tests(
      "Receivers",
      [
        "HTTPServer", "Authenticators", "Pipeline", "Journal", "OTLP", "Config", "SelfTelemetry", "Bytes", "System",
        logging,
      ]),
    tests("Processors", ["Pipeline", "OTLP", "Config"]),
    tests(
      "Sinks",
      [
        "Pipeline", "Journal", "TelemetryStore", "Authenticators", "HTTPClient", "Compression", "OTLP", "Config",
        "SelfTelemetry", "Bytes", "System", "LoopbackServer", logging,
      ]),
    tests("Admin", ["HTTPServer", "TelemetryStore", "OTLP", "SelfTelemetry", "Config", "Bytes", "System", logging]),
    tests("Commands", ["Sinks", "HTTPClient", "OTLP", "Bytes"]),
    tests(
      "otlpd",
      [
        "Admin", "Config", "Pipeline", "Sinks", "Authenticators", "Receivers", "Processors", "SelfTelemetry", "System",
        logging,
      ]),
    .testTarget(name: "TidyTests", swiftSettings: settings),
  ]
)
