"""The subcommands of otlpd, run to their end, and the files that hold what they should print."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from harness.daemon import BINARY, ENVIRONMENT

GOLDENS = Path(__file__).resolve().parents[1] / "data" / "cli"


def run(*arguments, **environment) -> subprocess.CompletedProcess:
    return subprocess.run(
        [BINARY, *map(str, arguments)], env={**ENVIRONMENT, **environment}, capture_output=True, text=True, timeout=60,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def as_nobody(*arguments) -> subprocess.CompletedProcess:
    """The same as a user without any rights, on a copy of the program that this user can reach."""
    with tempfile.TemporaryDirectory() as directory:
        copy = shutil.copy(BINARY, directory)
        os.chmod(directory, 0o755)
        return subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", copy, *map(str, arguments)],
            env=ENVIRONMENT, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, cwd="/",
        )  # fmt: skip


def expect(name: str, text: str):
    """Holds a text against the golden file; `GOLDENS=write` writes it instead, to be read before it is committed."""
    path = GOLDENS / f"{name}.txt"
    if os.environ.get("GOLDENS") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text(), f"{path} differs; GOLDENS=write shows how, with git diff"
