"""Has a command run by a warm interpreter, or by .venv/bin/python if that would not be the same.

It is started for each command, so it imports only what starts with Python or is written in C.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import _socket
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MODULES = ("alembic", "migrator")
# What Python and the dynamic linker read when they start, so that a fork comes too late for it.
EARLY = ("PYTHON", "LC_", "LANG", "LD_", "LOCPATH")


def early(variables: Mapping[str, str]) -> dict[str, str]:
    """Those of `variables` that a fork comes too late for."""
    return {name: value for name, value in variables.items() if name.startswith(EARLY)}


def fits(command: Sequence[str]) -> bool:
    """Whether a command can be run by a fork."""
    match list(command[:3]):
        case [".venv/bin/alembic", *_]:
            return True
        case [".venv/bin/python", "-m", module]:
            return module in MODULES
        case [".venv/bin/python", file, *_]:
            return file.endswith(".py")
    return False


def send(
    control: _socket.socket,
    command: Sequence[str],
    cwd: str,
    env: Mapping[str, str],
    descriptors: Sequence[int],
) -> None:
    """Asks the server for a command; `descriptors` are its stdin, stdout and stderr."""
    request = {"command": list(command), "cwd": cwd, "env": dict(env), "early": early(env)}
    numbers = b"".join(number.to_bytes(4, sys.byteorder) for number in descriptors)
    rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, numbers)
    # Not JSON, which takes as long to import as all else.
    control.sendmsg([ascii(request).encode()], [rights])


def receive(control: _socket.socket) -> int:
    """The next number that the server says: the process's, then its exit code.

    Raises:
        EOFError: the server has ended.
    """
    said = control.recv(20)
    if not said:
        raise EOFError
    return int(said)


def given() -> dict[str, str]:
    """The variables that .venv/bin/python would be started with.

    Without what is here because of this program: LC_CTYPE, which Python sets, and the name of this
    program, which make exports since it came as an argument.
    """
    with open("/proc/self/environ", "rb") as file:  # noqa: PTH123 - pathlib takes long to import
        pairs = os.fsdecode(file.read()).split("\0")
    variables = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    return {name: value for name, value in variables.items() if name != "PYTHON"}


def ours() -> bool:
    """Whether the environment of this folder is the one that commands are forked from."""
    own = os.path.dirname(os.path.dirname(sys.executable))  # noqa: PTH120 - -S: no sys.prefix
    try:
        return os.path.samefile(".venv", own)  # noqa: PTH121
    except FileNotFoundError:
        return False


def main(address: str, arguments: Sequence[str]) -> int:
    """Runs the Python of this folder with these arguments, and returns the exit code."""
    command = [".venv/bin/python", *arguments]
    variables = given()
    if ours():
        if fits(command):
            control = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
            control.connect(address)
            cwd = os.getcwd()  # noqa: PTH109
            send(control, command, cwd, variables, [0, 1, 2])
            if pid := receive(control):
                for number in (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP):
                    _signal.signal(number, lambda number, _: os.kill(pid, number))
                return receive(control)
    elif not os.path.exists(command[0]):  # noqa: PTH110
        command[0] = "python3"  # as migrations.mk chooses it
    os.execvpe(command[0], command, variables)


if __name__ == "__main__":
    code = main(sys.argv[1], sys.argv[2:])
    if code < 0:
        _signal.signal(-code, _signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)
