"""What is added to a domain, or makes a partition, as conditions of tables that have rows."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlalchemy import Connection, text

from migrator.postgres.violation_query import OF_DOMAIN, PARTITION, AddedConstraint, resolved

# In a condition, for what only the catalog knows: one column or expression, and all of them.
KEY, KEYS = "migrator_key_{}", "migrator_keys"
KEY_WRITTEN = re.compile(KEY.format(r"(\d+)"))
# Also those of domains over the domain. Where a table inherits a column, its parent has it, too.
COLUMNS = text("""
WITH RECURSIVE own AS (
    SELECT to_regtype(:name)::oid AS id
    UNION SELECT t.oid FROM pg_type t JOIN own ON t.typbasetype = own.id WHERE t.typtype = 'd'
)
SELECT c.oid::regclass::text, quote_ident(a.attname)
FROM own JOIN pg_attribute a ON a.atttypid = own.id JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relkind IN ('r', 'p', 'm') AND a.attinhcount = 0 AND NOT a.attisdropped
ORDER BY 1, a.attnum
""")
# Of several expressions, PostgreSQL gives one list only.
PARTITIONED = text("""
SELECT nullif(p.partdefid, 0)::regclass::text AS default_partition,
    ARRAY(
        SELECT CASE k.attnum WHEN 0 THEN '(' || pg_get_expr(p.partexprs, p.partrelid) || ')'
            ELSE (SELECT quote_ident(a.attname) FROM pg_attribute a
                  WHERE a.attrelid = p.partrelid AND a.attnum = k.attnum) END
        FROM unnest(p.partattrs) WITH ORDINALITY AS k (attnum, place) ORDER BY k.place
    ) AS keys,
    (SELECT count(*) <= 1 FROM unnest(p.partattrs) AS k (attnum) WHERE k.attnum = 0) AS readable,
    (SELECT string_agg('(' || pg_get_partition_constraintdef(i.inhrelid) || ')', ' OR ')
     FROM pg_inherits i WHERE i.inhparent = p.partrelid AND i.inhrelid <> p.partdefid) AS others
FROM pg_partitioned_table p WHERE p.partrelid = to_regclass(:name)
""")


def of(connection: Connection, constraint: AddedConstraint) -> Iterator[AddedConstraint]:
    """Yield what has to hold for the rows of tables, with what only the catalog knows.

    Nothing if the catalog lacks the tables, or has the index already.
    """
    found: Iterator[AddedConstraint] = iter((constraint,))
    if constraint.kind in OF_DOMAIN:
        found = _of_domain(connection, constraint)
    elif constraint.kind == PARTITION:
        found = _of_partition(connection, constraint)
    yield from filter(None, (resolved(connection, each) for each in found))


def _of_domain(connection: Connection, constraint: AddedConstraint) -> Iterator[AddedConstraint]:
    for table, column in connection.execute(COLUMNS, {"name": constraint.table}).all():
        condition = _written(constraint.condition, [column])
        kind = OF_DOMAIN[constraint.kind]
        yield replace(constraint, kind=kind, table=table, keys=(column,), condition=condition)


def _of_partition(connection: Connection, constraint: AddedConstraint) -> Iterator[AddedConstraint]:
    """Yield that the new partition has no other rows, and the default partition none of its."""
    parent = connection.execute(PARTITIONED, {"name": constraint.refers}).first()
    if parent is None or not parent.readable:
        return
    keys = tuple(parent.keys)
    condition = _written(constraint.condition, keys)
    if not condition and parent.others:  # a default partition
        condition = f"({parent.others}) IS NOT TRUE"
    if constraint.table and condition:
        yield replace(constraint, keys=keys, condition=condition)
    if constraint.condition and parent.default_partition:
        condition = f"({condition}) IS NOT TRUE"
        yield replace(constraint, table=parent.default_partition, keys=keys, condition=condition)


def _written(condition: str, keys: Sequence[str]) -> str:
    """Return a condition with the names of the columns."""
    found = KEY_WRITTEN.sub(lambda match: keys[int(match[1]) - 1], condition)
    return found.replace(KEYS, ", ".join(keys))
