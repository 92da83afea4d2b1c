"""The commands about the configuration: what they print, how several sources become one, and every kind of mistake."""

import json
import os
import re
import signal

import pytest

from harness import cli
from harness.daemon import TOP, config
from harness.waiting import eventually
from harness.wire import Connection, request

MISTAKES = cli.GOLDENS.parent / "config-mistakes"

BASE = """\
receivers:
  otlp:
    protocols:
      http:
        endpoint: 127.0.0.1:0
exporters:
  debug:
    verbosity: basic
  otlp_http:
    endpoint: http://gateway:4318
    headers: {authorization: Bearer s3cret-1, x-tenant: "${env:TENANT:-none}"}
service:
  telemetry:
    metrics: {level: none}
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [debug, otlp_http]
"""
LATER = """\
exporters:
  debug:
    verbosity: normal
  otlp_http:
    retry_on_failure: {max_interval: 10s}
service:
  pipelines:
    traces:
      exporters: [otlp_http]
"""


@pytest.fixture
def files(tmp_path):
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "later.yaml").write_text(LATER)
    os.chdir(tmp_path)
    return tmp_path


def printed(*arguments, **environment) -> str:
    result = cli.run("print-config", *arguments, **environment)
    assert result.returncode == 0, result.stderr
    return result.stdout


# Every kind of mistake


@pytest.mark.parametrize("name", sorted(path.stem for path in MISTAKES.glob("*.yaml")))
def test_a_mistake_is_explained(name):
    os.chdir(MISTAKES)
    result = cli.run("validate", "--config", f"{name}.yaml")
    cli.expect(f"../config-mistakes/{name}", result.stdout + result.stderr)
    assert result.returncode == 78


# Several sources


def test_mappings_are_merged_and_lists_and_scalars_replaced(files):
    text = printed("--config", "base.yaml", "--config", "later.yaml")
    assert re.search(r"verbosity: normal$", text, re.M) and "max_interval: 10s" in text
    assert "endpoint: http://gateway:4318" in text
    assert re.search(r"receivers:\n +- otlp\n +exporters:\n +- otlp_http\n", text), text


def test_null_replaces_a_mapping(files):
    text = printed("--config", "base.yaml", "--config", "yaml:exporters::otlp_http::headers:")
    assert "x-tenant" not in text and "verbosity: basic" in text


def test_a_setting_wins_over_every_file_and_is_read_as_yaml(files):
    one = "service.pipelines.traces.exporters=[debug]"
    for setting in ("exporters.debug.verbosity=normal", "exporters::debug::verbosity=normal"):
        text = printed(f"--set={setting}", "--config", "base.yaml", "--set", one)
        assert "verbosity: normal" in text and re.search(r"exporters:\n +- debug\n(?! +-)", text)


def test_a_source_can_be_a_text_a_variable_or_a_named_file(files):
    text = printed("--config", "env:WHOLE", "--config", "yaml:exporters::debug::verbosity: normal", WHOLE=BASE)
    assert text == printed("--config", "file:base.yaml", "--set", "exporters.debug.verbosity=normal")


def test_settings_change_the_embedded_default():
    assert "verbosity" not in printed()
    text = printed("--set", "receivers.otlp.protocols.http.endpoint=127.0.0.1:5318")
    assert "endpoint: 127.0.0.1:5318" in text and "sqlite:" in text


def test_a_mistake_names_the_source_that_it_comes_from(files):
    (files / "wrong.yaml").write_text("exporters:\n  debug:\n    verbosity: loud\n")
    sources = [
        "--config", "base.yaml", "--config", "wrong.yaml", "--config", "yaml:exporters::otlp_http::timeout: soon",
        "--config", "env:MORE", "--set", "receivers.otlp.protocols.http.endpont=x",
    ]  # fmt: skip
    more = "exporters: {otlp_http: {endpoint: 7}}"
    result = cli.run("validate", *sources, MORE=more)
    cli.expect("validate-sources", result.stdout + result.stderr)
    assert result.returncode == 78
    # What is no YAML comes before everything else.
    result = cli.run("validate", *sources, "--set", "exporters.otlp_http.compression=[", MORE=more)
    cli.expect("validate-sources-syntax", result.stdout + result.stderr)
    assert result.returncode == 78


@pytest.mark.parametrize(
    "arguments, said",
    [(["--set", "a.b"], "KEY=VALUE"), (["--set", "a..b=1"], "is no key"), (["--config", "https://x/y"], "cannot be read")],
    ids=["no value", "no key", "http"],
)  # fmt: skip
def test_a_source_that_cannot_be_understood_exits_64(arguments, said):
    result = cli.run("validate", *arguments)
    assert result.returncode == 64 and said in result.stderr


def test_a_variable_that_is_not_set_is_no_source():
    result = cli.run("validate", "--config", "env:OTLPD_TEST_UNSET")
    assert result.returncode == 78 and "environment variable OTLPD_TEST_UNSET is not set" in result.stderr


# What the commands print


def test_help_and_version():
    commands = ("run", "validate", "print-config", "components", "journal", "doctor", "send")
    texts = [cli.run("--version", COLUMNS="100").stdout, cli.run("--help", COLUMNS="100").stdout]
    cli.expect("help", "\n".join(texts + [cli.run("help", command, COLUMNS="100").stdout for command in commands]))


def test_components_prints_what_is_built_in():
    cli.expect("components", cli.run("components").stdout)


def test_print_config_shows_defaults_and_no_secret(files):
    text = printed("--config", "base.yaml", "--config", "later.yaml", TENANT="s3cret-2")
    cli.expect("print-config", text)
    assert "s3cret" not in text


SECRETS = """\
extensions:
  basicauth/out: {client_auth: {username: otlpd, password: s3cret-a}}
  basicauth/in: {htpasswd: {inline: "a:{SHA}s3cret-b"}}
  bearertokenauth: {tokens: [s3cret-c, {name: shop, token: s3cret-d}]}
  bearertokenauth/one: {token: s3cret-e}
  oauth2client:
    client_id: otlpd
    client_secret: s3cret-f
    token_url: https://id.example/token
    endpoint_params: {audience: s3cret-g, more: [s3cret-h]}
  opamp: {server: {headers: {authorization: s3cret-i}}}
exporters:
  otlp_http:
    endpoint: https://user:s3cret-j@gateway:4318
    proxy_url: http://user:s3cret-k@proxy:3128
    headers: [{name: authorization, value: s3cret-l}]
    tls: {cert_pem: s3cret-m, key_pem: s3cret-n}
service:
  telemetry:
    metrics:
      readers: [{periodic: {exporter: {otlp: {headers: {authorization: s3cret-o}}}}}]
"""


def test_no_kind_of_secret_is_printed(files):
    (files / "secrets.yaml").write_text(SECRETS)
    text = printed("--config", "base.yaml", "--config", "secrets.yaml")
    cli.expect("print-config-secrets", text)
    assert "s3cret" not in text and text.count("[REDACTED]") >= 12


@pytest.mark.parametrize("name", ["default", "otlpd.yaml", "otlpd.reference.yaml", "odd"])
def test_the_printed_configuration_is_read_as_the_same(name, tmp_path):
    odd = config({"file": {"path": "/tmp/a $b: #\"ü\\\n"}}, extensions={"pprof": None})
    odd["receivers"]["otlp/a::b"] = odd["receivers"].pop("otlp")
    for pipeline in odd["service"]["pipelines"].values():
        pipeline["receivers"] = ["otlp/a::b"]
    odd["service"]["telemetry"]["resource"] = {"yes": "no", "n": "12", "date": "2026-11-26", "e": "", "k: v": "- x"}
    (tmp_path / "odd").write_text(json.dumps(odd).replace("$b", "$$b"))
    source = {"default": [], "odd": ["--config", tmp_path / "odd"]}.get(name, ["--config", TOP / "config" / name])
    text = printed(*source)
    (tmp_path / "again.yaml").write_text(text)
    assert printed("--config", tmp_path / "again.yaml") == text
    assert ("otlp/a::b" in text) == (name == "odd") and "otlp/a:\n" not in text and '"otlp/a":' not in text
    before = cli.run("validate", *source).stdout.splitlines()[:-1]
    after = cli.run("validate", "--config", tmp_path / "again.yaml").stdout.splitlines()[:-1]
    without_places = [[re.sub(r"\S+:\d+:\d+: ", "", line) for line in lines] for lines in (before, after)]
    assert sorted(without_places[0]) == sorted(without_places[1])


def test_print_config_explains_what_cannot_be_used(files):
    result = cli.run("print-config", "--config", "base.yaml", "--set", "exporters.debug.verbosity=loud")
    assert result.returncode == 78 and not result.stdout and "--set exporters.debug.verbosity: " in result.stderr


SUSPECT = """\
extensions:
  journal: {durability: memory}
  health_check:
  bearertokenauth: {token: x}
receivers:
  otlp:
    protocols:
      http: {endpoint: "0.0.0.0:4318"}
  otlp/idle:
    protocols: {http: {endpoint: "127.0.0.1:4319"}}
processors:
  batch:
exporters:
  nop:
  otlp_http:
    endpoint: https://gateway:4318
    retry_on_failure: {max_elapsed_time: 300s}
    tls: {insecure_skip_verify: true}
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    traces: {receivers: [otlp], exporters: [otlp_http]}
"""


def test_validate_warns_of_what_is_legal_but_suspect(files):
    (files / "suspect.yaml").write_text(SUSPECT)
    result = cli.run("validate", "--config", "suspect.yaml")
    cli.expect("validate-suspect", result.stdout + result.stderr)
    assert result.returncode == 0


def test_validate_of_several_sources_names_them(files):
    setting = "exporters.debug.verbosity=basic"
    result = cli.run("validate", "--config", "base.yaml", "--config", "later.yaml", "--set", setting)
    assert result.returncode == 0
    assert result.stdout.endswith("base.yaml + later.yaml: valid\n")


# Reload


def posts(daemon, path: str) -> int:
    with Connection(daemon.address, timeout=20) as connection:
        return connection.send(request(path, b"")).answer().status


def test_sighup_reads_every_source_again_and_settings_still_win(otlpd, tmp_path):
    more = tmp_path / "more.yaml"
    more.write_text("{}")
    daemon = otlpd(
        config({"nop": None}),
        arguments=["--config", str(more), "--set", "receivers.otlp.protocols.http.logs_url_path=/set"],
    )
    assert [posts(daemon, path) for path in ("/v1/traces", "/set", "/v1/logs")] == [200, 200, 404]
    path = {"traces_url_path": "/more", "logs_url_path": "/no"}
    more.write_text(json.dumps({"receivers": {"otlp": {"protocols": {"http": path}}}}))
    daemon.process.send_signal(signal.SIGHUP)
    eventually(lambda: posts(daemon, "/more") == 200)
    assert [posts(daemon, path) for path in ("/v1/traces", "/set", "/no")] == [404, 200, 404]


def test_watched_files_are_read_again_when_they_change(otlpd, tmp_path):
    more = tmp_path / "more.yaml"
    more.write_text("{}")
    daemon = otlpd(config({"nop": None}), arguments=["--config", str(more), "--watch-config"])
    new = tmp_path / "new.yaml"

    def replace(text: str):
        new.write_text(text)
        new.rename(more)

    replace("receivers: [")
    eventually(lambda: "the configuration was not reloaded" in daemon.log)
    assert posts(daemon, "/v1/traces") == 200
    replace(json.dumps({"receivers": {"otlp": {"protocols": {"http": {"traces_url_path": "/more"}}}}}))
    eventually(lambda: posts(daemon, "/more") == 200)
    assert daemon.log.count("the configuration has changed") == 2
