"""Statements that do not run as they are: what the server lacks, and what is not ours to change."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from migrator.postgres import sql
from migrator.trace.cluster import Cluster
from migrator.trace.missing_extensions import MissingExtensions
from migrator.trace.traced_statement import Step

# They return no rows, so that whoever sent them does not miss anything.
WITHOUT_RESULT = (
    *("CREATE", "ALTER", "DROP", "COMMENT", "GRANT", "REVOKE", "DO"),
    *("INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFRESH", "REINDEX"),
)
POINT = "pg_migrator"


class Substitutes:
    """What is done instead, in the shadow database `name`; `notes` say it, each once."""

    def __init__(self, name: str) -> None:
        self._cluster = Cluster(name)
        self._extensions = MissingExtensions()
        self._said: set[str] = set()
        self._notes: list[str] = []

    def notes(self) -> list[str]:
        """Return the sentences since the last call."""
        notes, self._notes = self._notes, []
        return notes

    def refuses(self, session: Any, text: str) -> bool:
        """Return whether a statement is left out; what can stand in for it is there then."""
        reason = self._extensions.refuses(session, text) or self._cluster.refuses(session, text)
        self.say(reason)
        return bool(reason)

    def made(self, session: Any, text: str) -> None:
        """Mark what a statement has made outside the database."""
        self._cluster.mark(session, text)

    @contextmanager
    def tolerating(
        self, connection: psycopg.Connection[Any], text: str, step: Step | None = None
    ) -> Iterator[None]:
        """Go on after a statement that fails because an extension is missing."""
        session = connection.pgconn
        careful = bool(self._extensions.incomplete) and sql.first_word(text) in WITHOUT_RESULT
        idle = session.transaction_status == TransactionStatus.IDLE
        if careful and idle and not connection.autocommit:
            connection.execute("SELECT 1")
        inside = careful and session.transaction_status == TransactionStatus.INTRANS
        if inside:
            session.exec_(f"SAVEPOINT {POINT}".encode())
        try:
            yield
        except psycopg.Error as error:
            if not (careful and self._extensions.explains(error.sqlstate)):
                raise
            if inside:
                session.exec_(f"ROLLBACK TO {POINT}; RELEASE {POINT}".encode())
            said = str(error).partition("\n")[0]
            names = ", ".join(sorted(self._extensions.incomplete))
            if step is not None:
                step.watched = False
                self.say(
                    f"Line {step.place.line} was not tried, because it needs something that"
                    f" is missing ({said}), as is the extension {names}"
                )
        else:
            if inside:
                session.exec_(f"RELEASE {POINT}".encode())

    def say(self, reason: str) -> None:
        """Note a reason, once."""
        if reason and reason not in self._said:
            self._said.add(reason)
            self._notes.append(f"{reason}.")
