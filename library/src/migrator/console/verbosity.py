"""How much is printed: `-q` and `-v` of the command line, `q=1` and `v=1` of make.

quiet      results, warnings and errors
verbose    also each SQL statement, as it runs, but for those that look at the server itself
"""

import logging
import os
import re
import sys
from contextlib import suppress
from typing import Any

from sqlalchemy import Engine, event

from migrator.errors import without_secrets

VARIABLE = "MIGRATION_VERBOSITY"  # migrations.mk sets it for what it calls, `alembic` too
QUIET, VERBOSE = "quiet", "verbose"
# What looks at the server and its settings, and some of it many times a second.
LOOKS = re.compile(r"SELECT 1$|(SELECT|WITH)\b.*\b(pg_\w+|set_config|current_setting)\b")


def use(chosen: str = "") -> None:
    """Print as much as was chosen, here and in the programs that this one starts."""
    if chosen:
        os.environ[VARIABLE] = chosen
    if is_quiet():
        logging.disable(logging.INFO)
    if os.environ.get(VARIABLE) == VERBOSE and not event.contains(*_LISTENING):
        event.listen(*_LISTENING)


def is_quiet() -> bool:
    """Tell whether only results, warnings and errors are printed."""
    return os.environ.get(VARIABLE) == QUIET


def _show(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
    """Print a statement to stderr, on one line and without the values of its parameters."""
    text = without_secrets(" ".join(statement.split()))
    if not LOOKS.match(text):
        with suppress(OSError):
            print(f"sql      {text}", file=sys.stderr, flush=True)


_LISTENING = (Engine, "before_cursor_execute", _show)
