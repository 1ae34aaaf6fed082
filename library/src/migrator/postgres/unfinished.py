"""What is unfinished in a database: INVALID indexes, constraints that are NOT VALID, and partitions
whose DETACH PARTITION CONCURRENTLY was interrupted.

They are only listed here; `deploy.interrupted_index` and `operations.index_build` drop indexes.
"""

from dataclasses import dataclass, field
from typing import Any, Self

from sqlalchemy import Connection, text

QUERY = text("""
SELECT 'index' AS kind, n.nspname, c.relname, NULL AS tablename, c.oid::regclass::text AS identifier
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid
  AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)
UNION ALL
SELECT 'constraint', n.nspname, k.conname, c.relname, c.oid::regclass::text
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT k.convalidated
  -- NOT ENFORCED: nobody will ever validate it. There is no such column before PostgreSQL 18.
  AND to_jsonb(k) ->> 'conenforced' IS DISTINCT FROM 'false'
UNION ALL
SELECT 'partition', n.nspname, c.relname, p.relname,
  p.oid::regclass::text || ' DETACH PARTITION ' || c.oid::regclass::text
FROM pg_inherits i
JOIN pg_class c ON c.oid = i.inhrelid
JOIN pg_class p ON p.oid = i.inhparent
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE to_jsonb(i) ->> 'inhdetachpending' = 'true' -- no such column before PostgreSQL 14
ORDER BY 1 DESC, 2, 3, 4
""")
# Version 2026.11.0 stored sentences.
OLD_FORMS = {"INVALID index ": "index", "NOT VALID constraint ": "constraint"}


@dataclass(frozen=True)
class Unfinished:
    """An INVALID index, a NOT VALID constraint and its table, or a partition that is half detached.

    `identifier` is the index or the table as SQL writes it in this session; of a partition, what
    ALTER TABLE has to be followed by.
    """

    kind: str
    schema: str
    name: str
    table: str | None = None
    identifier: str = field(default="", compare=False)

    @classmethod
    def of(cls, stored: Any) -> Self:
        """Return what `stored` in the migration log describes."""
        if not isinstance(stored, str):
            return cls(**stored)
        for start, kind in OLD_FORMS.items():
            if stored.startswith(start):
                name, _, table = stored.removeprefix(start).partition(" on ")
                path = [part.strip('"') for part in (table or name).rsplit(".", 1)]
                schema = path[0] if len(path) > 1 else "public"
                return cls(kind, schema, name if table else path[-1], path[-1] if table else None)
        raise ValueError(stored)

    def stored(self) -> dict[str, str | None]:
        """Return what the migration log keeps of it."""
        return {"kind": self.kind, "schema": self.schema, "name": self.name, "table": self.table}

    def __str__(self) -> str:
        """Return it in words."""
        if self.kind == "index":
            return f"INVALID index {self.identifier}"
        if self.kind == "partition":
            return f"half detached partition {self.name} of {self.table}"
        return f"NOT VALID constraint {self.name} on {self.identifier}"


def find(connection: Connection) -> list[Unfinished]:
    """Return what is unfinished; ends the transaction that reads.

    An index that somebody is building at this moment does not count.
    """
    if connection.dialect.name != "postgresql":
        return []
    found = [Unfinished(*row) for row in connection.execute(QUERY)]
    connection.rollback()
    return found
