"""Certificates of the TLS tests, made with openssl(1): an authority, and what it signs."""

import subprocess
from pathlib import Path


def openssl(*arguments, cwd):
    subprocess.run(["openssl", *arguments], cwd=cwd, check=True, capture_output=True, timeout=30)


NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class Authority:
    """Signs certificates for localhost. `cert` is its own."""

    def __init__(self, directory: Path, name: str = "ca"):
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.name = name
        self.cert = directory / f"{name}.crt"
        openssl(
            "req", "-x509", *NEW_KEY, "-keyout", f"{name}.key", "-out", self.cert, "-days", "30",
            "-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign", cwd=directory,
        )  # fmt: skip

    def issue(self, name: str) -> tuple[Path, Path]:
        """A certificate for localhost with its key."""
        cert, key = self.directory / f"{name}.crt", self.directory / f"{name}.key"
        openssl("req", *NEW_KEY, "-keyout", key, "-out", f"{name}.csr", "-subj", f"/CN={name}", cwd=self.directory)
        extensions = self.directory / "extensions"
        extensions.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        openssl(
            "x509", "-req", "-in", f"{name}.csr", "-CA", self.cert, "-CAkey", f"{self.name}.key", "-CAcreateserial",
            "-out", cert, "-days", "30", "-extfile", extensions, cwd=self.directory,
        )  # fmt: skip
        return cert, key
