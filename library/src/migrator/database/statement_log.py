"""Each SQL statement on stderr, as it runs: what `-v` shows."""

import sys
from contextlib import suppress
from typing import Any

from sqlalchemy import Engine, event

from migrator.console import verbosity
from migrator.errors import without_secrets
from migrator.postgres import sql


def show() -> None:
    """Show all statements of this process from now on, if that was asked for."""
    if verbosity.is_verbose() and not event.contains(*_LISTENING):
        event.listen(*_LISTENING)


def _show(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
    """Print a statement on one line and without the values of its parameters."""
    if not sql.looks_at_server(statement):
        with suppress(OSError):
            text = without_secrets(" ".join(statement.split()))
            print(f"sql      {text}", file=sys.stderr, flush=True)


_LISTENING = (Engine, "before_cursor_execute", _show)
