"""Constraints of tables: primary keys, unique, foreign keys, CHECK and exclusion constraints.

NOT NULL is a property of the column, also where PostgreSQL 18 has a constraint for it.
"""

from migrator.catalog.postgres.kind import OURS, Kind, not_of_extension, sorted_options

KINDS = (
    Kind(
        "constraint",
        f"""
SELECT ARRAY[n.nspname, c.relname, k.conname] AS name,
       CASE k.contype WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique' WHEN 'f' THEN 'foreign key'
         WHEN 'c' THEN 'check' WHEN 'x' THEN 'exclusion' WHEN 't' THEN 'trigger' END AS type,
       -- With columns, INCLUDE, MATCH, actions, DEFERRABLE, NULLS NOT DISTINCT, NO INHERIT.
       regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', '') AS definition,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u (number, place)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number
             ORDER BY u.place) AS columns,
       CASE WHEN k.contype = 'f' THEN ARRAY[g.nspname, f.relname] END AS referenced,
       NOT k.convalidated AS not_valid,
       NOT k.conislocal AS inherited,
       {sorted_options("i.reloptions")} AS index_options,
       s.spcname AS index_tablespace,
       NOT x.indisvalid AS index_invalid,
       x.indisclustered AS clustered,
       d.description AS comment
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_class f ON f.oid = k.confrelid
LEFT JOIN pg_namespace g ON g.oid = f.relnamespace
LEFT JOIN pg_class i ON i.oid = k.conindid AND k.contype IN ('p', 'u', 'x')
LEFT JOIN pg_index x ON x.indexrelid = i.oid
LEFT JOIN pg_tablespace s ON s.oid = i.reltablespace
LEFT JOIN pg_description d ON d.objoid = k.oid AND d.classoid = 'pg_constraint'::regclass
WHERE k.contype <> 'n'
  -- A foreign key to a partitioned table has one to each partition, which is PostgreSQL's own.
  AND NOT EXISTS (SELECT FROM pg_constraint p WHERE p.oid = k.conparentid AND p.contype = 'f'
                  AND p.conrelid = k.conrelid)
  AND {OURS} AND {not_of_extension("pg_class", "c.oid")}
""",
    ),
)
