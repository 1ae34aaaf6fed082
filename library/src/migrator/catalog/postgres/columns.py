"""Columns of tables, with defaults, identities and generated expressions as PostgreSQL has them."""

from migrator.catalog.postgres.kind import OURS, Kind, grants, not_of_extension, sorted_options

KINDS = (
    Kind(
        "column",
        f"""
SELECT ARRAY[n.nspname, c.relname, a.attname] AS name,
       row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum) AS position,
       format_type(a.atttypid, a.atttypmod) AS type,
       a.attnotnull AS not_null,
       CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END AS default,
       CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END AS generated,
       CASE a.attgenerated WHEN 's' THEN 'stored' WHEN 'v' THEN 'virtual' END AS generated_kind,
       CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END AS identity,
       CASE WHEN a.attcollation <> t.typcollation
         THEN format('%I.%I', o.nspname, l.collname) END AS collation,
       CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage::text END AS storage,
       {{compression}} AS compression,
       -- -1 until 16, NULL since 17.
       NULLIF(a.attstattarget, -1) AS statistics,
       {sorted_options("a.attoptions")} AS options,
       NOT a.attislocal AS inherited,
       m.description AS comment,
       {grants("a.attacl")} AS grants
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_collation l ON l.oid = a.attcollation
LEFT JOIN pg_namespace o ON o.oid = l.collnamespace
LEFT JOIN pg_description m
  ON m.objoid = c.oid AND m.classoid = 'pg_class'::regclass AND m.objsubid = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f')
  AND {OURS} AND {not_of_extension("pg_class", "c.oid")}
""",
        since={14: {"compression": "NULLIF(a.attcompression::text, '')"}},
    ),
)
