"""The indexes and constraints that PostgreSQL drops with a column."""

from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from migrator.operations import names

# Those that depend on the column by themselves ("a"); a foreign key of another table does not.
QUERY = text("""
SELECT coalesce(i.relname, k.conname)
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid
  AND d.refobjsubid = a.attnum AND d.deptype = 'a'
LEFT JOIN pg_catalog.pg_class i ON d.classid = 'pg_class'::regclass AND i.oid = d.objid
  AND i.relkind IN ('i', 'I')
LEFT JOIN pg_catalog.pg_constraint k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
WHERE a.attrelid = CAST(:target AS regclass) AND a.attname = :column
""")


def of(context: MigrationContext, op: ops.DropColumnOp) -> set[str]:
    """Return the names of the indexes and constraints that are dropped with a column."""
    assert context.connection is not None
    asked = {"target": names.quoted(op.table_name, op.schema), "column": op.column_name}
    return {name for name in context.connection.scalars(QUERY, asked) if name}
