// One fixture per mistake: the text that the user reads.

import Config
import Testing

@Suite struct ConfigMistakesTests {
  private static let http = "t.yaml:5:"
  private static let path = "receivers::otlp::protocols::http"

  @Test(
    "A mistake in the otlp receiver",
    arguments: [
      ("endpiont: a:1", #"unknown key "endpiont"; did you mean "endpoint"?"#),
      ("endpoint: localhost", #"::endpoint: expected host:port such as localhost:4318, found "localhost""#),
      (
        "endpoint: http://localhost:4318",
        #"::endpoint: expected host:port such as localhost:4318, found "http://localhost:4318"; a listener "#
          + #"has no scheme"#
      ),
      ("max_request_body_size: 20MB", #"::max_request_body_size: expected a whole number, found the text "20MB""#),
      (
        "idle_timeout: 5d",
        #"::idle_timeout: expected a duration such as 300ms, 10s or 1m30s, found the text "5d"; days are "#
          + #"written as hours: 24h"#
      ),
      ("traces_url_path: a b", #"::traces_url_path: expected a path such as /v1/traces, found "/a b""#),
      ("traces_url_path: v1/logs", "::traces_url_path: two signals have the same path"),
      (
        "transport: udp",
        #"::transport: expected one of tcp, tcp4, tcp6, unix, found the text "udp""#
      ),
      (
        "{transport: unix, endpoint: 'localhost:1'}",
        #"::endpoint: expected the absolute path of a socket, at most 107 bytes, found "localhost:1""#
      ),
      (
        "tls: {cert_file: a}",
        "::tls::key_file: TLS configuration must include both certificate and key for server connections"
      ),
      (
        "tls: {key_file: a}",
        "::tls::cert_file: TLS configuration must include both certificate and key for server connections"
      ),
      (
        "tls: {cert_file: a, cert_pem: b, key_file: c}",
        "::tls::cert_pem: provide either a certificate or the PEM-encoded string, but not both"
      ),
      (
        "tls: {cert_file: a, key_file: b, max_version: '1.1'}",
        "::tls::max_version: TLS below 1.2 is not spoken; expected 1.2 or 1.3"
      ),
      (
        "tls: {cert_file: a, key_file: b, min_version: '1.4'}",
        #"::tls::min_version: unknown "1.4"; did you mean "1.0"? (available: 1.0, 1.1, 1.2, 1.3)"#
      ),
      (
        "tls: {cert_file: a, key_file: b, curve_preferences: [P128]}",
        #"::tls::curve_preferences: unknown "P128" "#
          + "(available: P256, P384, P521, X25519, X25519MLKEM768)"
      ),
      (
        "compression_algorithms: [gzip, br]",
        #"::compression_algorithms: unknown "br"; available: gzip, deflate, zlib, zstd, and "" for none"#
      ),
      ("cors: {max_age: -1}", "::cors::max_age: must be between 0 seconds and a year"),
    ])
  func receiver(block: String, message: String) {
    let errors = ConfigFixture(ConfigFixture.text(http: block)).errors
    #expect(errors.count == 1)
    #expect(errors.first?.hasPrefix(Self.http) == true)
    let separator = message.hasPrefix("::") ? "" : ": "
    #expect(errors.first?.hasSuffix(" \(Self.path)\(separator)\(message)") == true, "\(errors)")
  }

  @Test("A receiver without a protocol is the Collector's error")
  func noProtocol() {
    for protocols in ["", "protocols: ", "protocols: {}"] {
      let text = """
        receivers: {otlp: {\(protocols)}}
        exporters: {nop: }
        service: {pipelines: {logs: {receivers: [otlp], exporters: [nop]}}}
        """
      #expect(
        ConfigFixture(text).errors.map { String($0.drop { $0 != " " }.dropFirst()) } == [
          "receivers::otlp::protocols: must specify at least one protocol when using the OTLP receiver"
        ])
    }
  }

  @Test(
    "A mistake in a sink",
    arguments: [
      ("otlp_http:", "exporters::otlp_http::endpoint: at least one endpoint must be specified"),
      (
        "otlp_http: {metrics_endpoint: 'http://a/m'}",
        #"service::pipelines::traces: references exporter "otlp_http", which has neither endpoint nor traces_endpoint"#
      ),
      (
        "otlp_http: {endpoint: 'gateway:4318'}",
        #"exporters::otlp_http::endpoint: "gateway:4318" must begin with http:// or https://, as in "#
          + #"http://localhost:4318"#
      ),
      (
        "otlp_http: {endpoint: '${env:UNSET}'}",
        "exporters::otlp_http::endpoint: is empty; expected a URL such as http://localhost:4318"
      ),
      (
        "otlp_http: {endpoint: 'http://a', compression: brotli}",
        "exporters::otlp_http::compression: expected one of \"\", none, gzip, zstd, snappy, "
          + "x-snappy-framed, zlib, deflate, "
          + "lz4, found the text \"brotli\""
      ),
      (
        "otlp_http: {endpoint: 'http://a', compression_params: {level: 12}}",
        "exporters::otlp_http::compression_params: level must be between -1 and 9 for gzip"
      ),
      (
        "otlp_http: {endpoint: 'http://a', encoding: jsn}",
        #"exporters::otlp_http::encoding: expected one of proto, json, found the text "jsn"; did you mean "json"?"#
      ),
      (
        "otlp_http: {endpoint: 'http://a', headers: {'a b': c}}",
        #"exporters::otlp_http::headers::a b: "a b" is no name of an HTTP header"#
      ),
      (
        "otlp_http: {endpoint: 'http://a', headers: {k: \"x\\ny\"}}",
        "exporters::otlp_http::headers::k: the value of header k has a line break in it"
      ),
      (
        "otlp_http: {endpoint: 'http://a', tls: {cert_file: a}}",
        "exporters::otlp_http::tls::cert_file: cert_file and key_file belong together: set both or none"
      ),
      (
        "otlp_http: {endpoint: 'http://a', auth: {authenticator: oauth2client}}",
        "exporters::otlp_http::auth: authenticator \"oauth2client\" is not configured; add it to `extensions`"
      ),
      (
        "otlp_http: {endpoint: 'http://a', retry_on_failure: {max_elapsed_time: 10s}}",
        "exporters::otlp_http::retry_on_failure::max_elapsed_time: must not be less than initial_interval and "
          + "max_interval; 0 means never giving up"
      ),
      (
        "otlp_http: {endpoint: 'http://a', retry_on_failure: {randomization_factor: 2}}",
        "exporters::otlp_http::retry_on_failure::randomization_factor: must be between 0 and 1"
      ),
      (
        "sqlite: {sending_queue: {num_consumers: 0}}",
        "exporters::sqlite::sending_queue::num_consumers: must be positive"
      ),
      ("sqlite: {sending_queue: {queue_size: 0}}", "exporters::sqlite::sending_queue::queue_size: must be positive"),
      (
        "sqlite: {sending_queue: {batch: {max_size: 5}}}",
        "exporters::sqlite::sending_queue::batch::max_size: must be greater than or equal to min_size"
      ),
      (
        "sqlite: {sending_queue: {sizer: items, batch: {}}}",
        "exporters::sqlite::sending_queue::batch: min_size must be less than or equal to queue_size"
      ),
      (
        "sqlite: {sending_queue: {batch: {sizer: requests}}}",
        #"exporters::sqlite::sending_queue::batch::sizer: expected one of items, bytes, found "requests""#
      ),
      ("sqlite: {directory: var}", #"exporters::sqlite::directory: expected an absolute path, found "var""#),
      (
        "sqlite: {when_full: drop}",
        "exporters::sqlite::when_full: expected one of refuse, drop_oldest, found the text \"drop\""
      ),
      (
        "debug: {verbosity: loud}",
        #"exporters::debug::verbosity: expected one of basic, normal, detailed, found the text "loud""#
      ),
      (
        "debug: {output_paths: [stdout]}",
        "exporters::debug::output_paths: output_paths requires use_internal_logger to be set to false"
      ),
      (
        "nop: {endpoint: x}",
        #"exporters::nop: unknown key "endpoint"; it has: retry_on_failure, sending_queue, when_full"#
      ),
      (
        "otlp_htp:",
        #"exporters::otlp_htp: unknown type: "otlp_htp" for id: "otlp_htp"; did you mean "otlp_http"? "#
          + "(available: debug, file, nop, otlp_grpc, otlp_http, sqlite)"
      ),
      (
        "jaeger: {endpoint: x}",
        #"exporters::jaeger: exporter "jaeger" is not built into otlpd; "#
          + "available: debug, file, nop, otlp_grpc, otlp_http, sqlite"
      ),
      (
        "otlp: {compression: gzip}", "exporters::otlp::endpoint: requires a non-empty \"endpoint\""
      ),
      (
        "otlp: {endpoint: 'x'}",
        "exporters::otlp::endpoint: expected host:port such as gateway:4317, or the same behind http://, https:// or "
          + "dns:///, found \"x\""
      ),
      (
        "otlp: {endpoint: 'x:4317', compression: deflate}",
        "exporters::otlp::compression: expected one of none, gzip, zstd, snappy for gRPC, found \"deflate\""
      ),
      (
        "otlp: {endpoint: 'x:4317', tls: {min_version: '1.3', max_version: '1.2'}}",
        "exporters::otlp::tls::max_version: must not be lower than min_version"
      ),
    ])
  func sink(block: String, message: String) {
    let errors = ConfigFixture(ConfigFixture.text(sink: block)).errors
    #expect(errors.contains { $0.hasSuffix(" \(message)") }, "\(errors)")
    #expect(errors.count == 1)
  }

  @Test(
    "A mistake in a processor",
    arguments: [
      (
        "batch: {send_batch_size: 10, send_batch_max_size: 5}",
        "processors::batch::send_batch_max_size: must be greater or equal to send_batch_size"
      ),
      ("batch: {timeot: 1s}", #"processors::batch: unknown key "timeot"; did you mean "timeout"?"#),
      (
        "memory_limiter: {limit_mib: 100}",
        "processors::memory_limiter::check_interval: 'check_interval' must be greater than zero"
      ),
      (
        "memory_limiter: {check_interval: 1s}",
        "processors::memory_limiter::limit_mib: 'limit_mib' or 'limit_percentage' must be greater than zero"
      ),
      (
        "memory_limiter: {check_interval: 1s, limit_mib: 10, spike_limit_mib: 10}",
        "processors::memory_limiter::spike_limit_mib: 'spike_limit_mib' must be smaller than 'limit_mib'"
      ),
      (
        "filter/noisy: {traces: {span: ['true']}}",
        #"processors::filter/noisy: processor "filter" is not built into otlpd; available: batch, memory_limiter"#
      ),
    ])
  func processor(block: String, message: String) {
    let id = String(block.prefix { $0 != ":" })
    let errors = ConfigFixture(ConfigFixture.text(processors: block, list: id)).errors
    #expect(errors.map { String($0.drop { $0 != " " }.dropFirst()) } == [message])
  }

  @Test(
    "A mistake in the service section",
    arguments: [
      ("", ["t.yaml:1:1: service: service must have at least one pipeline"]),
      ("service: {pipelines: {}}", ["t.yaml:3:10: service: service must have at least one pipeline"]),
      (
        "service: {pipelines: {traces: }}",
        [
          "t.yaml:3:31: service::pipelines::traces: must have at least one receiver",
          "t.yaml:3:31: service::pipelines::traces: must have at least one exporter",
        ]
      ),
      (
        "service: {pipelines: {traces: {receivers: [otpl], exporters: [nop]}}}",
        [
          #"t.yaml:3:44: service::pipelines::traces: references receiver "otpl" which is not configured; "#
            + #"did you mean "otlp"?"#
        ]
      ),
      (
        "service: {pipelines: {logs: {receivers: [otlp, otlp], processors: [x], exporters: [nop/2]}}}",
        [
          #"t.yaml:3:48: service::pipelines::logs: references receiver "otlp" multiple times"#,
          #"t.yaml:3:68: service::pipelines::logs: references processor "x" which is not configured"#,
          #"t.yaml:3:84: service::pipelines::logs: references exporter "nop/2" which is not configured"#,
        ]
      ),
      (
        "service: {pipelines: {trace: {receivers: [otlp], exporters: [nop]}}}",
        [
          #"t.yaml:3:23: service::pipelines::trace: unknown signal "trace"; did you mean "traces"? "#
            + #"(supported: traces, metrics, logs)"#
        ]
      ),
      (
        "service: {pipelines: {profiles: {receivers: [otlp], exporters: [nop]}}}",
        [
          "t.yaml:3:23: service::pipelines::profiles: profiles are not supported by otlpd yet; supported: "
            + "traces, metrics, logs"
        ]
      ),
      (
        "service: {extensions: [zpages], pipelines: {logs: {receivers: [otlp], exporters: [nop]}}}",
        [#"t.yaml:3:24: service::extensions[0]: references extension "zpages" which is not configured"#]
      ),
      (
        "service: {telemetry: {metrics: {readers: []}}, pipelines: {logs: {receivers: [otlp], exporters: [nop]}}}",
        [
          "t.yaml:3:42: service::telemetry::metrics::readers: collector telemetry metrics reader should "
            + "exist when metric "
            + "level is not none"
        ]
      ),
      (
        "servce: {}\nservice: {pipelines: {logs: {receivers: [otlp], exporters: [nop]}}}",
        [#"t.yaml:3:1: unknown key "servce"; did you mean "service"?"#]
      ),
    ])
  func service(text: String, messages: [String]) {
    let components = "receivers: {otlp: {protocols: {http: }}}\nexporters: {nop: }\n"
    #expect(ConfigFixture(components + text).errors == messages)
  }

  @Test("A file without receivers and exporters says so in the Collector's words")
  func noComponents() {
    #expect(
      ConfigFixture("receivers:\n").errors == [
        "t.yaml:1:1: exporters: no exporter configuration specified in config",
        "t.yaml:1:1: service: service must have at least one pipeline",
        "t.yaml:1:11: receivers: no receiver configuration specified in config",
      ])
  }

  @Test(
    "A mistake in the extensions, the journal's among them",
    arguments: [
      (
        "journal: {durability: ram}",
        #"extensions::journal::durability: expected one of disk, os, memory, found the text "ram""#
      ),
      ("journal: {max_bytes: 1KiB}", "extensions::journal::max_bytes: must be at least 16MiB, found 1024"),
      (
        "journal: {durability: memory, max_bytes: 1KiB}",
        "extensions::journal::max_bytes: must be at least 1MiB, found 1024"
      ),
      ("journal/2: ", "extensions::journal/2: there is only one; remove the name behind the slash"),
      (
        "helth_check: ",
        #"extensions::helth_check: unknown type: "helth_check" for id: "helth_check"; did you mean "health_check"? "#
          + "(available: admin, basicauth, bearertokenauth, health_check, jaeger_query, journal, limits, oauth2client, "
          + "zpages)"
      ),
    ])
  func extensions(block: String, message: String) {
    let errors = ConfigFixture(ConfigFixture.text(extra: "extensions:\n  \(block)")).errors
    #expect(errors.map { String($0.drop { $0 != " " }.dropFirst()) } == [message])
  }

  @Test("A connector is not built, and using it is no second mistake")
  func connector() {
    let text = """
      receivers: {otlp: {protocols: {http: }}}
      exporters: {nop: }
      connectors: {spanmetrics: }
      service:
        pipelines:
          traces: {receivers: [otlp], exporters: [spanmetrics]}
          metrics: {receivers: [spanmetrics], exporters: [nop]}
      """
    #expect(
      ConfigFixture(text).errors == [
        #"t.yaml:3:14: connectors::spanmetrics: connector "spanmetrics" is not built into otlpd; otlpd has none yet"#
      ])
  }

  @Test("The same sink under its old and its new name is one too many")
  func sameTwice() {
    let text = ConfigFixture.text(sink: "otlp_http: {endpoint: 'http://a'}\notlphttp: {endpoint: 'http://b'}")
    #expect(
      ConfigFixture(text).errors == [
        #"t.yaml:10:3: exporters::otlphttp: is the same as "otlp_http", which is already configured"#
      ])
  }

  @Test("Every mistake of a file is told at once, in the order of the file")
  func allAtOnce() {
    let errors = ConfigFixture(
      ConfigFixture.text(http: "endpiont: x\ntls: {a: 1}", sink: "nop: {x: 1}", processors: "batch: {y: 1}", list: "z")
    ).diagnostics.errors
    #expect(errors.count == 6)
    #expect(errors.compactMap(\.position?.line) == errors.compactMap(\.position?.line).sorted())
  }
}
