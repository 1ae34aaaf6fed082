"""Views and materialized views, and whether those hold rows."""

from migrator.catalog.postgres.kind import (
    OURS,
    Kind,
    grants,
    made,
    not_of_extension,
    sorted_options,
)

KINDS = tuple(
    Kind(
        kind,
        f"""
SELECT ARRAY[n.nspname, c.relname] AS name,
       pg_get_viewdef(c.oid) AS definition,
       ARRAY(SELECT format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod))
             FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
               AND NOT a.attisdropped ORDER BY a.attnum) AS columns,
       {sorted_options("c.reloptions")} AS options,
       NOT c.relispopulated AS without_data,
       s.spcname AS tablespace,
       NULLIF(m.amname, 'heap') AS access_method,
       obj_description(c.oid, 'pg_class') AS comment,
       ARRAY(SELECT format('%I: %s', a.attname, col_description(c.oid, a.attnum))
             FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
               AND col_description(c.oid, a.attnum) IS NOT NULL
             ORDER BY a.attnum) AS column_comments,
       pg_get_userbyid(c.relowner) AS owner,
       {grants("c.relacl")} AS grants
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
LEFT JOIN pg_am m ON m.oid = c.relam
WHERE c.relkind = '{relkind}' AND {OURS} AND {not_of_extension("pg_class", "c.oid")}
""",
        made("pg_class", "relnamespace", f"relkind = '{relkind}'"),
    )
    for kind, relkind in (("view", "v"), ("materialized_view", "m"))
)
