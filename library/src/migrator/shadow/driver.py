"""New connections of psycopg, whoever opens them."""

from collections.abc import Callable
from typing import Any

Connected = Callable[[Any], None]

_original: list[Any] = []


def listen(connected: Connected) -> None:
    """Call `connected` with the session (of libpq) of each new connection, until `remove`."""
    try:
        from psycopg import BaseConnection
    except ImportError:  # it does not come with SQLite
        return
    original: Any = BaseConnection.__init__

    def begin(connection: Any, session: Any, *rest: Any, **options: Any) -> None:
        connected(session)
        original(connection, session, *rest, **options)

    _original.append(original)
    BaseConnection.__init__ = begin  # type: ignore[assignment,method-assign]


def remove() -> None:
    """Leave new connections alone again."""
    if _original:
        from psycopg import BaseConnection

        BaseConnection.__init__ = _original.pop()  # type: ignore[method-assign]
