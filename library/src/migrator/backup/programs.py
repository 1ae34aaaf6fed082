"""PostgreSQL's own programs: which there are, and how they are run on a database."""

import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import conninfo, pq

from migrator.config.context import Context
from migrator.errors import MigratorError

HEARTBEAT = 10.0  # seconds between two words about a program that takes long
# What is secret beside the password, and has no environment variable.
SECRETS = {"sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"}
PR_SET_PDEATHSIG = 1  # of Linux's prctl


@dataclass(frozen=True)
class Programs:
    """`pg_dump`, `pg_restore` and `psql` of one major version, in one folder."""

    folder: Path
    major: int

    def path(self, name: str) -> str:
        """Return the path of one of the programs."""
        return str(self.folder / name)


@dataclass(frozen=True)
class LibpqDatabase:
    """One database as libpq knows it: what psycopg and the programs are given alike."""

    parameters: Mapping[str, str]

    @property
    def argument(self) -> str:
        """The argument that names it to a program: without the password, which all could see."""
        shown = {key: value for key, value in self.parameters.items() if key != "password"}
        return "--dbname=" + conninfo.make_conninfo("", **shown)

    @property
    def environment(self) -> dict[str, str]:
        """The environment that goes with `argument`."""
        words = plain_environment()
        if password := self.parameters.get("password"):
            words["PGPASSWORD"] = password
        return words

    @contextmanager
    def connect(self, state: str = "nothing was changed") -> Iterator[psycopg.Connection]:
        """Yield a connection in no transaction.

        Args:
            state: what an error's message says in the end.

        Raises:
            MigratorError: the server cannot be reached, or refused a statement.
        """
        try:
            with psycopg.connect(**self.parameters, autocommit=True) as connection:  # type: ignore[arg-type]
                yield connection
        except psycopg.Error as error:
            reason = " ".join(str(error).split()).removesuffix(".")
            if password := self.parameters.get("password"):
                reason = reason.replace(password, "***")
            raise MigratorError(f"The database said: {reason}; {state}.") from None


def database(context: Context, name: str | None = None) -> LibpqDatabase:
    """Return the database that `context` names, or another one, called `name`, beside it.

    Raises:
        MigratorError: its URL has a secret that could be handed on as an argument only.
    """
    url = context.target.url
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    _, given = url.get_dialect()().create_connect_args(url)
    found = {
        key: " ".join(value) if isinstance(value, tuple | list) else str(value)
        for key, value in given.items()
        if key in known
    }
    for secret in SECRETS & set(found):
        raise MigratorError(
            f"The database URL has {secret}, which pg_dump takes from nowhere but its arguments,"
            " where every user can read it; put it into a service file and write service=NAME"
            " in the URL (PGSERVICEFILE names the file); nothing was changed."
        )
    found["connect_timeout"] = str(round(context.settings.connect_timeout))
    return LibpqDatabase(found | ({"dbname": name} if name else {}))


def plain_environment() -> dict[str, str]:
    """Return the environment for a program that connects to nothing: it speaks English."""
    return dict(os.environ, LC_ALL="C")


def find(context: Context, server: int) -> list[Programs]:
    """Return all tools that there are, the best for a server of that major version first.

    Of the same version is best, because an older server does not know everything that newer
    programs write.

    Raises:
        MigratorError: there are none.
    """
    folder = context.settings.pg_bin
    path = shutil.which("pg_dump")
    places = [Path(folder)] if folder else [Path(path).parent] if path else []
    if not folder and (wheel := _wheel()):
        places.append(wheel)
    found = [tools for place in places if (tools := _look(place))]
    if not found:
        where = f"in {folder} (pg_bin)" if folder else "on PATH"
        raise MigratorError(
            f"There is no pg_dump with its pg_restore {where}; install PostgreSQL's client"
            f" programs (Debian: postgresql-client-{server}) or set pg_bin to their folder;"
            " nothing was changed."
        )
    return sorted(found, key=lambda each: (each.major < server, abs(each.major - server)))


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    heartbeat: Callable[[], None] = lambda: None,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; it ends with us, whatever ends us.

    Args:
        heartbeat: called every few seconds while it runs.
    """
    with (
        subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            preexec_fn=end_with_parent,
        ) as process,
        terminated_on_error(process),
    ):
        while True:
            try:
                output, errors = process.communicate(timeout=HEARTBEAT)
                break
            except subprocess.TimeoutExpired:
                heartbeat()
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


@contextmanager
def terminated_on_error(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> Iterator[None]:
    """End `process` if the block does not end well: politely, so that it cancels its query."""
    try:
        yield
    except BaseException:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
        raise


def end_with_parent() -> None:
    """Ask Linux to end this child when its parent is killed: a dump would go on for hours."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def error_output(run: subprocess.CompletedProcess[str]) -> str:
    """Return what a program said when it failed, in one line without its own name."""
    if run.returncode < 0:
        return f"it was ended by {signal.Signals(-run.returncode).name}"
    lines = [
        re.sub(r"^(pg_\w+|psql[^ ]*): (error: )?", "", line) for line in run.stderr.splitlines()
    ]
    said = [line for line in lines if line.strip() and not line.startswith(("warning:", "hint:"))]
    return "; ".join(said[:3]).removesuffix(".") or f"it ended with exit code {run.returncode}"


def _wheel() -> Path | None:
    with suppress(ImportError, MigratorError):  # only for development
        from migrator.devserver import binaries

        return binaries()
    return None


def _look(folder: Path) -> Programs | None:
    if any(not shutil.which(name, path=folder) for name in ("pg_dump", "pg_restore")):
        return None
    with suppress(OSError):
        words = run([str(folder / "pg_dump"), "--version"], dict(os.environ)).stdout
        if version := re.search(r"\(PostgreSQL\) (\d+)", words):
            return Programs(folder, int(version[1]))
    return None
