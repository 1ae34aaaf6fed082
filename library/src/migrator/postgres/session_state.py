"""The settings and the role of a session: what a revision changes ends with it."""

from dataclasses import dataclass
from typing import Self

from psycopg.sql import Literal
from sqlalchemy import Connection, text

# What was set by a statement; what came with the connection is what RESET goes back to.
SET_SINCE = text(
    "SELECT name, setting FROM pg_catalog.pg_settings WHERE source = 'session' AND name NOT IN"
    " ('transaction_isolation', 'transaction_read_only', 'transaction_deferrable')"
)
# Not DISCARD ALL: the driver still knows its prepared statements.
RESET = ("SET SESSION AUTHORIZATION DEFAULT", "RESET ALL", "RESET ROLE")
OPTIONS = {"no_parameters": True, "repeatable": True}
LEFT = "CLOSE ALL; UNLISTEN *; DISCARD TEMP; SELECT pg_catalog.pg_advisory_unlock_all()"


@dataclass(frozen=True)
class SessionState:
    """What a session has set, by name; its role is one of them."""

    settings: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, connection: Connection) -> Self:
        """Read it; a transaction may be open afterwards."""
        role = connection.scalar(text("SELECT current_setting('role')"))
        rows = connection.execute(SET_SINCE).all()
        return cls((*((row.name, row.setting) for row in rows), ("role", role)))

    def restore(self, connection: Connection) -> None:
        """Set it again, in the transaction that is open, and forget all else that was set."""
        again = [
            f"SELECT pg_catalog.set_config({_literal(name)}, {_literal(value)}, false)"
            for name, value in self.settings
        ]
        connection.exec_driver_sql("; ".join((*RESET, *again)), execution_options=OPTIONS)


def forget_objects(connection: Connection) -> None:
    """Drop what else a session keeps: temporary tables, cursors, advisory locks, LISTEN."""
    connection.exec_driver_sql(LEFT, execution_options=OPTIONS)


def _literal(text: str) -> str:
    return Literal(text).as_string(None)
