"""Printing: the only module that prints, in UTF-8 whatever the locale is."""

import atexit
import gc
import io
import logging
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from alembic.config import Config

from migrator.errors import MigratorError


def start() -> None:
    """Make stdout and stderr write UTF-8, whatever the locale and PYTHONIOENCODING are.

    It also skips the garbage collection at exit, which takes a quarter of a short command's time.

    `reconfigure` changes the stream in place. A new TextIOWrapper around `sys.stdout.buffer`
    would close the buffer when it is garbage-collected, and break `pytest -s`.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
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


class Handler(logging.StreamHandler[TextIO]):
    """The log handler in alembic.ini, without the lines that Alembic logs at every start."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Drop the lines about the implementation and its assumptions; make others readable."""
        if record.name.startswith("alembic.autogenerate") and isinstance(record.args, tuple):
            _reword(record, record.args)
        startup = record.getMessage().startswith(("Context impl ", "Will assume "))
        return not startup and bool(super().filter(record))


def _reword(record: logging.LogRecord, arguments: tuple[object, ...]) -> None:
    """Write columns as a list, and leave out why an index or constraint counts as changed.

    Alembic says that letter by letter ("o, p, t, ..."), and the revision shows it.
    """
    text = str(record.msg)
    if text.startswith("Detected changed ") and text.endswith(": %s"):
        text, arguments = text.removesuffix(": %s"), arguments[:-1]
    record.msg = text
    record.args = tuple(
        ", ".join(map(str, each)) if isinstance(each, list | tuple) else each for each in arguments
    )


def say(message: str = "") -> None:
    """Print a line of the result to stdout."""
    print(message, flush=True)


def note(message: str) -> None:
    """Print a progress message or a warning to stderr, apart from the result."""
    print(message, file=sys.stderr, flush=True)


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


def width(text: str) -> int:
    """Return the width of `text` in terminal columns: two per wide character (UAX #11)."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Align rows in columns that are as wide as their widest cell."""
    lines = [header, *rows]
    widths = [max(width(line[i]) for line in lines) for i in range(len(header))]
    return "\n".join(
        "  ".join(cell + " " * (widths[i] - width(cell)) for i, cell in enumerate(line)).rstrip()
        for line in lines
    )


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
