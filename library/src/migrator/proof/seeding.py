"""Rows for every table of a shadow database, and which of them a revision cannot work with."""

from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from migrator import catalog
from migrator.errors import one_line
from migrator.proof.contents import Name
from migrator.proof.shadow_history import ShadowHistory

EVERY = "*"
ROWS = 3
# What SQLite's column affinities take, by what is in the name of a type.
BY_TYPE = {"INT": "{n}", "CHAR": "'v{n}'", "TEXT": "'v{n}'", "CLOB": "'v{n}'", "BLOB": "x'0{n}'"}


@dataclass
class Seeding:
    """What goes into the tables: three rows each, the last one with NULL where that is allowed.

    `full` are tables (schema.name) without NULL, `empty` those without rows; `*` is all of them.
    With `only`, no others get rows. `edges` is for one more row, with values at the edge.
    `problems` are the sentences of the last `fill`.
    """

    full: set[str] = field(default_factory=set)
    empty: set[str] = field(default_factory=set)
    only: frozenset[Name] | None = None
    edges: bool = True
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def fill(self, history: ShadowHistory) -> list[str]:
        """Insert the rows, and return a sentence for each table that takes none."""
        if EVERY in self.empty:
            return []
        if history.url.get_backend_name() == "sqlite":
            return _fill_sqlite(history, self.empty)
        return self._fill_postgresql(history.url)

    def _fill_postgresql(self, url: URL) -> list[str]:
        import psycopg  # does not come with SQLite

        from migrator.trace import sample_rows

        only = None if self.only is None else {".".join(name) for name in self.only}
        own = url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(own, autocommit=True) as connection:
            listed = [
                each
                for each in sample_rows.tables(connection)
                if only is None or each.shown in only
            ]
            return sample_rows.seed(
                connection, listed, self.full, self.empty, edges=self.edges
            ).problems

    def without(self, error: Exception) -> bool:
        """Leave out the rows that a revision fails with; False if there is nothing to leave out.

        First the values at the edge; then the NULLs of the table that the server names, its rows,
        and all rows.
        """
        table = _table(error)
        if self.edges:
            self.edges = False
            return True
        if EVERY in self.empty:
            return False
        if table and table not in self.full:
            self.full.add(table)
            return True
        left_out = table if table and table not in self.empty else EVERY
        self.empty.add(left_out)
        where = f"in {left_out}" if left_out != EVERY else "in any table"
        self.notes.append(
            f"It was tried without rows {where}: with some rows it fails"
            f" ({one_line(error).removesuffix('.')})."
        )
        return True


def _table(error: BaseException | None) -> str:
    """Return the table (schema.name) whose rows an error is about, if the server says so."""
    while error is not None:
        diagnosis = getattr(error, "diag", None)
        if diagnosis is not None and diagnosis.table_name:
            return f"{diagnosis.schema_name}.{diagnosis.table_name}"
        error = error.__cause__
    return ""


def _fill_sqlite(history: ShadowHistory, empty: set[str]) -> list[str]:
    problems = []
    with history.connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        inspector = sa.inspect(connection)
        for table in set(inspector.get_table_names()) - {*catalog.NOT_OURS, *empty}:
            columns = [
                (each["name"], str(each["type"]).upper(), each["nullable"])
                for each in inspector.get_columns(table)
                if not each.get("computed")
            ]
            quote = connection.dialect.identifier_preparer.quote
            for number in range(1, ROWS + 1):
                filled = [each for each in columns if number < ROWS or not each[2]]
                names = ", ".join(quote(name) for name, *_ in filled)
                values = ", ".join(_value(kind, number) for _, kind, _ in filled)
                statement = f"INSERT INTO {quote(table)} ({names}) VALUES ({values})"
                if not filled:
                    statement = f"INSERT INTO {quote(table)} DEFAULT VALUES"
                savepoint = connection.begin_nested()
                try:
                    connection.exec_driver_sql(statement)
                    savepoint.commit()
                except DBAPIError as error:
                    savepoint.rollback()
                    if number == 1:
                        problems.append(f"{table} has no rows: {one_line(error)}.")
        connection.commit()
    return problems


def _value(kind: str, number: int) -> str:
    for part, pattern in BY_TYPE.items():
        if part in kind:
            return pattern.replace("{n}", str(number))
    if "DATE" in kind or "TIME" in kind:
        return f"'2026-01-0{number} 00:00:00'" if "TIME" in kind else f"'2026-01-0{number}'"
    return str(number)
