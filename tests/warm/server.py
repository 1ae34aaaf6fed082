"""Forks for each command that it is sent: see the package. Runs in a project's environment."""

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import socket
import sys
import time
from pathlib import Path
from typing import Any

# As far as they are installed; the others take little time.
PACKAGES = (
    "alembic.command",
    "alembic.config",
    "alembic.autogenerate",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "sqlalchemy.orm",
    "pydantic_settings",
)


def serve(requests: socket.socket) -> dict[str, Any] | None:
    """Forks until nobody can ask any more; returns in each fork, with what it is to run."""
    running: dict[int, tuple[int, socket.socket]] = {}
    while True:
        for ready in select.select([requests.fileno(), *running], [], [])[0]:
            if ready in running:
                pid, control = running.pop(ready)
                os.close(ready)
                with contextlib.suppress(OSError):  # nobody waits for it any more
                    control.send(os.waitpid(pid, 0)[1].to_bytes(4, sys.byteorder))
                control.close()
                continue
            message, descriptors, _, _ = socket.recv_fds(requests, 1 << 20, 3)
            if not message:
                return None
            *output, last = descriptors
            control = socket.socket(fileno=last)
            if not (pid := os.fork()):
                for number, descriptor in enumerate(output, start=1):
                    os.dup2(descriptor, number)
                os.closerange(3, os.sysconf("SC_OPEN_MAX"))
                request: dict[str, Any] = json.loads(message)
                return request
            for descriptor in output:
                os.close(descriptor)
            control.send(pid.to_bytes(4, sys.byteorder))
            running[os.pidfd_open(pid)] = (pid, control)


def become(command: list[str], cwd: str, env: dict[str, str]) -> None:
    """Runs a command of a project in this process."""
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    sys.executable = str(Path(cwd, ".venv/bin/python"))
    match command:
        case [_, "-m", module, *arguments]:
            sys.argv = [module, *arguments]
            sys.path[0] = cwd
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case [".venv/bin/python", file, *_]:
            sys.argv = command[1:]
            sys.path[0] = str(Path(file).resolve().parent)
            runpy.run_path(file, run_name="__main__")
        case [script, *_]:
            sys.argv = command
            sys.path[0] = str(Path(script).parent.absolute())
            runpy.run_path(script, run_name="__main__")


for package in PACKAGES:
    with contextlib.suppress(ModuleNotFoundError):
        importlib.import_module(package)
gc.collect()
gc.freeze()  # else the first collection in a fork copies all of it
if request := serve(socket.socket(fileno=int(sys.argv[1]))):
    become(**request)
