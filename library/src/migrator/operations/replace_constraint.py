"""`op.replace_constraint`: a constraint that is replaced, or added, and works all the time."""

from functools import partial

from alembic.autogenerate.api import AutogenContext
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy.exc import DBAPIError

from migrator.errors import MigratorError, UsageError
from migrator.operations import (
    conditions,
    definitions,
    index_build,
    names,
    references,
    swap,
    validation,
)
from migrator.operations.index_build import WantedIndex
from migrator.operations.operation import Operation
from migrator.operations.session import Session, state_of
from migrator.operations.set_not_null import SetNotNullOp
from migrator.postgres import sql

NOT_VALID = " NOT VALID"
EXCLUSION_VIOLATION = "23P01"


class ReplaceConstraintOp(Operation):
    """Add a constraint, and put it in the place of the one that has the same name.

    A CHECK constraint or a foreign key is added NOT VALID under a temporary name, and validated;
    the index of a UNIQUE constraint or a primary key is built concurrently. Then the old one is
    dropped and the new one renamed, in one transaction that locks the table for a moment. A new
    primary key replaces the one that is there, whatever its name. Foreign keys to it refer to the
    new one then, and are validated again. All of it is outside the revision's transaction, and what
    is there already is not done again. If there is no old one, it is only added.

    PostgreSQL cannot build an exclusion constraint beside writers: it is replaced in one statement,
    and so is each with an index under `--sql`.

    Args:
        definition: what stands behind the name in ADD CONSTRAINT; as in the catalog
            (`pg_get_constraintdef`), a second run finds that it is there. With NOT VALID at the
            end, rows that are there are not checked.
        plain: replace it in one statement in the revision's transaction, which blocks readers and
            writers while it reads the table.

    Raises:
        MigratorError: rows violate it, a foreign key finds no key to refer to, or the table is
            partitioned. Then the old one is still there.
        LockTimeout: another session is still building the index after `lock_deadline`.
    """

    renders_as = "replace_constraint"
    transactional = False

    def __init__(
        self,
        constraint_name: str,
        table_name: str,
        definition: str,
        *,
        schema: str | None = None,
        plain: bool = False,
    ) -> None:
        self.constraint_name = constraint_name
        self.table_name = table_name
        self.definition = sql.repeatable(definition)
        self.schema = schema
        self.plain = plain
        self.columns: frozenset[str] = frozenset()

    def to_diff_tuple(self) -> tuple[str, str]:
        """Return what `alembic check` shows."""
        return (self.renders_as, self.constraint_name)

    def adds(self, _context: MigrationContext) -> str:
        """Return the statement that would add it at once."""
        target = names.quoted(self.table_name, self.schema)
        name = names.column(names.clipped(self.constraint_name))
        return f"ALTER TABLE {target} ADD CONSTRAINT {name} {self.definition}"

    def run_in_steps(self, session: Session) -> None:
        """Add it beside the old one, then swap."""
        target, name = (
            names.quoted(self.table_name, self.schema),
            names.clipped(self.constraint_name),
        )
        validates = sql.begins(self.definition, "CHECK", "FOREIGN KEY")
        if not sql.begins(self.definition, "CHECK"):
            swap.refuse_partitioned(session, target, name, self.definition)
        if not session.offline and definitions.constraint(session, target, name) == self.definition:
            self._drop_temporary(session, target, swap.temporary(name))
            references.finish(session, target)
        elif validates:
            self._validated(session, target, name)
        elif sql.is_key(self.definition) and not session.offline:
            self._indexed(session, target, name)
        else:
            try:
                self._at_once(session, target, name)
            except DBAPIError as error:
                if state_of(error) != EXCLUSION_VIOLATION:
                    raise
                raise self._violated(session, target, name) from error

    def run_plain(self, operations: Operations) -> None:
        """Replace it in one statement.

        Raises:
            UsageError: this is not PostgreSQL.
        """
        if operations.impl.dialect.name != "postgresql":
            raise UsageError(
                "op.replace_constraint needs PostgreSQL: on another database, change the table with"
                " op.batch_alter_table."
            )
        target, name = (
            names.quoted(self.table_name, self.schema),
            names.clipped(self.constraint_name),
        )
        self._at_once(Session(operations.migration_context), target, name)

    def render(self, context: AutogenContext) -> str:
        """Return the call."""
        return self.call(
            context,
            *map(repr, (self.constraint_name, self.table_name, self.definition)),
            schema=self.schema,
            plain=self.plain or None,
        )

    def _validated(self, session: Session, target: str, name: str) -> None:
        new, added = swap.temporary(name), self.definition.removesuffix(NOT_VALID) + NOT_VALID
        there = conditions.has_constraint(target, new)
        drop = f"ALTER TABLE {target} DROP CONSTRAINT {names.column(new)}"
        left = "" if session.offline else definitions.constraint(session, target, new)
        if left.removesuffix(NOT_VALID) != self.definition.removesuffix(NOT_VALID):
            session.run_if(there, drop)
        add = f"ALTER TABLE {target} ADD CONSTRAINT {names.column(new)} {added}"
        session.run_unless(there, add)
        if added != self.definition:
            self._validate(session, target, name, drop)
        comment = swap.comment_of_constraint(session, target, name)
        rename = f"ALTER TABLE {target} RENAME CONSTRAINT {names.column(new)}"
        renamed = ("true", f"{rename} TO {names.column(name)}")
        ready = there if added == self.definition else conditions.is_validated(target, new)
        session.run_together([*swap.drops(target, name), renamed, *comment], ready)
        done = conditions.has_constraint(target, name)
        session.expect(f"{done} AND NOT {there}", f"{name} was not replaced")

    def _validate(self, session: Session, target: str, name: str, drop: str) -> None:
        new = swap.temporary(name)
        if session.offline:
            session.run(f"ALTER TABLE {target} VALIDATE CONSTRAINT {names.column(new)}")
            return
        try:
            validation.validate(session, target, new)
        except DBAPIError as error:
            if state_of(error) not in validation.VIOLATIONS:
                raise
            session.run(drop)
            raise self._violated(session, target, name) from error

    def _indexed(self, session: Session, target: str, name: str) -> None:
        definition, attributes = sql.key_index(self.definition)
        key = sql.begins(self.definition, "PRIMARY KEY")
        old = (swap.primary_key(session, target) if key else "") or name
        if old != name and definitions.constraint(session, target, old) == self.definition:
            rename = f"ALTER TABLE {target} RENAME CONSTRAINT {names.column(old)}"
            session.run(f"{rename} TO {names.column(name)}")
            return
        found = references.to_key(session, target, old)
        wanted = WantedIndex.written(
            swap.temporary(name), target, self.schema, definition, unique=True
        )
        swap.build(session, wanted, definitions.written(definition, unique=True), name)
        undo = partial(index_build.drop, session, wanted.full)
        try:
            for column in swap.nullable(session, wanted.full) if key else ():
                SetNotNullOp(self.table_name, column, schema=self.schema).run_in_steps(session)
        except MigratorError:
            undo()
            raise
        word = "PRIMARY KEY" if key else "UNIQUE"
        use = f"{word} USING INDEX {names.column(wanted.name)} {attributes}".rstrip()
        statements = self._statements(session, target, name, use)
        swap.run(session, target, old, statements, found, undo)

    def _at_once(self, session: Session, target: str, name: str) -> None:
        statements = self._statements(session, target, name, self.definition)
        old = name
        if sql.begins(self.definition, "PRIMARY KEY"):
            old = swap.primary_key(session, target) or name
        found = references.to_key(session, target, old)
        session.run_together(references.around(found, statements, validated=True))

    def _statements(
        self, session: Session, target: str, name: str, definition: str
    ) -> list[tuple[str, str]]:
        """Return what replaces it in one transaction."""
        backed = not sql.begins(self.definition, "CHECK", "FOREIGN KEY")
        full = names.quoted(name, self.schema) if backed else ""
        key = sql.begins(self.definition, "PRIMARY KEY")
        other = swap.primary_key(session, target) if key else ""
        return [
            *(swap.drops(target, other) if other not in (name, "") else ()),
            *(swap.without_index(target, name) if backed else ()),
            *swap.drops(target, name, full),
            ("true", f"ALTER TABLE {target} ADD CONSTRAINT {names.column(name)} {definition}"),
            *swap.comment_of_constraint(session, target, name),
        ]

    def _drop_temporary(self, session: Session, target: str, new: str) -> None:
        for condition, statement in swap.drops(target, new, names.quoted(new, self.schema)):
            session.run_if(condition, statement)

    def _violated(self, session: Session, target: str, name: str) -> MigratorError:
        found = MigratorError(
            f"{name} was not replaced: rows of {target} violate {self.definition}."
            f" {definitions.old_one(session, target, name)} Fix those rows, and run the migration"
            " again."
        )
        found.adds = self.adds(session.context)
        return found
