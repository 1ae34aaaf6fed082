"""What would end this process, or double it: signals, and what revisions do.

A revision is somebody's Python, and may call sys.exit() or fork.
"""

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from migrator.errors import MigratorError

ENDS = ("_exit", "execv", "execve")  # all that os.execvp and the like come to
# Ctrl-C; how a container is stopped; a terminal that is closed, which Windows does not have.
SIGNALS = (
    signal.SIGINT,
    signal.SIGTERM,
    *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else ()),
)


def heeded() -> tuple[signal.Signals, ...]:
    """Return the signals that interrupt this process: nohup has SIGHUP ignored."""
    return tuple(each for each in SIGNALS if signal.getsignal(each) != signal.SIG_IGN)


class ProcessEnd(SystemExit):
    """A call that would have ended this process, with an exit code that nobody here has chosen."""


@contextmanager
def contained() -> Iterator[None]:
    """Fail where a revision, or what it imports, would end this process: with sys.exit() or
    os._exit() it would even say that all went well.

    Code in C that ends the process is not held back. The environment and the working folder are
    afterwards what they were. A process that is forked inside ends here.

    Raises:
        MigratorError: in place of SystemExit and the like; Ctrl-C is not among them.
    """
    try:
        with _without_ends(), _environment_kept(), alone():
            yield
    except (Exception, KeyboardInterrupt):
        raise
    except BaseException as error:
        text = f": {error}" if str(error) else ""
        what = f"raised {type(error).__name__}{text}"
        if isinstance(error, ProcessEnd):
            what = f"called {error}"
        found = MigratorError(
            f"A revision, or code that it imports, has {what}, which ends a program. Let it raise"
            " an Exception if it has failed, or return if it has not."
        )
        found.reason = f"it has {what}, which would have ended the deploy"
        raise found from error


@contextmanager
def _without_ends() -> Iterator[None]:
    """Let the functions that end this process raise ProcessEnd; a forked child may end."""
    with ExitStack() as stack:
        for name in ENDS:
            own = getattr(os, name)
            raising = _raising(name, own, os.getpid())
            for module in (os, sys.modules[os.name]):
                setattr(module, name, raising)
                stack.callback(setattr, module, name, own)
        yield


@contextmanager
def _environment_kept() -> Iterator[None]:
    """Take back what revisions do to the environment and the folder, with which we go on."""
    variables, folder = dict(os.environ), Path.cwd()
    try:
        yield
    finally:
        if dict(os.environ) != variables:
            os.environ.clear()
            os.environ.update(variables)
        os.chdir(folder)


def _raising(name: str, own: Callable[..., Any], process: int) -> Callable[..., Any]:
    def raises(*arguments: Any) -> Any:
        if os.getpid() != process:
            return own(*arguments)
        raise ProcessEnd(f"os.{name}({', '.join(map(repr, arguments[:1]))})")

    return raises


@contextmanager
def alone() -> Iterator[None]:
    """End a process that is forked inside the block where the block ends, as multiprocessing does.

    It would go on as another deploy, on the connections of this one.
    """
    process = os.getpid()
    try:
        yield
    except BaseException as error:
        if os.getpid() != process:
            _end(error)
        raise
    if os.getpid() != process:
        _end(SystemExit())


def _end(error: BaseException) -> None:
    """End this process as an interpreter does with `error`, without anything of its parent's."""
    code = getattr(error, "code", 1)
    if not isinstance(error, SystemExit):
        traceback.print_exception(error)
    elif not isinstance(code, int | None):
        print(code, file=sys.stderr)
        code = 1
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code or 0)
