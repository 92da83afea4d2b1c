"""The life of an installed otlpd, step by step: each test goes on where the one before it stopped."""

import json
import time
from contextlib import contextmanager

import pytest

from harness.faults_disk import FaultyDisk, compiled
from harness.waiting import eventually

SPAN = {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "GET /orders", "kind": 2,
        "startTimeUnixNano": "1760000000000000000", "endTimeUnixNano": "1760000000042000000"}  # fmt: skip
TRACES = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [SPAN]}]}]})
CONFIG = "/etc/otlpd/otlpd.yaml"
INSTALL_SECONDS_MAX = 5
THREADS_MAX = 12
# Units of the service that a step needs otherwise.
DROP_IN = "/etc/systemd/system/otlpd.service.d/test.conf"


def post(machine, *arguments, url="http://localhost:4318/v1/traces") -> str:
    """The status of a POST by curl; 000 without an answer."""
    command = ["curl", "--silent", "--show-error", "--output", "/dev/null", "--write-out", "%{http_code}", "--max-time", "10"]
    command += ["--header", "content-type: application/json", "--data", TRACES, *arguments, url]
    return machine.run(*command, check=False)


def metric(machine, name: str, *labels: str) -> float:
    lines = machine.run("curl", "--silent", "--max-time", "10", "localhost:8888/metrics").splitlines()
    return sum(
        float(line.rsplit(" ", 1)[1])
        for line in lines
        if line.split("{")[0].split(" ")[0] == name and all(label in line for label in labels)
    )


def is_active(machine) -> bool:
    return machine.property("ActiveState") == "active" and machine.property("SubState") == "running"


def restarts(machine) -> int:
    return int(machine.property("NRestarts"))


@contextmanager
def load(machine, name: str):
    """Clients that send while the block runs; the dictionary has their account afterwards."""
    account = {}
    process = machine.start("python3", "/opt/guest/load.py", name)
    try:
        before = len(machine.query(f"SELECT 1 FROM logs WHERE body LIKE '{name} %'"))
        eventually(lambda: len(machine.query(f"SELECT 1 FROM logs WHERE body LIKE '{name} %'")) > before + 20, 30)
        yield account
        time.sleep(0.5)
    finally:
        try:
            said, complaint = process.communicate("", timeout=60)
        except BaseException:
            process.kill()
            raise
    assert process.returncode == 0, complaint
    account.update(json.loads(said.splitlines()[-1]))
    print(f"{name}: {account}")


def assert_stored(machine, name: str, account: dict):
    """Every acknowledged record is in the store."""
    statement = f"SELECT DISTINCT body FROM logs WHERE body LIKE '{name} %'"

    def stored() -> bool:
        bodies = set(machine.query(statement))
        missing = [
            f"{name} {client} {number}"
            for client, count in account["by client"].items()
            for number in range(count)
            if f"{name} {client} {number}" not in bodies
        ]
        assert not missing, f"{len(missing)} of {account['acknowledged']} acknowledged records are lost: {missing[:5]}"
        return True

    eventually(stored, 30, every=0.5)


# Install


def test_the_package_installs_quickly_and_the_service_runs(machine):
    started = time.monotonic()
    machine.run("dpkg", "--install", "/share/otlpd.deb")
    seconds = time.monotonic() - started
    print(f"installed in {seconds:.1f} s")
    assert is_active(machine) and machine.property("UnitFileState") == "enabled"
    assert seconds < INSTALL_SECONDS_MAX


def test_the_status_says_where_it_listens_and_how_its_sinks_are(machine):
    said = machine.run("systemctl", "status", "--no-pager", "otlpd")
    assert "active (running)" in said
    status = machine.property("StatusText")
    assert "127.0.0.1:4317" in status and "127.0.0.1:4318" in status and "sqlite is up to date" in status


def test_the_default_service_has_few_threads(machine):
    threads = machine.run("ls", f"/proc/{machine.property('MainPID')}/task").split()
    print(f"{len(threads)} threads")
    assert len(threads) <= THREADS_MAX


def test_the_manual_and_the_completions_are_there(machine):
    files = machine.run("dpkg", "--listfiles", "otlpd").splitlines()
    for path in (
        "/usr/share/man/man8/otlpd.8.gz",
        "/usr/share/man/man5/otlpd.yaml.5.gz",
        "/usr/share/bash-completion/completions/otlpd",
        "/usr/share/zsh/vendor-completions/_otlpd",
        "/usr/share/fish/vendor_completions.d/otlpd.fish",
    ):
        assert path in files
    machine.run("bash", "-n", "/usr/share/bash-completion/completions/otlpd")


# Use


def test_curl_is_answered_and_seen_in_the_metrics(machine):
    assert post(machine) == "200"
    assert metric(machine, "otelcol_receiver_accepted_spans") == 1
    eventually(lambda: machine.query("SELECT name FROM spans") == ["GET /orders"])


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_the_python_sdk_is_understood(machine, protocol):
    machine.run("python3", "/opt/guest/app.py", protocol)
    where = f"WHERE service_name = 'app-{protocol}'"
    eventually(lambda: machine.query(f"SELECT name FROM spans {where}") == ["work"])
    eventually(lambda: machine.query(f"SELECT body FROM logs {where}") == ["worked"])
    assert metric(machine, "otelcol_receiver_accepted_metric_points", f'transport="{protocol}"') >= 1


def test_otlpd_itself_sends_and_its_doctor_finds_nothing_wrong(machine):
    machine.run("otlpd", "send", "traces", "logs", "--count", "50")
    eventually(lambda: metric(machine, "otelcol_receiver_accepted_log_records") >= 50)
    said = machine.run("otlpd", "doctor")
    print(said)
    assert "otlpd.service runs" in said and "problem" not in said


def test_the_journal_has_priorities_and_fields(machine):
    lines = [json.loads(line) for line in machine.journal("--output", "json").splitlines()]
    ours = [line for line in lines if line.get("_COMM") == "otlpd" or line.get("SYSLOG_IDENTIFIER") == "otlpd"]
    ready = next(line for line in ours if "ready" in line["MESSAGE"])
    assert ready["PRIORITY"] == "6" and ready["SYSLOG_IDENTIFIER"] == "otlpd"
    # Sent to journald itself, from inside the sandbox: each field is one of the journal's.
    assert ready["_TRANSPORT"] == "journal" and ready["OTLPD_DATA_DIR"] == "/var/lib/otlpd"
    found = machine.journal("--output", "json", "OTLPD_COMPONENT=otlp").splitlines()
    assert found and all(json.loads(line)["OTLPD_ADDRESS"] for line in found)


def test_a_reload_under_load_loses_nothing(machine):
    process = machine.property("MainPID")
    with load(machine, "reload") as account:
        for _ in range(3):
            machine.run("systemctl", "reload", "otlpd")
            time.sleep(0.3)
    assert machine.property("MainPID") == process
    assert not account["errors"]
    assert_stored(machine, "reload", account)


def test_a_restart_under_load_loses_nothing(machine):
    with load(machine, "restart") as account:
        machine.run("systemctl", "restart", "otlpd")
    assert is_active(machine)
    assert_stored(machine, "restart", account)


def test_with_the_socket_unit_no_connection_is_refused_across_restarts(machine):
    machine.run("systemctl", "stop", "otlpd.service")
    machine.run("systemctl", "enable", "--now", "otlpd.socket")
    # A first connection starts it.
    assert post(machine) == "200"
    with load(machine, "socket") as account:
        for _ in range(3):
            machine.run("systemctl", "restart", "otlpd.service")
            time.sleep(0.5)
    assert "ConnectionRefusedError" not in account["errors"]
    assert_stored(machine, "socket", account)


def test_a_clean_run_leaves_no_warning_in_the_journal(machine):
    assert machine.journal("--priority", "warning") == ""


# Trouble


def test_a_bad_file_changes_nothing_and_is_explained(machine):
    process = machine.property("MainPID")
    good = machine.run("cat", CONFIG)
    machine.write(CONFIG, good + "\nnonsense: 1\n")
    machine.run("systemctl", "reload", "otlpd", check=False)
    assert "nonsense" in machine.journal()
    assert is_active(machine) and machine.property("MainPID") == process and post(machine) == "200"
    machine.write(CONFIG, good + "\n")
    machine.run("systemctl", "reload", "otlpd")


def test_a_kill_is_followed_by_a_restart_and_nothing_is_lost(machine):
    before = restarts(machine)
    with load(machine, "kill") as account:
        machine.run("systemctl", "kill", "--signal", "KILL", "otlpd.service")
        eventually(lambda: restarts(machine) == before + 1 and is_active(machine), 20)
    assert_stored(machine, "kill", account)


def test_the_watchdog_ends_what_does_not_turn_any_more(machine):
    machine.write(DROP_IN, "[Service]\nWatchdogSec=2s\nTimeoutAbortSec=1s\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", "otlpd.service")
    before, process = restarts(machine), machine.property("MainPID")
    # It stays up for longer than the watchdog waits, and then is stopped with all its loops.
    time.sleep(3)
    assert machine.property("MainPID") == process
    machine.run("systemctl", "kill", "--signal", "STOP", "otlpd.service")
    eventually(lambda: restarts(machine) == before + 1 and is_active(machine), 30)
    assert "Watchdog timeout" in machine.journal()
    machine.run("rm", DROP_IN)
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", "otlpd.service")
    assert post(machine) == "200"


def test_a_disk_that_fails_ends_it_with_74_and_it_recovers(machine):
    compiled(machine.share).chmod(0o755)
    plan = FaultyDisk(machine.share / "disk.so", machine.share / "plan")
    machine.write(DROP_IN, "[Service]\nEnvironment=LD_PRELOAD=/share/disk.so DISK_FAULTS=/share/plan\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", "otlpd.service")
    assert post(machine) == "200"
    before = restarts(machine)
    plan.fail("sync", ".segment")
    assert post(machine) != "200", "what the disk has not is not acknowledged"
    eventually(lambda: machine.property("ExecMainStatus") == "74" or restarts(machine) > before, 20)
    plan.heal()
    eventually(lambda: restarts(machine) > before and is_active(machine) and post(machine) == "200", 20)
    assert "status=74" in machine.journal()
    machine.run("rm", DROP_IN)
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", "otlpd.service")


def test_an_unusable_file_is_not_tried_again(machine):
    good = machine.run("cat", CONFIG)
    machine.run("systemctl", "stop", "otlpd.socket", "otlpd.service")
    machine.write(CONFIG, "receivers: 1\n")
    machine.run("systemctl", "start", "otlpd.service", check=False)
    assert machine.property("ExecMainStatus") == "78" and machine.property("ActiveState") == "failed"
    assert restarts(machine) == 0
    machine.write(CONFIG, good + "\n")
    machine.run("systemctl", "reset-failed", "otlpd.service")
    machine.run("systemctl", "disable", "--now", "otlpd.socket")
    machine.run("systemctl", "start", "otlpd.service")


# The sandbox


def test_inside_the_sandbox_names_tls_unix_sockets_and_credentials_work(machine):
    certify(machine, "collector.test")
    machine.write("/etc/resolv.conf", "nameserver 127.0.0.1\n")
    machine.write("/etc/otlpd/tokens", "a-secret-token writer\n", mode="600")
    machine.write(DROP_IN, "[Service]\nLoadCredential=tokens:/etc/otlpd/tokens\n")
    good = machine.run("cat", CONFIG)
    machine.write(CONFIG, json.dumps(sandboxed()))
    backend = machine.start("python3", "/opt/guest/backend.py", "/root/tls.crt", "/root/tls.key", "collector.test")
    try:
        assert backend.stdout.readline() == "listening\n"
        machine.run("systemctl", "daemon-reload")
        machine.run("systemctl", "restart", "otlpd.service")
        assert post(machine, "--unix-socket", "/run/otlpd/otlp.sock") == "200"
        secured = "http://localhost:5318/v1/traces"
        assert post(machine, url=secured) == "401"
        assert post(machine, "--header", "authorization: Bearer a-secret-token", url=secured) == "200"
        sent = "otelcol_exporter_sent_spans"
        eventually(lambda: metric(machine, sent, 'exporter="otlp_http"') == 2)
        eventually(lambda: metric(machine, sent, 'exporter="sqlite"') == 2)
    finally:
        said = backend.communicate("", timeout=20)[0]
        machine.run("rm", DROP_IN)
        machine.write(CONFIG, good + "\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", "otlpd.service")
    assert "/v1/traces" in said


def certify(machine, name: str):
    machine.run(
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
        "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout", "/root/tls.key", "-out", "/root/tls.crt",
    )  # fmt: skip
    machine.run("install", "-m", "644", "/root/tls.crt", "/etc/otlpd/authority.crt")


def sandboxed() -> dict:
    receivers = {
        "otlp/unix": {"protocols": {"http": {"transport": "unix", "endpoint": "/run/otlpd/otlp.sock"}}},
        "otlp/secured": {"protocols": {"http": {"endpoint": "localhost:5318", "auth": {"authenticator": "bearertokenauth"}}}},
    }
    exporters = {
        "sqlite": None,
        "otlp_http": {"endpoint": "https://collector.test:4443", "tls": {"ca_file": "/etc/otlpd/authority.crt"}},
    }
    return {
        "receivers": receivers,
        "exporters": exporters,
        "extensions": {"bearertokenauth": {"filename": "tokens"}},
        "service": {
            "extensions": ["bearertokenauth"],
            "pipelines": {"traces": {"receivers": list(receivers), "exporters": list(exporters)}},
        },
    }


# The end


def test_an_upgrade_keeps_the_data_and_starts_the_new_one(machine):
    before = len(machine.query("SELECT 1 FROM logs"))
    process = machine.property("MainPID")
    machine.write(CONFIG, machine.run("cat", CONFIG) + "\n# Changed by the administrator.\n")
    with load(machine, "upgrade") as account:
        machine.run("dpkg", "--install", "/share/otlpd-next.deb")
    assert is_active(machine) and machine.property("MainPID") != process
    assert machine.run("dpkg-query", "--show", "--showformat", "${Version}", "otlpd").endswith("+next")
    assert "Changed by the administrator" in machine.run("cat", CONFIG)
    assert_stored(machine, "upgrade", account)
    assert len(machine.query("SELECT 1 FROM logs")) >= before + account["acknowledged"]


def test_a_removal_keeps_data_and_configuration(machine):
    machine.run("dpkg", "--remove", "otlpd")
    assert machine.run("pgrep", "--exact", "otlpd", check=False) == ""
    assert machine.run("ls", "/var/lib/private/otlpd", CONFIG)
    machine.run("dpkg", "--install", "/share/otlpd-next.deb")
    assert is_active(machine)


def test_a_purge_leaves_nothing(machine):
    machine.run("dpkg", "--purge", "otlpd")
    assert machine.run("pgrep", "--exact", "otlpd", check=False) == ""
    # What dpkg, systemd's journal and this test write of it themselves is theirs.
    pruned = ["-path", "/proc", "-o", "-path", "/sys", "-o", "-path", "/share", "-o", "-path", "/opt"]
    left = machine.run("find", "/", "(", *pruned, ")", "-prune", "-o", "-iname", "*otlpd*", "-print", check=False)
    assert left == ""
    assert machine.run("systemctl", "list-unit-files", "--no-legend", "otlpd*", check=False) == ""
    assert machine.run("systemctl", "--failed", "--no-legend") == ""
