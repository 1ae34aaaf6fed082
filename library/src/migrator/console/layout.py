"""How wide text is on a terminal, and text that fits its width."""

import shutil
import unicodedata
from collections.abc import Sequence

WIDTH = 80


def columns() -> int:
    """Return how many columns text may take: 80, or those of a narrower terminal."""
    return max(min(shutil.get_terminal_size((WIDTH, 0)).columns, WIDTH), 40)


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


def wrap(text: str, indent: str = "", to: int | None = None) -> list[str]:
    """Return the lines of a text that is broken between words; no word is broken.

    textwrap does not know that Chinese characters take two columns.

    Args:
        indent: what each line begins with.
        to: the width, if it is not that of `columns`.
    """
    limit = to or columns()
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else ""
        if lines and width(longer) <= limit:
            lines[-1] = longer
        else:
            lines.append(indent + word)
    return lines
