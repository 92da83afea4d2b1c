"""The Debian package: what is in it, what it depends on, and that its manual tells the truth about the program."""

import gzip
import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.daemon import BINARY, TOP

MANUAL = TOP / "docs/man"


def printed_by(*command) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    """The package, unpacked; its control files are in DEBIAN."""
    if BINARY != (TOP / ".build/release/otlpd").resolve():
        pytest.skip("the package is made of .build/release/otlpd")
    directory = tmp_path_factory.mktemp("package")
    built = subprocess.run(
        [TOP / "packaging/deb", directory, "none"], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
    )
    assert built.returncode == 0, built.stderr
    subprocess.run(["dpkg-deb", "--raw-extract", built.stdout.strip(), directory / "root"], check=True)
    return directory / "root"


def control(package: Path) -> dict[str, str]:
    return dict(re.findall(r"(?m)^([A-Z][\w-]*): (.*)$", (package / "DEBIAN/control").read_text()))


# What is in it


def test_the_package_holds_what_a_service_needs(package):
    files = {str(path.relative_to(package)) for path in package.rglob("*") if path.is_file()}
    assert {
        "usr/bin/otlpd",
        "lib/systemd/system/otlpd.service",
        "lib/systemd/system/otlpd.socket",
        "etc/otlpd/otlpd.yaml",
        "usr/share/man/man8/otlpd.8.gz",
        "usr/share/man/man5/otlpd.yaml.5.gz",
        "usr/share/bash-completion/completions/otlpd",
        "usr/share/zsh/vendor-completions/_otlpd",
        "usr/share/fish/vendor_completions.d/otlpd.fish",
        "usr/share/doc/otlpd/copyright",
        "usr/share/doc/otlpd/changelog.Debian.gz",
        "usr/share/doc/otlpd/operations.md",
        "usr/share/doc/otlpd/otlpd.reference.yaml",
    } <= files


def test_the_configuration_is_a_conffile_and_all_else_has_a_checksum(package):
    assert (package / "DEBIAN/conffiles").read_text().split() == ["/etc/otlpd/otlpd.yaml"]
    sums = dict(reversed(line.split(maxsplit=1)) for line in (package / "DEBIAN/md5sums").read_text().splitlines())
    files = [path for path in package.rglob("*") if path.is_file() and path.relative_to(package).parts[0] in ("usr", "lib")]
    assert sums == {str(path.relative_to(package)): hashlib.md5(path.read_bytes()).hexdigest() for path in files}


def test_the_installed_configuration_is_valid(package):
    said = printed_by(package / "usr/bin/otlpd", "validate", "--config", package / "etc/otlpd/otlpd.yaml")
    assert said.rstrip().endswith(": valid")


def test_the_version_is_that_of_the_program(package):
    assert f"otlpd {control(package)['Version'].rsplit('-', 1)[0]}" == printed_by(BINARY, "--version").strip()
    first = gzip.decompress((package / "usr/share/doc/otlpd/changelog.Debian.gz").read_bytes()).decode().splitlines()[0]
    assert first.startswith(f"otlpd ({control(package)['Version']}) ")


def test_every_library_is_depended_on(package):
    depends = {re.sub(r"[ (|].*", "", name.strip()) for name in control(package)["Depends"].split(",")}
    paths = [Path(match) for match in re.findall(r"=> (/\S+)", printed_by("ldd", package / "usr/bin/otlpd"))]
    assert paths
    # Those that are opened when they are needed are not among them.
    headers = "".join(path.read_text() for path in TOP.glob("Sources/*/shim.h"))
    opened = re.findall(r'dlopen\("([^"]+)"', headers)
    known = printed_by("/sbin/ldconfig", "-p")
    paths += [Path(re.search(rf"{re.escape(name)} .*=> (\S+)", known)[1]) for name in opened]
    # What libraries need by themselves is their packages' to name.
    needed = set(re.findall(r"NEEDED\s+(\S+)", printed_by("objdump", "-p", package / "usr/bin/otlpd"))) | set(opened)
    owners = {path.name: printed_by("dpkg", "-S", f"*/{path.name}").split(":")[0] for path in paths if path.name in needed}
    missing = {name: owner for name, owner in owners.items() if owner not in depends}
    assert not missing, f"not in Depends: {missing}"
    assert {"libcurl4", "libssl3", "libc6"} <= depends


def test_no_library_is_swifts(package):
    # The runtime is linked in: nothing has to be installed beside it.
    assert "swift" not in printed_by("ldd", package / "usr/bin/otlpd").lower()


@pytest.mark.parametrize("script", ["postinst", "prerm", "postrm"])
def test_the_scripts_are_understood_by_the_shell(package, script):
    path = package / "DEBIAN" / script
    assert path.stat().st_mode & 0o777 == 0o755
    subprocess.run(["sh", "-n", path], check=True)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completions_know_the_commands(package, shell):
    where = {"bash": "bash-completion/completions/otlpd", "zsh": "zsh/vendor-completions/_otlpd",
             "fish": "fish/vendor_completions.d/otlpd.fish"}  # fmt: skip
    text = (package / "usr/share" / where[shell]).read_text()
    assert all(command in text for command in ("validate", "journal", "routes", "doctor", "send"))
    if shutil.which(shell):
        subprocess.run([shell, "-n", package / "usr/share" / where[shell]], check=True)


# The manual


@pytest.mark.parametrize("page", ["otlpd.8", "otlpd.yaml.5"])
def test_the_manual_is_well_formed(page):
    result = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", MANUAL / page], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def manual(page: str) -> str:
    """The page as plain text, a line a paragraph."""
    text = printed_by("mandoc", "-T", "ascii", "-O", "width=500", MANUAL / page)
    return re.sub(r".\x08", "", text)


def commands(command: dict, path: tuple = ()):
    """Every command with its own options, from what the program says of itself."""
    yield path, [name for argument in command.get("arguments", []) for name in argument.get("names") or []]
    for each in command.get("subcommands", []):
        yield from commands(each, (*path, each["commandName"]))


def test_the_manual_has_every_command_and_option():
    said = json.loads(printed_by(BINARY, "--experimental-dump-help"))
    text = manual("otlpd.8")
    for path, options in commands(said["command"]):
        # The outermost alone is no command, and one with commands of its own is named with them.
        assert not path or re.search(rf"(?m)^ +{' '.join(path)}\b", text), f"otlpd.8 lacks the command {' '.join(path)}"
        for option in options:
            dashes = "--" if option["kind"] == "long" else "-"
            assert f"{dashes}{option['name']}" in text, f"otlpd.8 lacks {dashes}{option['name']} of {' '.join(path)}"


def test_the_manual_has_every_exit_status():
    declared = re.findall(r"case \w+ = (\d+)", (TOP / "Sources/otlpd/ExitStatus.swift").read_text())
    section = manual("otlpd.8").split("EXIT STATUS")[1].split("EXAMPLES")[0]
    documented = (TOP / "docs/operations.md").read_text()
    for status in declared:
        assert re.search(rf"(?m)^ +{status}\b", section), f"otlpd.8 lacks the status {status}"
        assert f"\n| {status} |" in documented, f"docs/operations.md lacks the status {status}"


def test_the_manual_has_every_section_and_component_of_the_configuration():
    text = manual("otlpd.yaml.5")
    section = ""
    for line in (TOP / "config/otlpd.reference.yaml").read_text().splitlines():
        if found := re.match(r"(\w+):", line):
            section = found[1]
            assert f"{section.upper()}\n" in text and f"{section}:" in text, f"otlpd.yaml.5 lacks {section}"
        elif found := re.match(r"  #?([a-z_]+)(/\w+)?:", line):
            part = text.split(f"\n{section.upper()}\n")[1].split("\n\n\n")[0]
            assert re.search(rf"(?m)^ +{found[1]}\b", part), f"otlpd.yaml.5 lacks {found[1]} in {section}"


def test_the_unit_does_not_restart_what_does_not_pass():
    unit = (TOP / "systemd/otlpd.service").read_text()
    never = set(re.search(r"(?m)^RestartPreventExitStatus=(.*)$", unit)[1].split())
    rows = re.findall(r"(?m)^\| (\d+) \| .* \| (yes|no) \|$", (TOP / "docs/operations.md").read_text())
    assert never == {status for status, again in rows if again == "no" and status != "0"}
