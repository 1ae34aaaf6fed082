"""Indexes that are not those of a constraint."""

from migrator.catalog.postgres.kind import OURS, Kind, not_of_extension

KINDS = (
    Kind(
        "index",
        f"""
SELECT ARRAY[n.nspname, c.relname, i.relname] AS name,
       x.indisunique AS "unique",
       -- With method, operator classes, order, collations, INCLUDE, parameters and predicate.
       pg_get_indexdef(x.indexrelid) AS definition,
       NOT x.indisvalid AS invalid,
       x.indisclustered AS clustered,
       (SELECT h.inhparent::regclass::text FROM pg_inherits h WHERE h.inhrelid = i.oid) AS part_of,
       CASE WHEN x.indexprs IS NOT NULL THEN  -- no other column of an index can have a target
         (SELECT array_agg(a.attnum || ': ' || a.attstattarget ORDER BY a.attnum)
          FROM pg_attribute a WHERE a.attrelid = i.oid AND a.attstattarget >= 0)
       END AS statistics,
       s.spcname AS tablespace,
       d.description AS comment
FROM pg_index x
JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_class c ON c.oid = x.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_tablespace s ON s.oid = i.reltablespace
LEFT JOIN pg_description d
  ON d.objoid = i.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = 0
WHERE {OURS} AND {not_of_extension("pg_class", "c.oid")}
  AND NOT EXISTS (SELECT FROM pg_constraint k
                  WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x'))
""",
    ),
)
