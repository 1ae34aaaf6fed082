"""Runs a project's commands without the start of Python, which takes longer than they do.

An interpreter of the project's environment imports the packages in it once, `migrator` among them
(nothing of the project), and is forked for each command. What runs is a process as ever, with its
own arguments, variables, folder, output, signals and exit code. That a command works without what
another one has imported is seen by test_warm.py, which runs each without a fork too.

`server` is that interpreter, and `client` stands for .venv/bin/python in the recipes of make.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

from tests.warm.client import early, fits, receive, send

SERVER = Path(__file__).with_name("server.py")
CLIENT = Path(__file__).with_name("client.py")


class Forked:
    """A running command, with the methods of `subprocess.Popen` that tests use."""

    stdin: IO[str] | None = None

    def __init__(
        self, args: Sequence[str], control: socket.socket, stdout: IO[str], stderr: IO[str] | None
    ) -> None:
        self.args = args
        self.stdout: IO[str] | None = stdout
        self.stderr = stderr
        self.returncode: int | None = None
        self._control = control
        self.pid = receive(control)
        self._texts: dict[str, str] = {}
        self._readers: dict[str, threading.Thread] = {}

    def __enter__(self) -> Forked:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close()
        self.wait()

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Waits until it ends, and returns the exit code.

        Raises:
            subprocess.TimeoutExpired: it still runs after `timeout` seconds.
        """
        if self.returncode is None:
            if not select.select([self._control], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self.returncode = receive(self._control)
            self._control.close()
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str | None]:
        """Reads all output to its end, and waits until it ends.

        Raises:
            subprocess.TimeoutExpired: not within `timeout` seconds; it may be called again.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        streams = {"stdout": self.stdout, "stderr": self.stderr}
        for name, stream in streams.items():
            if stream and name not in self._readers:
                reader = threading.Thread(target=self._read, args=(name, stream), daemon=True)
                self._readers[name] = reader
                reader.start()
        for reader in self._readers.values():
            reader.join(None if deadline is None else max(0, deadline - time.monotonic()))
            if reader.is_alive():
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
        self.wait(None if deadline is None else max(0, deadline - time.monotonic()))
        self._close()
        return self._texts.get("stdout", ""), self._texts.get("stderr")

    def send_signal(self, number: int) -> None:
        """Sends a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Sends SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Sends SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _read(self, name: str, stream: IO[str]) -> None:
        self._texts[name] = stream.read()

    def _close(self) -> None:
        for stream in (self.stdout, self.stderr):
            if stream:
                stream.close()


class Warm:
    """An interpreter to fork commands of one virtual environment from.

    Args:
        python: of the environment.
        folder: an own one, for the socket; its path is short.
        variables: what it starts with.
    """

    def __init__(self, python: Path, folder: Path, variables: Mapping[str, str]) -> None:
        self.python = python
        self.variables = dict(variables)
        self._address = folder / "socket"
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(str(self._address))
            listener.listen(64)
            self._process = subprocess.Popen(
                [python, SERVER, str(listener.fileno()), json.dumps(early(variables))],
                env=self.variables,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,  # as in the forks: Python looks at it when it starts
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                pass_fds=[listener.fileno()],
                start_new_session=True,  # Ctrl-C is for the tests, which then close it
            )

    @staticmethod
    def possible() -> bool:
        """Whether this system has what it needs."""
        return sys.platform == "linux"

    @property
    def pid(self) -> int:
        """The process that commands are forked from."""
        return self._process.pid

    @property
    def client(self) -> str:
        """What to call instead of the environment's Python; the rest of a line follows."""
        return shlex.join([str(self.python), "-IS", str(CLIENT), str(self._address)])

    def fits(self, command: Sequence[str], variables: Mapping[str, str]) -> bool:
        """Whether a fork behaves as this command does when it is started with these variables."""
        return early(self.variables) == early(variables) and fits(command)

    def start(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        together: bool = False,
    ) -> Forked:
        """Starts a command that `fits`.

        Args:
            command: with a path into `.venv` first.
            cwd: the project's folder.
            env: all its variables.
            together: stderr comes with stdout.
        """
        control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        control.connect(str(self._address))
        pipes = [os.pipe()] if together else [os.pipe(), os.pipe()]
        ends = [write for _, write in pipes]
        nothing = os.open(os.devnull, os.O_RDONLY)
        try:
            send(control, command, str(cwd), env, [nothing, ends[0], ends[-1]])
        finally:
            for end in (nothing, *ends):
                os.close(end)
        streams = [os.fdopen(read, encoding="utf-8") for read, _ in pipes]
        return Forked(command, control, streams[0], None if together else streams[1])

    def close(self) -> None:
        """Ends the interpreter; commands that run go on.

        Raises:
            RuntimeError: it has failed.
        """
        output, _ = self._process.communicate()
        if self._process.returncode:
            raise RuntimeError(output)
