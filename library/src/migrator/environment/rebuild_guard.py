"""A guard for SQLite: what a revision loses because it rebuilds a table, it has to drop by name.

Alembic's batch mode (`op.batch_alter_table`) makes a table anew from what SQLAlchemy reads of it,
and drops the old one. What SQLAlchemy does not read is gone then, and nothing says so.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from alembic.operations.batch import BatchOperationsImpl
from sqlalchemy import Connection, event

from migrator import catalog
from migrator.catalog import Key, Schema
from migrator.errors import MigratorError
from migrator.sqlite.sql import tokens

KEY = "migrator_rebuild_guard"  # in what SQLAlchemy keeps about a connection
TABLE = ("autoincrement", "strict", "without_rowid")
COLUMN = ("collation", "default", "generated", "not_null_on_conflict")
Properties = Mapping[str, Any]


class RebuildGuard:
    """What one revision drops by name, and the schema before it drops a table for the first time.

    `batched` are, by table, the columns, constraints and indexes that batch operations name.
    """

    def __init__(self) -> None:
        self.before: Schema | None = None
        self.dropped: set[str] = set()
        self.renamed: dict[str, str] = {}
        self.named: set[tuple[str, str]] = set()
        self.batched: dict[str, set[str]] = defaultdict(set)

    @classmethod
    def of(cls, connection: Connection) -> "RebuildGuard":
        """Return a guard that watches `connection`; it replaces the one that did."""
        guard = connection.info[KEY] = cls()
        if not event.contains(connection, "before_cursor_execute", _watch):
            event.listen(connection, "before_cursor_execute", _watch)
        return guard

    def check(self, *, ctx: Any, step: Any, **_: Any) -> None:
        """Compare, in the transaction of a revision that has run: Alembic's on_version_apply.

        Raises:
            MigratorError: something is gone that the revision does not name.
        """
        before, dropped = self.before, self.dropped
        lost: list[str] = []
        if before is not None:
            after = catalog.read(ctx.connection)
            for table in sorted(dropped):
                if Key("table", (table,)) in after.objects:
                    lost += self._lost(table, before, after)
        self.before = None
        for each in (self.dropped, self.renamed, self.named, self.batched):
            each.clear()
        if lost:
            raise MigratorError(
                f"Revision {step.up_revision_id} rebuilds a table, and would lose"
                f" {', '.join(lost)}. The revision was rolled back. op.rebuild_table keeps what"
                " batch_alter_table does not; what may go, the revision has to drop by name before"
                ' (op.execute("DROP TRIGGER name")).'
            )

    def statement(self, connection: Connection, statement: str) -> None:
        """Look at a statement that is about to run."""
        if not statement.lstrip().upper().startswith(("DROP ", "CREATE TABLE", "ALTER TABLE")):
            return
        words = [token for token in tokens(statement) if token.text != ";"]
        verb, kind, name = words[0].text.upper(), words[1].text.lower(), words[-1].text
        if verb == "CREATE":  # in the place of a table that was dropped, with its rows
            opening = next((n for n, each in enumerate(words) if each.text in ("(", "AS")), 0)
            self.dropped.discard(words[opening - 1].text)
        elif verb == "DROP" and kind != "table":
            self.named.add((kind, name))
        elif verb == "DROP" or words[-2].is_word("TO"):
            if self.before is None:
                self.before = catalog.read(connection)
            if verb == "DROP":
                self.dropped.add(self.renamed.get(name, name))
            else:
                self.renamed[name] = words[-4].text

    def batch(self, table: str, operations: list[tuple[str, tuple[Any, ...], Any]]) -> None:
        """Remember what batch operations name: `alter_column(table, column)` and the like."""
        for name, arguments, _ in operations:
            subject = arguments[1] if name.endswith("_column") else arguments[0]
            self.batched[table].add(str(getattr(subject, "name", subject)).lower())

    def _lost(self, table: str, before: Schema, after: Schema) -> Iterator[str]:
        batched = self.batched.get(table, set())
        for key, properties in before.objects.items():
            if key.name[0] != table:
                continue
            now = after.objects.get(key)
            if key.kind in ("index", "trigger"):
                named = (key.kind, key.name[-1]) in self.named or key.name[-1].lower() in batched
                if now is None and not named:
                    yield str(key)
            elif table not in self.batched:
                continue  # the revision's own CREATE TABLE says what the table has
            elif key.kind == "constraint":
                if not batched & _subjects(key, properties):
                    yield from _lost_of_constraint(key, properties, after)
            elif key.name[-1].lower() not in batched or key.kind == "table":
                for name in TABLE if key.kind == "table" else COLUMN:
                    if name in properties and name not in (now or {}):
                        yield f"{name.replace('_', ' ')} of {key}"


def _subjects(key: Key, properties: Properties) -> set[str]:
    """Return what names a constraint: itself, and its columns."""
    own = {key.name[-1], *properties.get("columns", ()), *properties.get("condition", "").split()}
    return {each.lower() for each in own}


def _lost_of_constraint(key: Key, properties: Properties, after: Schema) -> Iterator[str]:
    """Compare with a constraint that is about the same: it may be written another way now."""
    same = ("type", "columns", "condition")
    found = [
        now
        for other, now in after.objects.items()
        if other.kind == key.kind and other.name[0] == key.name[0]
        if all(now.get(name) == properties.get(name) for name in same)
    ]
    if not found:
        yield str(key)
        return
    # Of several about the same columns, the one that has most of it.
    yield from min((list(_lost_properties(key, properties, now)) for now in found), key=len)


def _lost_properties(key: Key, properties: Properties, now: Properties) -> Iterator[str]:
    for name in ("on_conflict", "references"):
        if set(properties.get(name, "").split()) - set(now.get(name, "").split()):
            yield f"{name.replace('_', ' ')} of {key} ({properties[name]})"


def _watch(connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
    connection.info[KEY].statement(connection, statement)


_flush = BatchOperationsImpl.flush


def _flush_guarded(self: BatchOperationsImpl) -> None:
    """Tell the guard of this connection, if it has one, what is named; then go on."""
    connection = self.operations.migration_context.connection
    guard = getattr(connection, "info", {}).get(KEY)  # what renders SQL has none
    if guard is not None:
        guard.batch(self.table_name, self.batch)
    _flush(self)


BatchOperationsImpl.flush = _flush_guarded  # type: ignore[method-assign]
