"""`op.add_unique_concurrently`: a unique constraint whose index is built concurrently."""

from collections.abc import Sequence
from typing import Any

from alembic.operations import Operations, ops
from sqlalchemy import Index
from sqlalchemy.schema import AddConstraint

from migrator.operations import conditions, index_build, names, partitions, validation, wanted
from migrator.operations.drop_constraint_if_exists import DropConstraintIfExistsOp
from migrator.operations.index_build import WantedIndex
from migrator.operations.operation import Operation
from migrator.operations.session import Session


class AddUniqueConcurrentlyOp(Operation, ops.CreateUniqueConstraintOp):
    """Build a unique index concurrently and make it a constraint, outside the transaction.

    Only the last step locks the table, for a moment. What is there already is not done again.

    Args:
        plain: add it in one statement in the revision's transaction, which blocks readers and
            writers while the index is built; SQLite always does.
        kw: as for `op.create_unique_constraint`: deferrable, postgresql_include and so on.

    Raises:
        MigratorError: the rows are not unique, or another index has the name. Then there is
            no constraint.
        LockTimeout: another session is still building the index after `lock_deadline`.
    """

    renders_as = "add_unique_concurrently"
    transactional = False

    def __init__(
        self,
        constraint_name: str | None,
        table_name: str,
        columns: Sequence[str],
        *,
        schema: str | None = None,
        plain: bool = False,
        **kw: Any,
    ) -> None:
        super().__init__(constraint_name, table_name, columns, schema=schema, **kw)
        self.plain = plain

    def reverse(self) -> ops.DropConstraintOp:
        """Return the operation that reverts it."""
        return DropConstraintIfExistsOp.from_constraint(self.to_constraint())

    def run_in_steps(self, session: Session) -> None:
        """Build the index, then make it a constraint."""
        constraint = self.to_constraint(session.context)
        target, name = names.target_of(constraint), names.final_name(constraint)
        there = conditions.has_constraint(target, name)
        options = {key: value for key, value in self.kw.items() if key.startswith("postgresql_")}
        index = WantedIndex.of(Index(name, *constraint.columns, unique=True, **options))
        deferred = _deferred(self.kw.get("deferrable"), self.kw.get("initially"))

        def adopt(table: str, index: str) -> str:
            add = f"ALTER TABLE {table} ADD CONSTRAINT {index}"
            return f"{add} UNIQUE USING INDEX {index}{deferred}"

        def whole(table: str, name: str) -> str:
            _, definition = names.compiled(AddConstraint(constraint)).split(" UNIQUE ", 1)
            return f"ALTER TABLE ONLY {table} ADD CONSTRAINT {name} UNIQUE {definition}"

        done = not session.offline and wanted.has_constraint(session, constraint)
        if partitions.has_parts(session, target):
            partitions.build_in_parts(session, index, whole, adopt)
        elif not done:
            index_build.build(session, index)
            session.run_unless(there, adopt(target, names.column(name)))
            session.expect(there, f"{name} was not added")

    def run_plain(self, operations: Operations) -> None:
        """Add it in one statement."""
        validation.add_plain(operations, self.to_constraint(operations.migration_context))


def _deferred(deferrable: bool | None, initially: str | None) -> str:
    words = " DEFERRABLE" if deferrable else ""
    return words + (f" INITIALLY {initially}" if initially else "")
