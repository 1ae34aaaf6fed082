"""Printing: the only package that prints, in UTF-8 whatever the locale is.

layout    how wide text is, tables and lines
style     colours
markdown  text in Markdown
log       the log of Alembic
quantities seconds and bytes
verbosity how much is printed
withheld  what revisions print on a shadow database
"""

import atexit
import ctypes
import gc
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from alembic.config import Config

from migrator.console import verbosity
from migrator.console.layout import table, width, wrap
from migrator.console.log import Handler
from migrator.console.style import Style
from migrator.errors import MigratorError

__all__ = [
    "Handler",
    "Style",
    "argument",
    "confirmed",
    "exit_codes",
    "note",
    "only_results",
    "progress",
    "remark",
    "say",
    "start",
    "style",
    "table",
    "typed",
    "unwritten",
    "width",
    "wrap",
]

_results: TextIO | None = None  # where `say` prints; sys.stdout if None
_unwritten = ""  # why something could not be printed


def start() -> None:
    """Make stdout and stderr write UTF-8, whatever the locale and PYTHONIOENCODING are.

    It also skips the garbage collection at exit, which takes a quarter of a short command's time.

    `reconfigure` changes the stream in place. A new TextIOWrapper around `sys.stdout.buffer`
    would close the buffer when it is garbage-collected, and break `pytest -s`.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and not stream.closed:
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    atexit.register(gc.freeze)


def argument(text: str) -> str:
    """Return a command-line argument as the UTF-8 text that the user typed.

    Without UTF-8 mode, Python decodes `argv` in the encoding of the locale. `surrogateescape`
    preserves the bytes, so that they can be decoded again.
    """
    try:
        return text.encode(sys.getfilesystemencoding(), "surrogateescape").decode("utf-8")
    except UnicodeError:
        return text


@contextmanager
def only_results() -> Iterator[None]:
    """Let nothing but `say` reach stdout; what else is written there goes to stderr.

    It is for commands that run revisions: they may print, log, start programs, and call libraries
    in C, which write to file descriptor 1. The descriptor stays redirected, because buffers may be
    flushed, and functions registered with atexit may print, when the process ends.
    """
    global _results
    before, stdout = _results, sys.stdout
    if before is None:
        _results = _reserved(stdout)
    sys.stdout = sys.stderr
    try:
        yield
    finally:
        if not sys.stdout.closed:
            sys.stdout.flush()
        sys.stdout = stdout
        if _results is stdout:  # it is not this process's stdout, and may be closed
            _results = before


def _reserved(stdout: TextIO) -> TextIO:
    """Return a stream to what is stdout now, and let file descriptor 1 be stderr."""
    with suppress(OSError, ValueError, AttributeError):  # a stream in memory has no descriptor
        if stdout.fileno() == 1:
            stdout.flush()
            with suppress(OSError, AttributeError, TypeError):  # TypeError: on Windows
                ctypes.CDLL(None).fflush(None)
            results = open(os.dup(1), "w", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115, PTH123 - it stays open until the process ends
            os.dup2(2, 1)
            return results
    return stdout


def style() -> Style:
    """Return the colours for what `say` prints."""
    return Style.of(_results or sys.stdout)


def progress(text: str) -> None:
    """Print to a terminal what is going on while it takes a while; a log of a pipeline has no line.

    It goes to stderr.
    """
    if sys.stderr.isatty():
        remark(text)


def say(message: str = "") -> None:
    """Print a line of the result to stdout."""
    _write(message, _results or sys.stdout)


def note(message: str) -> None:
    """Print a warning or an error to stderr, apart from the result."""
    _write(message, sys.stderr)


def remark(message: str) -> None:
    """Print to stderr what is going on, unless only results are asked for (`-q`)."""
    if not verbosity.is_quiet():
        _write(message, sys.stderr)


def _write(message: str, stream: TextIO) -> None:
    """Print; where that fails, go on: a deploy does not stop because nobody can read of it."""
    global _unwritten
    try:
        print(message, file=stream, flush=True)
    except (OSError, ValueError) as error:
        if isinstance(error, ValueError) and not stream.closed:
            raise
        _unwritten = _unwritten or getattr(error, "strerror", "") or str(error)
        # What is left in the buffers would fail again when the process ends.
        with open(os.devnull, "wb") as nothing, suppress(OSError, ValueError):  # noqa: PTH123
            os.dup2(nothing.fileno(), stream.fileno())


def unwritten() -> str:
    """Return why something could not be printed; empty if all could."""
    return _unwritten


def confirmed(question: str) -> bool:
    """Ask a question on the terminal; without a terminal the answer is no."""
    if not sys.stdin.isatty():
        return False
    say(f"{question} [y/N]")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def typed(question: str) -> str:
    """Ask for a text; at the end of the input the answer is empty."""
    try:
        return argument(input(question))
    except EOFError:
        return ""


@contextmanager
def exit_codes(config: Config) -> Iterator[None]:
    """Give the `alembic` command the exit codes of errors.py; its own is 255 for every error."""
    try:
        yield
    except MigratorError as error:
        if not hasattr(config.cmd_opts, "cmd"):  # a program called Alembic, and handles errors
            raise
        say(f"FAILED: {error}")
        for name, text in error.details:
            say(f"  {name}: {text}")
        sys.exit(error.exit_code)
