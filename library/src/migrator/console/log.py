"""The log of Alembic, as a reader gets it."""

import logging
from typing import TextIO


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
