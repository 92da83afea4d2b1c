"""Start, stop, and what goes wrong between: ports, directories, Unix signals."""

import os
import pty
import signal
import socket
import subprocess
import threading

import pytest

from harness import otlp, store
from harness.daemon import BINARY, ENVIRONMENT, Daemon, config
from harness.waiting import eventually
from harness.wire import Connection, request

NOBODY = 65534


@pytest.mark.parametrize("unix_signal", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_under_load_ends_with_0_and_everything_acknowledged_is_stored(otlpd, unix_signal):
    daemon = otlpd()
    acknowledged = [0] * 4

    def send(index):
        body = otlp.logs(3).SerializeToString()
        try:
            with Connection(daemon.address) as connection:
                while True:
                    answer = connection.send(request("/v1/logs", body)).answer()
                    if answer is None or answer.status != 200:
                        return
                    acknowledged[index] += 3
        except (OSError, AssertionError):
            return

    threads = [threading.Thread(target=send, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    eventually(lambda: sum(acknowledged) > 500)
    assert daemon.terminate(with_signal=unix_signal) == 0
    for thread in threads:
        thread.join(10)
    stored = store.count(daemon.data, "logs")
    assert stored >= sum(acknowledged)
    assert stored - sum(acknowledged) <= 3 * len(threads), "only what was in flight may be unacknowledged"


def test_the_stop_is_prompt_with_open_connections_and_an_absent_downstream(otlpd):
    exporters = {"otlp_http": {"endpoint": "http://127.0.0.1:9"}, "sqlite": None}
    daemon = otlpd(config(exporters))
    idle = [Connection(daemon.address) for _ in range(20)]
    half = Connection(daemon.address).send(b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
    daemon.post("/v1/traces", otlp.traces(3).SerializeToString())
    assert daemon.terminate(timeout=15) == 0
    assert "otlp_http" in daemon.log, "what could not be delivered is said"
    for connection in [*idle, half]:
        connection.close()
    assert store.count(daemon.data, "spans") == 3


def test_a_second_start_on_the_same_data_adds_to_it(otlpd):
    for _ in range(2):
        daemon = otlpd()
        daemon.post("/v1/logs", otlp.logs(5).SerializeToString())
        assert daemon.terminate() == 0
    assert store.count(daemon.data, "logs") == 10


def test_a_span_sent_again_is_stored_once(otlpd):
    body = otlp.traces(3).SerializeToString()
    daemon = otlpd()
    for _ in range(3):
        daemon.post("/v1/traces", body)
    daemon.terminate()
    assert store.count(daemon.data, "spans") == 3


def test_a_data_directory_in_use_is_refused_with_75(otlpd):
    first = otlpd()
    second = otlpd.make().launch()
    assert second.wait() == 75
    assert str(first.data) in second.log


def test_a_busy_port_is_refused_with_71_and_the_address(otlpd, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as owner:
        address = f"127.0.0.1:{owner.getsockname()[1]}"
        daemon = otlpd.make(config(http={"endpoint": address})).launch()
        assert daemon.wait() == 71
        assert address in daemon.log and "in use" in daemon.log


def test_a_second_daemon_on_the_same_port_is_refused(otlpd, tmp_path):
    first = otlpd()
    address = first.addresses["otlp"]
    second = otlpd.make(config(http={"endpoint": address}), data=tmp_path / "other").launch()
    assert second.wait() == 71
    assert address in second.log


def as_nobody() -> list[str]:
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]


def test_a_data_directory_without_the_right_to_write_is_named_with_what_is_missing(otlpd, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir()
    if os.geteuid() == 0:
        # The unprivileged user has to reach the directory, only not to write into it.
        for directory in [tmp_path, *tmp_path.parents][:3]:
            directory.chmod(directory.stat().st_mode | 0o055)
    closed.chmod(0o555)
    daemon = otlpd.make(prefix=as_nobody(), data=closed / "data")
    daemon.directory.chmod(0o755)
    daemon.launch()
    assert daemon.wait() == 77
    assert str(closed) in daemon.log
    assert "permission denied" in daemon.log.lower() and "write" in daemon.log.lower()


def test_a_data_directory_that_is_a_file_is_named(otlpd, tmp_path):
    (tmp_path / "data").write_text("")
    daemon = otlpd.make().launch()
    assert daemon.wait() not in (0, -11, -4, -5)
    assert str(tmp_path / "data") in daemon.log


def test_log_lines_have_a_time_and_a_level(otlpd):
    daemon = otlpd()
    line = next(line for line in daemon.log.splitlines() if "msg=listening" in line)
    assert line.startswith("time=2") and "level=info" in line and "component=otlp" in line
    assert any("msg=ready" in line for line in daemon.log.splitlines())


def test_no_configuration_at_all_means_otlp_on_4317_and_4318_into_the_store(tmp_path):
    def is_free(port: int) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) != 0

    eventually(lambda: is_free(4317) and is_free(4318) and is_free(8888), seconds=40)
    daemon = Daemon(tmp_path)
    daemon.command = [str(BINARY), "--data-dir", str(daemon.data)]
    with daemon:
        daemon.start()
        assert daemon.addresses["otlp"].endswith(":4318") and daemon.grpc.endswith(":4317")
        assert daemon.post("/v1/traces", otlp.traces(3).SerializeToString())[0] == 200
        eventually(lambda: store.count(daemon.data, "spans") == 3)


def test_the_first_answer_comes_soon_after_the_start(otlpd):
    daemon = otlpd.make(config()).launch()
    eventually(lambda: "otlp" in daemon.addresses, seconds=5)
    assert daemon.post("/v1/traces", b"")[0] == 200


def test_a_terminal_shows_a_short_line_per_batch(tmp_path):
    daemon = Daemon(tmp_path, config({"debug": {"use_internal_logger": False}}))
    master, slave = pty.openpty()
    try:
        daemon.process = subprocess.Popen(
            daemon.command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=slave, stderr=subprocess.PIPE
        )
        reader = threading.Thread(target=daemon._read_log, args=(daemon.process.stderr,), daemon=True)
        reader.start()
        daemon._readers.append(reader)
        daemon._output = open(os.devnull, "wb")
        eventually(lambda: "otlp" in daemon.addresses)
        daemon.post("/v1/traces", otlp.traces(3).SerializeToString())
        os.set_blocking(master, False)
        shown = b""

        def read() -> bool:
            nonlocal shown
            try:
                shown += os.read(master, 65536)
            except BlockingIOError:
                pass
            return b"3" in shown and b"span" in shown

        eventually(read)
    finally:
        daemon.close()
        os.close(master)
        os.close(slave)
