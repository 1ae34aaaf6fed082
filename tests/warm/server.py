"""Forks for each command that it is sent: see the package. Runs in a project's environment."""

import ast
import atexit
import contextlib
import gc
import importlib.util
import json
import os
import pkgutil
import runpy
import select
import socket
import sys
import time
from pathlib import Path
from typing import Any

# What takes time, as far as it is installed.
PACKAGES = (
    "difflib",
    "logging.config",
    "pwd",
    "unicodedata",
    "alembic.command",
    "alembic.config",
    "alembic.autogenerate",
    "psycopg",
    "pydantic_settings",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "sqlalchemy.orm",
)


# How a fork ends, when it is known.
ending: list[int] = []


@atexit.register  # before all others, so it is called after them
def end() -> None:
    """Ends a fork without freeing its memory, which takes longer than most commands."""
    if ending:
        with contextlib.suppress(OSError, ValueError):  # Python tries again, and says so
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(ending[0])


def load() -> None:
    """Imports what takes time."""
    spec = importlib.util.find_spec("migrator")
    library = pkgutil.walk_packages(spec.submodule_search_locations, "migrator.") if spec else ()
    for name in (*PACKAGES, *(module.name for module in library)):
        if name != "migrator.__main__":
            with contextlib.suppress(ModuleNotFoundError):  # such as a driver
                importlib.import_module(name)


def serve(listener: socket.socket, early: dict[str, str]) -> dict[str, Any] | None:
    """Forks until stdin is closed; returns in each fork, with what it is to run.

    Args:
        early: the variables that this interpreter read when it started; who asks for a command
            with others gets 0 instead of a process.
    """
    running: dict[int, tuple[int, socket.socket]] = {}
    while True:
        for ready in select.select([0, listener.fileno(), *running], [], [])[0]:
            if ready == 0:
                return None
            if ready in running:
                pid, control = running.pop(ready)
                os.close(ready)
                answer(control, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
                control.close()
                continue
            control, _ = listener.accept()
            message, descriptors, _, _ = socket.recv_fds(control, 1 << 20, 3)
            request: dict[str, Any] = ast.literal_eval(message.decode() or "{}")
            if request.pop("early", None) != early:
                answer(control, 0)
                control.close()
            elif not (pid := os.fork()):
                for number, descriptor in enumerate(descriptors):
                    os.dup2(descriptor, number)
                os.closerange(3, os.sysconf("SC_OPEN_MAX"))
                return request
            else:
                answer(control, pid)
                running[os.pidfd_open(pid)] = (pid, control)
            for descriptor in descriptors:
                os.close(descriptor)


def answer(control: socket.socket, number: int) -> None:
    """Says a number to whoever waits for it."""
    with contextlib.suppress(OSError):  # nobody does any more
        control.send(str(number).encode())


def become(command: list[str], cwd: str, env: dict[str, str]) -> None:
    """Runs a command of a project in this process."""
    os.chdir(cwd)
    coerced = os.environ.get("LC_CTYPE")  # by Python, when it started
    os.environ.clear()
    os.environ.update({"LC_CTYPE": coerced, **env} if coerced else env)
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


load()
gc.collect()
gc.freeze()  # else the first collection in a fork copies all of it
if request := serve(socket.socket(fileno=int(sys.argv[1])), json.loads(sys.argv[2])):
    try:
        become(**request)
    except SystemExit as error:
        if error.code is None or isinstance(error.code, int):
            ending.append(error.code or 0)
        raise
    ending.append(0)
