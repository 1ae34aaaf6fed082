"""`op.replace_index`: replaces or adds an index; a usable one exists throughout."""

from functools import partial

import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from migrator.operations import definitions, index_build, names, partitions, references, swap
from migrator.operations.index_build import WantedIndex
from migrator.operations.operation import Operation
from migrator.operations.session import Session
from migrator.postgres import sql

BTREE = "USING btree "  # SQLite has no other methods, and no word for this one


class ReplaceIndexOp(Operation):
    """Build an index, and put it in the place of the index or UNIQUE constraint of the same name.

    It is built concurrently, under a temporary name, outside the transaction. Then the old one is
    dropped and the new one renamed, in one transaction that locks the table for a moment. If there
    is no old one, it is only built. What is there already is not done again. That of a partitioned
    table is built part by part.

    Args:
        definition: what stands behind the table in CREATE INDEX; as in the catalog
            (`pg_get_indexdef`), a second run finds that it is there.
        plain: replace it in the revision's transaction, which blocks writers.

    Raises:
        MigratorError: the rows are not unique, or a foreign key finds no key to refer to. Then the
            old one is still there.
        LockTimeout: another session is still building it after `lock_deadline`.
    """

    renders_as = "replace_index"
    transactional = False

    def __init__(
        self,
        index_name: str,
        table_name: str,
        definition: str,
        *,
        unique: bool = False,
        schema: str | None = None,
        plain: bool = False,
    ) -> None:
        self.index_name = index_name
        self.table_name = table_name
        self.definition = sql.repeatable(definition)
        self.unique = unique
        self.schema = schema
        self.plain = plain
        self.columns: frozenset[str] = frozenset()

    def to_diff_tuple(self) -> tuple[str, str]:
        """Return what `alembic check` shows."""
        return (self.renders_as, self.index_name)

    def adds(self, _context: MigrationContext) -> str:
        """Return the statement that builds it."""
        return self._wanted(names.quoted(self.table_name, self.schema), self.index_name).statement

    def run_in_steps(self, session: Session) -> None:
        """Build it, then swap."""
        target, name = names.quoted(self.table_name, self.schema), names.clipped(self.index_name)
        full, definition = (
            self._full(name),
            definitions.written(self.definition, unique=self.unique),
        )
        wanted = self._wanted(target, swap.temporary(name))
        in_parts = partitions.has_parts(session, target)
        done = not session.offline and definitions.index(session, target, name) == definition
        if in_parts and definitions.any_index(session, target, wanted.name) not in (
            "",
            "" if done else definition,
        ):
            session.run(f"DROP INDEX {wanted.full}")
        if done:
            index_build.drop(session, wanted.full)
            references.finish(session, target)
            return
        found = references.to_key(session, target, name)
        if in_parts:
            partitions.build_index(session, wanted)
        else:
            swap.build(session, wanted, definition, name)
        oid = f"to_regclass({names.literal(full)})"
        comment = swap.comment(session, oid, "pg_class", f"INDEX {full}")
        rename = f"ALTER INDEX {wanted.full} RENAME TO {names.column(name)}"
        parts = partitions.renames(session, wanted, full) if in_parts else ()
        statements = [*swap.drops(target, name, full), ("true", rename), *parts, *comment]
        # One that has parts cannot be dropped concurrently.
        undo = (
            partial(session.run, f"DROP INDEX {wanted.full}")
            if in_parts
            else partial(index_build.drop, session, wanted.full)
        )
        swap.run(session, target, name, statements, found, undo, wanted.is_valid)
        index = WantedIndex.written(name, target, self.schema, "", unique=self.unique)
        session.expect(f"{index.is_valid} AND NOT {wanted.is_valid}", f"{name} was not replaced")

    def run_plain(self, operations: Operations) -> None:
        """Replace it in the transaction."""
        if operations.impl.dialect.name != "postgresql":
            name, table = map(names.column, (self.index_name, self.table_name))
            word = "UNIQUE INDEX" if self.unique else "INDEX"
            operations.execute(sa.text(f"DROP INDEX IF EXISTS {name}"))
            create = f"CREATE {word} {name} ON {table} {self.definition.removeprefix(BTREE)}"
            operations.execute(sa.text(create.replace(":", r"\:")))
            return
        session = Session(operations.migration_context)
        target, name = names.quoted(self.table_name, self.schema), names.clipped(self.index_name)
        create = self._wanted(target, name).statement.replace(" CONCURRENTLY", "", 1)
        found = references.to_key(session, target, name)
        statements = [*swap.drops(target, name, self._full(name)), ("true", create)]
        session.run_together(references.around(found, statements, validated=True))

    def render(self, context: AutogenContext) -> str:
        """Return the call."""
        return self.call(
            context,
            *map(repr, (self.index_name, self.table_name, self.definition)),
            unique=self.unique or None,
            schema=self.schema,
            plain=self.plain or None,
        )

    def _wanted(self, target: str, name: str) -> WantedIndex:
        return WantedIndex.written(name, target, self.schema, self.definition, unique=self.unique)

    def _full(self, name: str) -> str:
        return names.quoted(name, self.schema)
