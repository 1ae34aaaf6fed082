"""Policies of row level security; whether a table has it enabled is a property of the table."""

from migrator.catalog.postgres.kind import OURS, Kind

KINDS = (
    Kind(
        "policy",
        f"""
SELECT ARRAY[n.nspname, c.relname, p.polname] AS name,
       CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update'
         WHEN 'd' THEN 'delete' ELSE 'all' END AS command,
       NOT p.polpermissive AS restrictive,
       ARRAY(SELECT CASE u WHEN 0 THEN 'public' ELSE pg_get_userbyid(u)::text END
             FROM unnest(p.polroles) u ORDER BY 1) AS roles,
       pg_get_expr(p.polqual, p.polrelid) AS using,
       pg_get_expr(p.polwithcheck, p.polrelid) AS with_check,
       obj_description(p.oid, 'pg_policy') AS comment
FROM pg_policy p
JOIN pg_class c ON c.oid = p.polrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {OURS}
""",
        "EXISTS (SELECT FROM pg_policy)",
    ),
)
