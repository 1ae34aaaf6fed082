"""A table of SQLite is made anew, with its rows, indexes, triggers and its AUTOINCREMENT."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from migrator.errors import UsageError, one_line
from migrator.sqlite import values_kept, violated
from migrator.sqlite.sql import quoted, tokens
from migrator.sqlite.violated import OLD

COLUMNS = "SELECT name, type, hidden FROM pragma_table_xinfo(?) WHERE hidden <> 1"
BELONGS = (
    "SELECT type, name, sql FROM sqlite_master"
    " WHERE tbl_name = ? AND type IN ('index', 'trigger') AND sql IS NOT NULL ORDER BY type, rowid"
)
CHILDREN = (
    "SELECT m.name FROM sqlite_master m, pragma_foreign_key_list(m.name) f"
    " WHERE m.type = 'table' AND lower(f.\"table\") = lower(?) AND m.name <> ?"
)


class ProblemError(Exception):
    """Why the table cannot be rebuilt; `violations` as in MigratorError."""

    violations: violated.Violated = ()


class Rebuild:
    """The rebuild of `table` (quoted) by the statement `create_table`.

    `columns` are the columns that it has now, with their types; `generated` those that have no
    values of their own.
    """

    def __init__(self, connection: Connection, name: str, create_table: str) -> None:
        self.connection, self.name, self.create_table = connection, name, create_table
        self.table = quoted(name)
        self.columns = self._columns(name)
        self.generated = {own for own, _, hidden in self._rows(COLUMNS, name) if hidden}
        if not self.columns:
            raise ProblemError("there is no such table")

    def run(self, values: Mapping[str, str], drop: Collection[str], lose: Collection[str]) -> None:
        """Do it, or nothing.

        Args:
            values: SQL by column, for rows without a value.
            drop: columns that may go.
            lose: columns whose values may change.

        Raises:
            ProblemError: rows, values, an index or a trigger would be lost, or a foreign key
                violated.
            UsageError: foreign keys are enforced, which would delete rows of other tables.
        """
        self._refuse_enforced_keys()
        legacy = self.scalar("PRAGMA legacy_alter_table")
        # So that other tables, views and triggers go on to refer to the name.
        self.do("PRAGMA legacy_alter_table = ON")
        self.do("SAVEPOINT migrator_rebuild")
        try:
            self._run(values, drop, lose)
        except BaseException:
            self.do("ROLLBACK TO migrator_rebuild")
            raise
        finally:
            self.do("RELEASE migrator_rebuild")
            self.do(f"PRAGMA legacy_alter_table = {legacy}")

    def scalar(self, query: str, *parameters: str) -> Any:
        """Return the first value of a query."""
        return self.connection.exec_driver_sql(query, parameters).scalar()

    def do(self, statement: str) -> None:
        """Run a statement."""
        self.connection.exec_driver_sql(statement, execution_options={"no_parameters": True})

    def _run(self, values: Mapping[str, str], drop: Collection[str], lose: Collection[str]) -> None:
        belongs = self._rows(BELONGS, self.name)
        rows, sequence = self._count(self.table), self._sequence()
        before, views = self._violations(), self._views()
        self.do(f"ALTER TABLE {self.table} RENAME TO {OLD}")
        for kind, name, _ in belongs:
            self.do(f"DROP {kind} {quoted(name)}")
        self.do(self.create_table)
        new = self._columns(self.name)
        if not new:
            raise ProblemError("the statement makes another table")
        if gone := self.columns.keys() - new.keys() - set(drop):
            shown = ", ".join(f'"{name}"' for name in sorted(gone))
            raise ProblemError(f"the new table has no {shown} (if it may go: drop=[{shown}])")
        self._refuse_lost_values(lose)
        self._copy(values)
        if (copied := self._count(self.table)) != rows:
            raise ProblemError(f"{rows - copied} of its {rows} rows would be lost")
        self.do(f"DROP TABLE {OLD}")
        if sequence is not None:
            self._set_sequence(sequence)
        for kind, name, statement in belongs:
            self._make_again(kind, name, statement)
        self._compile_triggers(belongs)
        if broken := views - self._views():
            raise ProblemError(
                f"the view {', '.join(sorted(broken))} does not fit the new table; drop it before,"
                " and create another one after"
            )
        if new_ones := self._violations() - before:
            problem = ProblemError(f"{new_ones.total()} rows would violate a foreign key")
            driver: Any = self.connection.connection.driver_connection
            problem.violations = violated.references(driver)
            raise problem

    def _refuse_lost_values(self, lose: Collection[str]) -> None:
        for name, kind, generated in self._rows(COLUMNS, self.name):
            if name in lose or name not in self.columns:
                continue
            number, what = 0, f"would change, or would be none of type {kind}"
            if generated and name not in self.generated:
                number = int(self.scalar(f"SELECT count({quoted(name)}) FROM {OLD}"))
                what = "would be replaced by generated ones"
            elif not generated and self.columns[name].upper() != kind.upper():
                number = values_kept.count_lost(self.connection, OLD, name, kind)
            if number:
                raise ProblemError(
                    f'{number} values of {name} {what} (if they may: lose=["{name}"] in its'
                    " op.rebuild_table)"
                )

    def _copy(self, values: Mapping[str, str]) -> None:
        """Copy what both tables have; what is generated generates itself."""
        targets, sources = [], []
        for name, _, hidden in self._rows(COLUMNS, self.name):
            value = values.get(name)
            if hidden or (name not in self.columns and value is None):
                continue
            own = quoted(name) if name in self.columns else ""
            targets.append(quoted(name))
            sources.append(f"coalesce({own}, {value})" if own and value else own or str(value))
        if targets:
            into = f"INSERT INTO {self.table} ({', '.join(targets)})"
            self.do(f"{into} SELECT {', '.join(sources)} FROM {OLD}")

    def _refuse_enforced_keys(self) -> None:
        if not self.scalar("PRAGMA foreign_keys"):
            return
        if children := [name for (name,) in self._rows(CHILDREN, self.name, self.name)]:
            raise UsageError(
                f"Foreign keys are enforced on this connection, so SQLite would delete rows of"
                f" {', '.join(children)} when {self.name} is rebuilt. PRAGMA foreign_keys = OFF"
                " has to be run before the transaction begins."
            )

    def _make_again(self, kind: str, name: str, statement: str) -> None:
        try:
            self.do(statement)
        except DBAPIError as error:
            raise ProblemError(
                f"its {kind} {name} does not fit the new table ({one_line(error)});"
                f" write DROP {kind.upper()} {name} before, and create another one after"
            ) from error

    def _compile_triggers(self, belongs: list[Any]) -> None:
        """Let SQLite compile the triggers, which it does not do when it makes them."""
        if not any(kind == "trigger" for kind, _, _ in belongs):
            return
        columns = [name for name, _, hidden in self._rows(COLUMNS, self.name) if not hidden]
        sets = ", ".join(f"{quoted(name)} = {quoted(name)}" for name in columns)
        for statement in (
            f"INSERT INTO {self.table} ({quoted(columns[0])}) VALUES (NULL)",
            f"UPDATE {self.table} SET {sets}",
            f"DELETE FROM {self.table}",
        ):
            if reason := self._error(statement):
                raise ProblemError(
                    f"a trigger does not fit the new table ({reason}); drop it before, and create"
                    " another one after"
                )

    def _columns(self, table: str) -> dict[str, str]:
        return {name: kind for name, kind, _ in self._rows(COLUMNS, table)}

    def _count(self, table: str) -> int:
        return int(self.scalar(f"SELECT count(*) FROM {table}"))

    def _violations(self) -> Counter[tuple[str, str]]:
        try:
            found = self._rows("PRAGMA foreign_key_check")
        except DBAPIError:  # a key that refers to what is no key
            return Counter()
        return Counter((table, parent) for table, _, parent, _ in found)

    def _views(self) -> set[str]:
        """Return the views that can be read."""
        return {
            name
            for (name,) in self._rows("SELECT name FROM sqlite_master WHERE type = 'view'")
            if not self._error(f"SELECT * FROM {quoted(name)}")
        }

    def _error(self, statement: str) -> str:
        """Compile a statement."""
        try:
            self.do(f"EXPLAIN {statement}")
        except DBAPIError as error:
            return one_line(error)
        return ""

    def _sequence(self) -> int | None:
        if not self.scalar("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'"):
            return None
        found = self.scalar("SELECT seq FROM sqlite_sequence WHERE name = ?", self.name)
        return None if found is None else int(found)

    def _set_sequence(self, value: int) -> None:
        """The next row gets a new number, even if rows with higher ones were deleted."""
        if self._autoincrements():
            self._rows("DELETE FROM sqlite_sequence WHERE name = ?", self.name)
            self._rows(f"INSERT INTO sqlite_sequence (name, seq) VALUES (?, {value})", self.name)

    def _autoincrements(self) -> bool:
        return any(token.is_word("AUTOINCREMENT") for token in tokens(self.create_table))

    def _rows(self, query: str, *parameters: str) -> list[Any]:
        result = self.connection.exec_driver_sql(query, parameters)
        return list(result.all()) if result.returns_rows else []
