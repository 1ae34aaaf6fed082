"""PostgreSQL's client programs: where they are, and how they are run."""

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

from migrator.backup import storage
from migrator.config import hosts
from migrator.config.context import Context
from migrator.errors import MigratorError, one_line
from migrator.postgres import after_connect, pooler, supported
from migrator.postgres.engine import PRIMARY

HEARTBEAT = 5.0  # seconds between two progress messages of a slow program
# Secret connection parameters, besides the password, that have no environment variable.
SECRETS = {"sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"}
DEBIAN = "/usr/lib/postgresql/{}/bin"
# libpq refuses the second parameter before it looks at the first, if it cannot encrypt.
NOWHERE = "host=/nowhere sslmode=require"
CANNOT = "SSL support is not compiled in"
PR_SET_PDEATHSIG = 1  # an option of prctl(2) on Linux


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
    """A database by its libpq parameters, for psycopg and for the client programs alike."""

    parameters: Mapping[str, str]

    @property
    def name(self) -> str:
        """The parameters as programs take them, without the password: all users see arguments."""
        shown = {key: value for key, value in self.parameters.items() if key != "password"}
        return conninfo.make_conninfo("", **shown)

    @property
    def argument(self) -> str:
        """`name` as an option."""
        return f"--dbname={self.name}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment that goes with `argument`."""
        variables = plain_environment()
        if password := self.parameters.get("password"):
            variables["PGPASSWORD"] = password
        return variables

    def where(self, connection: psycopg.Connection) -> "LibpqDatabase":
        """Return the database on the server that `connection` goes to, if there are several."""
        found, info = dict(self.parameters), connection.info
        if "," in found.get("host", ""):
            found |= {"host": info.host, "port": str(info.port)}
            if found.pop("hostaddr", ""):
                found["hostaddr"] = info.hostaddr
        return LibpqDatabase(found)

    def named(self, name: str) -> "LibpqDatabase":
        """Return the database `name` on the same server."""
        return LibpqDatabase({**self.parameters, "dbname": name})

    @contextmanager
    def connect(self, state: str = "nothing was changed") -> Iterator[psycopg.Connection]:
        """Yield a connection in autocommit mode.

        Args:
            state: the state of the database, for the end of an error message.

        Raises:
            MigratorError: the server cannot be reached, or a statement failed.
        """
        try:
            with psycopg.connect(**self.parameters, autocommit=True) as connection:  # type: ignore[arg-type]
                supported.require(connection)
                if not pooler.is_between(connection):
                    after_connect.apply(connection)
                yield connection
        except psycopg.Error as error:
            reason = one_line(error).removesuffix(".")
            if password := self.parameters.get("password"):
                reason = reason.replace(password, "***")
            raise MigratorError(f"PostgreSQL reported an error: {reason}; {state}.") from None


def database(context: Context) -> LibpqDatabase:
    """Return the database of `context`.

    Raises:
        MigratorError: the URL has a secret that could be passed only as an argument.
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
            f"The database URL has {secret}, which pg_dump accepts only as an argument, where every"
            " user could read it; nothing was changed. Put it into a service file (PGSERVICEFILE"
            " names the file) and write service=NAME in the URL."
        )
    if hosts.several(url):
        found.setdefault("target_session_attrs", PRIMARY)
    found["connect_timeout"] = str(round(context.settings.connect_timeout))
    return LibpqDatabase(found)


def plain_environment() -> dict[str, str]:
    """Return the environment for a program that does not connect; its messages are English."""
    return dict(os.environ, LC_ALL="C")


def find(context: Context, server: int, *, encrypted: bool = False) -> list[Programs]:
    """Return all installations of the client programs, the best for the server first.

    The best is that of the same major version, because an older server does not know all that
    newer programs write.

    Args:
        server: the major version of the server.
        encrypted: only those that can encrypt a connection.

    Raises:
        MigratorError: the client programs are not installed, or none of them can encrypt.
    """
    folder = context.settings.pg_bin
    path = shutil.which("pg_dump")
    places = [Path(folder)] if folder else [Path(path).parent] if path else []
    if not folder:  # those of this version, which Debian has beside others; the wheel's at last
        places += [Path(DEBIAN.format(server)), *filter(None, [_wheel()])]
    found = [programs for place in places if (programs := _installed(place))]
    if not found:
        where = f"in {folder} (pg_bin)" if folder else "on PATH"
        raise MigratorError(
            f"pg_dump and pg_restore were not found {where}; nothing was changed. Install"
            f" PostgreSQL's client programs (Debian: postgresql-client-{server}), or set pg_bin to"
            " their folder."
        )
    if encrypted and not (able := [each for each in found if _encrypts(each)]):
        raise MigratorError(
            f"{found[0].path('pg_dump')} was built without OpenSSL, and the connection to the"
            " server is encrypted; nothing was changed. Install PostgreSQL's client programs"
            f" (Debian: postgresql-client-{server}), or set pg_bin to their folder."
        )
    best = able if encrypted else found
    return sorted(best, key=lambda each: (each.major < server, abs(each.major - server)))


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    heartbeat: Callable[[], None] = lambda: None,
) -> subprocess.CompletedProcess[str]:
    """Run a program and wait for its end; it is terminated if this process ends.

    Args:
        heartbeat: called every few seconds while the program runs.
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
    """Terminate `process` if the block raises an error; SIGTERM lets it cancel its query."""
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
    """Let Linux terminate this child when its parent is killed: a dump can take hours."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def error_output(run: subprocess.CompletedProcess[str]) -> str:
    """Return what a failed program printed, in one line and without its name."""
    if run.returncode < 0:
        return f"it was terminated by {signal.Signals(-run.returncode).name}"
    lines = [
        re.sub(r"^(pg_\w+|psql[^ ]*): (error: )?", "", line) for line in run.stderr.splitlines()
    ]
    shown = [line for line in lines if line.strip() and not line.startswith(("warning:", "hint:"))]
    return "; ".join(shown[:3]).removesuffix(".") or f"its exit code was {run.returncode}"


def _wheel() -> Path | None:
    with suppress(ImportError, MigratorError):  # only for development
        from migrator.devserver import binaries

        return binaries()
    return None


def _installed(folder: Path) -> Programs | None:
    if any(not shutil.which(name, path=folder) for name in ("pg_dump", "pg_restore")):
        return None
    with suppress(OSError):
        output = run([str(folder / "pg_dump"), "--version"], dict(os.environ)).stdout
        if version := re.search(r"\(PostgreSQL\) (\d+)", output):
            return Programs(folder, int(version[1]))
    return None


def _encrypts(programs: Programs) -> bool:
    command = [programs.path("pg_dump"), f"--dbname={NOWHERE}"]
    return CANNOT not in run(command, plain_environment()).stderr


def require_version(found: Programs, server: int) -> None:
    """Refuse programs that are older than the server: pg_dump does not dump a newer one.

    Raises:
        MigratorError: they are.
    """
    if found.major < server:
        raise storage.failed(
            f"{found.path('pg_dump')} is version {found.major} and cannot dump a server of version"
            f" {server}; install the client programs of PostgreSQL {server} (Debian:"
            f" postgresql-client-{server}), or set pg_bin to their folder"
        )
