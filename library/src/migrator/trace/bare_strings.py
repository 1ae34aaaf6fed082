"""SQL that a revision gives to SQLAlchemy as a bare string, as was allowed before its version 2.

Such a revision fails on a new database, and has run long ago on the others: a trial says so, runs
the string, and goes on.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

METHODS = ("execute", "scalar", "scalars")

REFUSED = (
    "SQLAlchemy 2 executes no bare string: sa.text(...) is needed around it. It was run here, so"
    " that the trial could go on"
)
OF_EARLIER = (
    "An earlier revision executes a bare string, which SQLAlchemy 2 refuses: no new database can be"
    " made with these revisions. The trial ran it"
)


@contextmanager
def accepted(wanted: Callable[[], bool]) -> Iterator[None]:
    """Run bare strings where `wanted`, which is asked for each, returns true."""
    before = [(each, name, vars(each)[name]) for each in (Connection, Session) for name in METHODS]
    for each, name, original in before:
        setattr(each, name, _wrapped(original, of_session=each is Session, wanted=wanted))
    try:
        yield
    finally:
        for each, name, original in before:
            setattr(each, name, original)


def _wrapped(original: Any, *, of_session: bool, wanted: Callable[[], bool]) -> Any:
    @wraps(original)
    def run(self: Any, statement: Any, parameters: Any = None, *args: Any, **options: Any) -> Any:
        if not (isinstance(statement, str) and wanted()):
            return original(self, statement, parameters, *args, **options)
        if of_session:
            return original(self, text(statement), parameters, *args, **options)
        plain = {"no_parameters": not parameters}  # else the driver takes % for a placeholder
        found = self.exec_driver_sql(statement, parameters, execution_options=plain)
        return found if original.__name__ == "execute" else getattr(found, original.__name__)()

    return run
