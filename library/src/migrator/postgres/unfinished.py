"""What is wrong in a database already: half-built indexes, constraints that were never checked."""

from sqlalchemy import Connection, text

UNFINISHED = text("""
SELECT 'INVALID index ' || indexrelid::regclass AS name FROM pg_index i
WHERE NOT indisvalid
  AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)
UNION ALL
SELECT 'NOT VALID constraint ' || conname || ' on ' || conrelid::regclass FROM pg_constraint
WHERE NOT convalidated
  -- NOT ENFORCED: nobody will ever check it. There is no such column before PostgreSQL 18.
  AND to_jsonb(pg_constraint) ->> 'conenforced' IS DISTINCT FROM 'false'
ORDER BY 1
""")


def find(connection: Connection) -> list[str]:
    """Return the INVALID indexes and NOT VALID constraints; ends the transaction that reads.

    An index that somebody is building at this moment does not count.
    """
    if connection.dialect.name != "postgresql":
        return []
    found = [row.name for row in connection.execute(UNFINISHED)]
    connection.rollback()
    return found
