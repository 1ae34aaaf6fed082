"""The files in `.postgres/`, and their locks.

`data` is the database cluster, `log` the log of the server, `password` the superuser's password.
Two more files are used for locks (flock). `lock` is locked by a process that starts or stops the
server. `server` records where the server listens, and is locked by the server itself: all its
processes inherit the open file. This shows reliably whether the server is running. A PID file
cannot show it: PIDs are reused; the file survives a reboot, is copied together with the project,
and is shared with containers, where /proc does not even show root which process has a PID.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migrator.errors import UsageError

LOG_LIMIT = 1_000_000  # bytes; a longer log is truncated when the server starts


@dataclass(frozen=True)
class Status:
    """The state of the server; if it is not running, only its last port is known."""

    running: bool = False
    port: int | None = None
    pid: int | None = None
    postgres: str = ""  # the path of the program


class Folder:
    """The folder `.postgres/` of the project in the folder `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.path = self.root / ".postgres"
        self.data = self.path / "data"
        self.log = self.path / "log"

    @contextmanager
    def exclusive(self) -> Iterator[int]:
        """Create the folder if it does not exist, and lock it for starting or stopping the server.

        Yields:
            The file descriptor of the lock, which is held while any process has it open.

        Raises:
            UsageError: the folder belongs to another user.
        """
        try:
            if not self.path.exists():
                self.path.mkdir(mode=0o700, exist_ok=True)
                self._give_to_owner(self.path)
                self.write(".gitignore", "*\n")
            lock = self._open("lock", os.O_RDWR)
        except PermissionError:
            raise self.foreign() from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield lock
        finally:
            os.close(lock)

    def claim(self) -> int:
        """Return a locked file descriptor for a new server to inherit.

        Call it only within `exclusive`: of two processes that call it at once, each would see the
        other as a running server.

        Raises:
            BlockingIOError: a server is running.
        """
        server = self._open("server", os.O_RDWR)
        try:
            fcntl.flock(server, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(server)
            raise
        return server

    def status(self) -> Status:
        """Return the state of the server; call it only within `exclusive`."""
        try:
            os.close(self.claim())
            running = False
        except BlockingIOError:
            running = True
        # postmaster.pid has the values if the process that started the server was killed.
        facts: dict[str, Any] = {"pid": self._postmaster(0), "port": self._postmaster(3)}
        with suppress(ValueError, TypeError):
            facts |= json.loads((self.path / "server").read_text(encoding="utf-8"))
        return Status(True, **facts) if running else Status(port=facts["port"])

    def write_state(self, port: int, postgres: Path, pid: int | None = None) -> None:
        """Record the state of a server that is being started."""
        facts = {"port": port, "postgres": str(postgres)} | ({"pid": pid} if pid else {})
        self.write("server", json.dumps(facts))

    def ready(self, pid: int) -> bool:
        """Return whether the server with this process ID accepts connections."""
        lines = [line.strip() for line in self._postmaster_lines()]
        return bool(lines) and (lines[0], lines[-1]) == (str(pid), "ready")

    def read_password(self) -> str:
        """Return the superuser's password.

        Raises:
            UsageError: the file was removed.
        """
        try:
            return (self.path / "password").read_text().strip()
        except FileNotFoundError:
            raise UsageError(
                f"The password of the development database is missing from {self.path}: restore"
                " the file, or stop the server and remove the folder to start with an empty"
                " database."
            ) from None

    def write(self, name: str, text: str) -> Path:
        """Write a file that only the owner of the project can read, and return its path."""
        with os.fdopen(self._open(name, os.O_WRONLY | os.O_TRUNC), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path / name

    def open_log(self) -> int:
        """Return a file descriptor that appends to the log."""
        long = self.log.exists() and self.log.stat().st_size > LOG_LIMIT
        return self._open("log", os.O_WRONLY | os.O_APPEND | (os.O_TRUNC if long else 0))

    def foreign(self) -> UsageError:
        """Return the error for a folder that belongs to another user."""
        return UsageError(
            f"{self.path} belongs to another user: run this as that user, or remove the folder to"
            " start with an empty development database."
        )

    def _open(self, name: str, flags: int) -> int:
        file = os.open(self.path / name, flags | os.O_CREAT, 0o600)
        self._give_to_owner(file)
        return file

    def _give_to_owner(self, file: int | Path) -> None:
        # After `sudo make`, the owner of the project must still be able to open the files.
        if os.geteuid() == 0:
            project = self.root.stat()
            os.chown(file, project.st_uid, project.st_gid)

    def _postmaster(self, line: int) -> int | None:
        with suppress(ValueError, IndexError):
            return int(self._postmaster_lines()[line])
        return None

    def _postmaster_lines(self) -> list[str]:
        # Line 0 is the PID, line 3 the port, the last line the state; the file may be incomplete.
        with suppress(OSError):
            return (self.data / "postmaster.pid").read_text(errors="replace").splitlines()
        return []
