"""`op.replace_column`: a column whose values are derived, dropped and added again."""

from typing import Any

from alembic.operations import Operations, ops

from migrator.operations import dependents, names
from migrator.operations.operation import Operation
from migrator.operations.session import Session


class ReplaceColumnOp(Operation, ops.AddColumnOp):
    """Drop a column and add it again, with what depends on it: indexes, constraints, views.

    For a column whose values PostgreSQL derives by itself: before version 17 there is no other way
    to change the expression of a generated column, or to make a column a generated one. PostgreSQL
    rewrites the table under a lock, and the column is the last one afterwards.

    Raises:
        DBAPIError: something else depends on the column, for example a function.
    """

    renders_as = "replace_column"
    transactional = True

    def run_in_steps(self, session: Session) -> None:
        """Replace it, with what depends on it."""
        target, column = names.quoted(self.table_name, self.schema), self.column
        name = names.column(column.name)
        definition = names.column_definition(column, session.context.dialect).replace("%%", "%")
        session.run(dependents.drop([f"{target}.{name}"], lost=True))
        session.run(f"ALTER TABLE {target} DROP COLUMN {name}")
        session.run(f"ALTER TABLE {target} ADD COLUMN {definition}")
        if column.comment:
            session.run(f"COMMENT ON COLUMN {target}.{name} IS {names.literal(column.comment)}")
        session.run(dependents.restore())

    def run_plain(self, operations: Operations) -> None:
        """Replace it on another database, by a rebuild of the table."""
        with operations.batch_alter_table(self.table_name, schema=self.schema) as batch:
            batch.drop_column(self.column.name)
        with operations.batch_alter_table(self.table_name, schema=self.schema) as batch:
            batch.add_column(self.column)

    def reverse(self) -> ops.DropColumnOp:
        """Return what Alembic has for a new column; who replaces one knows what was there."""
        return ops.AddColumnOp.reverse(self)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return what `alembic check` shows."""
        return (self.renders_as, self.schema, self.table_name, self.column)
