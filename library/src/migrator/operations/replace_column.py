"""`op.replace_column`: a column whose values are derived, dropped and added again."""

from typing import Any

from alembic.operations import Operations, ops

from migrator.operations import names
from migrator.operations.operation import Operation
from migrator.operations.session import Session, block

# Everything that PostgreSQL drops with a column, as the statements that make it again.
DEPENDENTS = """
  SELECT array_agg(made.statement ORDER BY made.rank, made.name) INTO statements FROM (
    SELECT k.contype::text AS rank, k.conname AS name,
           format('ALTER TABLE %s ADD CONSTRAINT %I %s', k.conrelid::regclass, k.conname,
                  pg_get_constraintdef(k.oid)) AS statement
    FROM pg_catalog.pg_constraint k
    WHERE k.conrelid = a.attrelid AND a.attnum = ANY (k.conkey) AND k.contype <> 'n'
    UNION ALL
    SELECT 'z', i.relname, pg_get_indexdef(i.oid)
    FROM pg_catalog.pg_class i
    WHERE i.relkind IN ('i', 'I') AND EXISTS (
      SELECT FROM pg_catalog.pg_depend d
      WHERE d.classid = 'pg_class'::regclass AND d.objid = i.oid AND d.deptype = 'a'
        AND d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid
        AND d.refobjsubid = a.attnum)
  ) made;"""


class ReplaceColumnOp(Operation, ops.AddColumnOp):
    """Drop a column and add it again, with the indexes and constraints that it had.

    For a column whose values PostgreSQL derives by itself: before version 17 there is no other way
    to change the expression of a generated column, or to make a column a generated one. PostgreSQL
    rewrites the table under a lock, and the column is the last one afterwards.

    Raises:
        DBAPIError: something else depends on the column, for example a view.
    """

    renders_as = "replace_column"
    transactional = True

    def run_in_steps(self, session: Session) -> None:
        """Replace it in one statement, which reads the definitions of what depends on it first."""
        target, column = names.quoted(self.table_name, self.schema), self.column
        name = names.column(column.name)
        definition = names.column_definition(column, session.context.dialect).replace("%%", "%")
        regclass = f"{names.literal(target)}::regclass"
        found = f"WHERE attrelid = {regclass} AND attname = {names.literal(column.name)}"
        comment = f"COMMENT ON COLUMN {target}.{name} IS {names.literal(column.comment or '')};"
        session.run(
            block(
                f"SELECT * INTO STRICT a FROM pg_catalog.pg_attribute {found};{DEPENDENTS}\n"
                f"  ALTER TABLE {target} DROP COLUMN {name};\n"
                f"  ALTER TABLE {target} ADD COLUMN {definition};\n"
                f"  {comment if column.comment else ''}\n"
                "  FOREACH each IN ARRAY coalesce(statements, '{}') LOOP EXECUTE each; END LOOP;",
                "a pg_catalog.pg_attribute; statements text[]; each text;",
            )
        )

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
