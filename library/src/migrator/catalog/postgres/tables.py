"""Tables: ordinary, partitioned and foreign ones, partitions and children of inheritance."""

from migrator.catalog.postgres.kind import OURS, Kind, grants, not_of_extension, sorted_options

KINDS = (
    Kind(
        "table",
        f"""
SELECT ARRAY[n.nspname, c.relname] AS name,
       CASE c.relkind WHEN 'p' THEN 'partitioned' WHEN 'f' THEN 'foreign' END AS form,
       CASE c.relpersistence WHEN 'u' THEN 'unlogged' WHEN 't' THEN 'temporary' END AS persistence,
       CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END AS partition_key,
       pg_get_expr(c.relpartbound, c.oid) AS partition_bound,
       (SELECT array_agg(i.inhparent::regclass::text ORDER BY i.inhseqno)
        FROM pg_inherits i WHERE i.inhrelid = c.oid) AS inherits,
       {sorted_options("c.reloptions")} AS options,
       {sorted_options("t.reloptions")} AS toast_options,
       s.spcname AS tablespace,
       NULLIF(m.amname, 'heap') AS access_method,
       c.relrowsecurity AS row_security,
       c.relforcerowsecurity AS force_row_security,
       CASE c.relreplident WHEN 'n' THEN 'nothing' WHEN 'f' THEN 'full' WHEN 'i' THEN
         (SELECT x.indexrelid::regclass::text FROM pg_index x
          WHERE x.indrelid = c.oid AND x.indisreplident) END AS replica_identity,
       CASE WHEN c.reloftype <> 0 THEN c.reloftype::regtype::text END AS of_type,
       (SELECT v.srvname FROM pg_foreign_server v WHERE v.oid = f.ftserver) AS foreign_server,
       {sorted_options("f.ftoptions")} AS foreign_options,
       obj_description(c.oid, 'pg_class') AS comment,
       pg_get_userbyid(c.relowner) AS owner,
       {grants("c.relacl")} AS grants
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
LEFT JOIN pg_am m ON m.oid = c.relam
LEFT JOIN pg_foreign_table f ON f.ftrelid = c.oid
WHERE c.relkind IN ('r', 'p', 'f') AND {OURS} AND {not_of_extension("pg_class", "c.oid")}
""",
    ),
)
