"""Which line of a revision is running: for a statement, the call in the file that led to it."""

import sys
from dataclasses import dataclass
from types import FrameType

# Where our lock-safe operations hand over their statements; their plain forms go another way.
OPERATIONS = ("migrator.operations.session", "migrator.operations.backfill")
# What SQLAlchemy, psycopg and the fence ask of a server of their own accord.
INTERNAL_CALLS = ("initialize", "get_isolation_level")
INTERNAL_MODULES = ("psycopg._typeinfo", "migrator.shadow.fence")


@dataclass(frozen=True)
class Place:
    """A line of a revision file; `own` if one of our lock-safe operations runs there."""

    line: int
    own: bool


def here(path: str) -> Place | None:
    """Return where in the file `path` the caller was called from, if it was."""
    frame: FrameType | None = sys._getframe(1)
    own = False
    while frame:
        module, call = str(frame.f_globals.get("__name__")), frame.f_code.co_name
        if module in INTERNAL_MODULES or (
            call in INTERNAL_CALLS and module.startswith("sqlalchemy.")
        ):
            return None
        if frame.f_code.co_filename == path:
            return Place(frame.f_lineno, own)
        own = own or module in OPERATIONS
        frame = frame.f_back
    return None
