"""What Debian's own checker says of the package."""

import subprocess


def test_lintian_finds_no_error(package):
    result = subprocess.run(
        ["lintian", "--fail-on", "error", "--tag-display-limit", "0", package], capture_output=True, text=True, timeout=120
    )
    print("", result.stdout, sep="\n")
    assert result.returncode == 0, result.stdout + result.stderr
