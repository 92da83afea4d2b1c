"""The configuration file: what runs, what is refused with every mistake listed, and what `validate` says."""

import json
import os
import subprocess

import pytest

from harness import otlp
from harness.daemon import BINARY, ENVIRONMENT, TOP, config
from harness.waiting import eventually


def run(*arguments, **environment):
    """otlpd run to its end."""
    return subprocess.run(
        [BINARY, *arguments], env={**ENVIRONMENT, **environment}, capture_output=True, text=True, timeout=20,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def validate(tmp_path, document, **environment):
    path = tmp_path / "otlpd.yaml"
    path.write_text(document if isinstance(document, str) else json.dumps(document, indent=2))
    return run("validate", "--config", str(path), **environment)


BROKEN = """\
receivers:
  otlp:
    protocols:
      http:
        endpont: 127.0.0.1:0
exporters:
  sqlite:
  otlp_http:
    timeout: soon
  otlp_htpt:
processors:
  tail_sampling:
service:
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [sqlite, missing]
"""


def test_every_mistake_is_listed_with_its_place_and_a_suggestion(tmp_path):
    path = tmp_path / "otlpd.yaml"
    path.write_text(BROKEN)
    for arguments in (["validate"], []):
        result = run(*arguments, "--config", str(path), *([] if arguments else ["--data-dir", str(tmp_path / "data")]))
        assert result.returncode == 78
        said = result.stderr + result.stdout
        for line, word in ((5, "endpoint"), (9, "soon"), (10, "otlp_http"), (12, "tail_sampling"), (17, "missing")):
            assert f":{line}:" in said, f"line {line} of:\n{said}"
            assert word in said
    assert not (tmp_path / "data").exists(), "a bad configuration touches nothing"


def test_a_component_that_is_not_built_is_named_with_those_that_are(tmp_path):
    document = config({"kafka": None})
    result = validate(tmp_path, document)
    assert result.returncode == 78
    assert "kafka" in result.stderr + result.stdout and "sqlite" in result.stderr + result.stdout


@pytest.mark.parametrize(
    "document",
    ["", "a: [", "receivers: {otlp: {protocols: {http: }}}\n", "- a\n", "\x01", "a: &a [*a]\n", "receivers: *nowhere\n",
     "service:\n\tpipelines: {}\n"],
    ids=["empty", "unclosed", "nothing to do", "a list", "control character", "alias of itself", "unknown alias", "tab"],
)  # fmt: skip
def test_a_file_that_is_no_configuration_exits_78(tmp_path, document):
    result = validate(tmp_path, document)
    assert result.returncode == 78
    assert "otlpd.yaml" in result.stderr + result.stdout


def test_a_missing_file_is_named(tmp_path):
    result = run("--config", str(tmp_path / "nowhere.yaml"))
    assert result.returncode == 78
    assert "nowhere.yaml" in result.stderr


def test_validate_accepts_a_good_file_and_starts_nothing(tmp_path):
    result = validate(tmp_path, config())
    assert result.returncode == 0, result.stderr
    assert not list(tmp_path.glob("**/*.db"))


@pytest.mark.parametrize("name", ["otlpd.yaml", "otlpd.reference.yaml"])
def test_the_shipped_files_are_valid(name):
    result = run("validate", "--config", str(TOP / "config" / name), STATE_DIRECTORY="/nonexistent")
    assert result.returncode == 0, result.stdout + result.stderr


INERT = """\
extensions:
  pprof:
  opamp:
    server: {}
  file_storage:
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 127.0.0.1:0
      http:
        endpoint: 127.0.0.1:0
        include_metadata: true
processors:
  batch:
    timeout: 1s
  memory_limiter:
    check_interval: 1s
    limit_mib: 400
exporters:
  debug:
    verbosity: basic
  otlphttp:
    endpoint: http://127.0.0.1:9
    sending_queue:
      storage: file_storage
      queue_size: 5000
service:
  extensions: [pprof, opamp, file_storage]
  telemetry:
    metrics:
      level: none
  pipelines:
    traces:
      receivers: [otlp]
      processors: [memory_limiter, batch]
      exporters: [debug, otlphttp]
"""


def test_keys_without_effect_are_named_by_validate_and_at_start(otlpd, tmp_path):
    result = validate(tmp_path, INERT)
    assert result.returncode == 0, result.stderr
    said = result.stdout + result.stderr
    assert "include_metadata" in said and "pprof" in said and "opamp" in said
    assert "the journal is the queue of every sink" in said
    assert "storage: is not needed: the journal keeps what waits" in said
    assert "queue_size: is how much may wait in the journal for this exporter" in said
    daemon = otlpd(INERT)
    assert "include_metadata" in daemon.log and "pprof" in daemon.log and "opamp" in daemon.log
    assert daemon.post("/v1/traces", otlp.traces(2).SerializeToString())[0] == 200


def test_the_environment_is_expanded(otlpd, capture):
    downstream = capture()
    text = json.dumps(config({"otlp_http": {"endpoint": "${env:DOWNSTREAM}", "headers": {"X-A": "${env:UNSET:-default}", "X-B": "$$5"}}}))
    daemon = otlpd(text, environment={"DOWNSTREAM": downstream.url})
    daemon.post("/v1/traces", otlp.traces().SerializeToString())
    [request] = eventually(lambda: downstream.received)
    assert (request.header("x-a"), request.header("x-b")) == ("default", "$5")


def test_the_version_is_printed():
    result = run("--version")
    assert result.returncode == 0
    assert any(character.isdigit() for character in result.stdout)


def test_help_names_the_options():
    result = run("--help")
    assert result.returncode == 0
    assert "--config" in result.stdout and "--data-dir" in result.stdout and "validate" in result.stdout


def test_an_unknown_option_is_a_usage_error():
    result = run("--confg", "x")
    assert result.returncode not in (0, 70)
    assert "--confg" in result.stderr


@pytest.mark.parametrize(
    ("environment", "expected"),
    [({"STATE_DIRECTORY": "{0}/state"}, "state"), ({"XDG_STATE_HOME": "{0}/xdg"}, "xdg/otlpd"), ({"HOME": "{0}/home"}, "home/.local/state/otlpd")],
    ids=["STATE_DIRECTORY", "XDG_STATE_HOME", "HOME"],
)  # fmt: skip
def test_the_data_directory_follows_the_environment(otlpd, tmp_path, environment, expected):
    values = {name: value.format(tmp_path) for name, value in environment.items()}
    daemon = otlpd.make(config(), environment=values)
    daemon.command = [word for word in daemon.command if word not in ("--data-dir", str(daemon.data))]
    daemon.start()
    daemon.post("/v1/traces", otlp.traces().SerializeToString())
    eventually(lambda: list((tmp_path / expected).glob("**/telemetry-*.db")))


def test_data_is_readable_by_the_owner_only(otlpd):
    daemon = otlpd()
    daemon.post("/v1/traces", otlp.traces().SerializeToString())
    [path, *_] = eventually(lambda: list(daemon.data.rglob("telemetry-*.db")))
    assert os.stat(daemon.data).st_mode & 0o777 == 0o700
    assert os.stat(path).st_mode & 0o777 == 0o600
