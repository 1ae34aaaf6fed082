"""The shadow database: its sessions, its rows, and what is in it."""

from collections.abc import Collection
from typing import Any

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from migrator.trace import catalog, names, sample_rows

COLUMNS = "SELECT table_schema || '.' || table_name, column_name FROM information_schema.columns"
PATIENCE = 60  # seconds for one statement, which has three rows to work on
SESSION = {
    "statement_timeout": PATIENCE * 1000,
    # With three rows the planner would read every table from end to end.
    "enable_seqscan": "off",
    "enable_indexonlyscan": "off",
    # In UTC, a timestamp becomes one with a time zone without a new file.
    "timezone": "Etc/GMT-1",
}


class Database:
    """The database at `url`; revisions run on connections of `engine`."""

    def __init__(self, url: URL) -> None:
        options = " ".join(f"-c {name}={value}" for name, value in SESSION.items())
        self.engine = create_engine(url, poolclass=NullPool, connect_args={"options": options})
        self._ours: set[int] = set()

    def seed(
        self, full: Collection[str], empty: Collection[str]
    ) -> tuple[dict[int, int], list[str], list[str]]:
        """Put rows into the tables; see `rows.Rows` for the arguments.

        Returns:
            By table how many changed rows are a bulk, sentences about what could not be done, and
            the tables that were left without rows.
        """
        with self._connect() as connection:
            listed = connection.execute(sample_rows.TABLES)
            everything = {f"{schema}.{name}" for _, schema, name in listed}
            empty = everything if "*" in empty else empty
            full = everything if "*" in full else full
            seeded = sample_rows.seed(connection, full, empty)
        self._ours |= seeded.ours
        many = {oid: max(count, sample_rows.ROWS) for oid, count in seeded.others.items()}
        # The keys of our rows are far apart: who changes two of them at once goes for all.
        many |= dict.fromkeys(self._ours, 2)
        return many, seeded.problems, [name.removeprefix("public.") for name in sorted(empty)]

    def tables(self) -> frozenset[int]:
        """Return the tables that there are."""
        with self._connect() as connection:
            return frozenset(catalog.look(connection).tables.values())

    def names(self) -> names.Names:
        """Return what running code may go by."""
        with self._connect() as connection:
            return names.look(connection)

    def columns(self) -> frozenset[tuple[str, str]]:
        """Return the columns that there are: a table (schema.name), and the name."""
        with self._connect() as connection:
            return frozenset(connection.execute(COLUMNS).fetchall())

    def _connect(self) -> Any:
        url = self.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        return psycopg.connect(url, autocommit=True)
