"""Everything that is printed. UTF-8 whatever the locale says, aligned for wide characters."""

import atexit
import gc
import io
import logging
import sys
import unicodedata
from collections.abc import Sequence
from typing import TextIO


def start() -> None:
    """Make stdout and stderr write UTF-8, under every locale and PYTHONIOENCODING.

    And skip the last search for garbage, which takes a quarter of a short command's time.

    `reconfigure` changes the stream in place. A new TextIOWrapper around `sys.stdout.buffer`
    would close the buffer when it is collected, and breaks `pytest -s`.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    atexit.register(gc.freeze)


def argument(text: str) -> str:
    """Return a command-line argument as the UTF-8 that the user typed.

    Without UTF-8 mode, an ASCII or Latin locale decodes the bytes of `argv` wrongly;
    `surrogateescape` keeps them, so that they can be decoded again.
    """
    try:
        return text.encode(sys.getfilesystemencoding(), "surrogateescape").decode("utf-8")
    except UnicodeError:
        return text


class Handler(logging.StreamHandler[TextIO]):
    """For alembic.ini: the log without what Alembic says about itself at every start."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Leave out which implementation was chosen and what it assumes."""
        itself = record.getMessage().startswith(("Context impl ", "Will assume "))
        return not itself and bool(super().filter(record))


def say(message: str = "") -> None:
    """Print one line of result to stdout."""
    print(message, flush=True)


def note(message: str) -> None:
    """Print one line of progress or warning to stderr, which never mixes with results."""
    print(message, file=sys.stderr, flush=True)


def width(text: str) -> int:
    """Return how many terminal columns `text` takes: two for each wide character (UAX #11)."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows in columns, as wide as their widest cell."""
    lines = [header, *rows]
    widths = [max(width(line[i]) for line in lines) for i in range(len(header))]
    return "\n".join(
        "  ".join(cell + " " * (widths[i] - width(cell)) for i, cell in enumerate(line)).rstrip()
        for line in lines
    )
