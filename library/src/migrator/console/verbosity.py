"""How much is printed: `-q` and `-v` of the command line, `q=1` and `v=1` of make.

quiet      results, warnings and errors
verbose    also each SQL statement, as it runs, but for those that look at the server itself
"""

import logging
import os

VARIABLE = "MIGRATION_VERBOSITY"  # migrations.mk sets it for what it calls, `alembic` too
QUIET, VERBOSE = "quiet", "verbose"


def use(chosen: str = "") -> None:
    """Print as much as was chosen, here and in the programs that this one starts."""
    if chosen:
        os.environ[VARIABLE] = chosen
    if is_quiet():
        logging.disable(logging.INFO)


def is_quiet() -> bool:
    """Tell whether only results, warnings and errors are printed."""
    return os.environ.get(VARIABLE) == QUIET


def is_verbose() -> bool:
    """Tell whether statements are shown, too."""
    return os.environ.get(VARIABLE) == VERBOSE
