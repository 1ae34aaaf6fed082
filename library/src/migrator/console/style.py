"""Colours on a terminal, for those who want them."""

import os
from dataclasses import dataclass
from typing import Self, TextIO

BOLD, DIM, RED, GREEN, YELLOW, CYAN = "1", "2", "31", "32", "33", "36"


@dataclass(frozen=True)
class Style:
    """Puts text into ANSI colours, or leaves it as it is."""

    coloured: bool = False

    @classmethod
    def of(cls, stream: TextIO) -> Self:
        """Return the style for a stream: coloured if it is a terminal that shows colours.

        NO_COLOR (https://no-color.org) turns them off, and so do CI and TERM=dumb.
        """
        unwanted = os.environ.get("NO_COLOR") or os.environ.get("CI")
        dumb = os.environ.get("TERM", "dumb") == "dumb"
        return cls(stream.isatty() and not unwanted and not dumb)

    def __call__(self, text: str, *codes: str) -> str:
        """Return text in a style."""
        return f"\033[{';'.join(codes)}m{text}\033[0m" if self.coloured and text else text
