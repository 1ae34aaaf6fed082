"""Has a command run by a warm interpreter, or by .venv/bin/python if that would not be the same."""

import json
import os
import signal
import socket
import sys
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
    control: socket.socket,
    command: Sequence[str],
    cwd: str,
    env: Mapping[str, str],
    descriptors: Sequence[int],
) -> None:
    """Asks the server for a command; `descriptors` are its stdin, stdout and stderr."""
    request = {"command": list(command), "cwd": cwd, "env": dict(env), "early": early(env)}
    socket.send_fds(control, [json.dumps(request).encode()], descriptors)


def receive(control: socket.socket) -> int:
    """The next number that the server says: the process's, then its exit code.

    Raises:
        EOFError: the server has ended.
    """
    said = control.recv(20)
    if not said:
        raise EOFError
    return int(said)


def main(address: str, arguments: Sequence[str]) -> int:
    """Runs `.venv/bin/python ARGUMENTS` in this folder, and returns the exit code."""
    command = [".venv/bin/python", *arguments]
    if fits(command):
        control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        control.connect(address)
        cwd = os.getcwd()  # noqa: PTH109 - pathlib takes as long as all the rest
        send(control, command, cwd, os.environ, [0, 1, 2])
        if pid := receive(control):
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, lambda number, _: os.kill(pid, number))
            return receive(control)
    os.execv(command[0], command)


if __name__ == "__main__":
    code = main(sys.argv[1], sys.argv[2:])
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)
