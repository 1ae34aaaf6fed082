"""Each statement that a revision sends through psycopg, whichever connection it is on.

Everything in this process goes through these methods: SQLAlchemy's connections and engines, the
driver's own connections and cursors, COPY.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from typing import Any

import psycopg
from psycopg import sql

# Yields whether the statement is to be sent.
Watch = Callable[[Any, str], AbstractContextManager[bool]]
METHODS = ("execute", "executemany", "stream", "copy")


class Unwatched(psycopg.Cursor[Any]):
    """A cursor of our own, whose statements are none of a revision."""

    execute = psycopg.Cursor.execute  # as it is before it is watched


@contextmanager
def watched(watch: Watch, edge: Callable[[], None]) -> Iterator[None]:
    """Enter `watch`, with the connection and the statement, around each statement.

    Args:
        edge: called where a block of psycopg's own begins or ends a transaction or a savepoint,
            which is no statement of a cursor.
    """
    classes: tuple[type, ...] = (psycopg.Cursor, psycopg.ServerCursor)
    before = [(each, name, vars(each)[name]) for each in classes for name in METHODS
              if name in vars(each)]  # fmt: skip
    wrapped = [(each, name, _wrapped(name, original, watch)) for each, name, original in before]
    block = psycopg.Connection.transaction
    before.append((psycopg.Connection, "transaction", block))
    wrapped.append((psycopg.Connection, "transaction", _transaction(block, edge)))
    for each, name, wrapper in wrapped:
        setattr(each, name, wrapper)
    try:
        yield
    finally:
        for each, name, original in before:
            setattr(each, name, original)


def _transaction(original: Any, edge: Callable[[], None]) -> Any:
    @contextmanager
    def transaction(connection: Any, *args: Any, **options: Any) -> Iterator[Any]:
        try:
            with original(connection, *args, **options) as block:
                edge()
                yield block
        finally:
            edge()

    return transaction


def _wrapped(name: str, original: Any, watch: Watch) -> Any:
    if name == "copy":  # a context manager, which is open while the rows are sent

        @contextmanager
        def copy(cursor: Any, query: Any, params: Any = None, **options: Any) -> Iterator[Any]:
            with (
                watch(cursor.connection, _text(cursor, query, params)),
                original(cursor, query, params, **options) as made,
            ):
                yield made

        return copy
    if name == "stream":

        @wraps(original)
        def stream(cursor: Any, query: Any, params: Any = None, **options: Any) -> Iterator[Any]:
            with watch(cursor.connection, _text(cursor, query, params)):
                yield from original(cursor, query, params, **options)

        return stream

    @wraps(original)
    def execute(cursor: Any, query: Any, *params: Any, **options: Any) -> Any:
        text = _text(cursor, query, params or options.get("params"))
        with watch(cursor.connection, text) as wanted:
            if wanted:
                return original(cursor, query, *params, **options)
        return cursor  # left out, or its error has been answered for

    return execute


def _text(cursor: Any, query: Any, params: Any) -> str:
    """Return a statement as the server gets it, with its placeholders."""
    if isinstance(query, sql.Composable):
        query = query.as_string(cursor)
    text = query.decode("utf-8", "replace") if isinstance(query, bytes) else str(query)
    # Only with parameters the driver halves them.
    return text.replace("%%", "%") if params not in (None, (None,)) else text
