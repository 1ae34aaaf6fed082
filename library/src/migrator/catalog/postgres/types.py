"""Types: enums with their values in order, domains with their constraints, composites, ranges."""

from migrator.catalog.postgres.kind import OURS, Kind, grants, made, not_of_extension

COMMON = f"""
       obj_description(t.oid, 'pg_type') AS comment,
       pg_get_userbyid(t.typowner) AS owner,
       {grants("t.typacl")} AS grants
FROM pg_type t
JOIN pg_namespace n ON n.oid = t.typnamespace
"""
WHERE = f"{OURS} AND {not_of_extension('pg_type', 't.oid')}"
KINDS = (
    Kind(
        "enum",
        f"""
SELECT ARRAY[n.nspname, t.typname] AS name,
       ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid
             ORDER BY e.enumsortorder) AS values,
{COMMON}
WHERE t.typtype = 'e' AND {WHERE}
""",
        made("pg_type", "typnamespace", "typtype = 'e'"),
    ),
    Kind(
        "domain",
        f"""
SELECT ARRAY[n.nspname, t.typname] AS name,
       format_type(t.typbasetype, t.typtypmod) AS type,
       t.typnotnull AS not_null,
       pg_get_expr(t.typdefaultbin, 0) AS default,
       CASE WHEN t.typcollation <> b.typcollation
         THEN (SELECT format('%I.%I', o.nspname, l.collname) FROM pg_collation l
               JOIN pg_namespace o ON o.oid = l.collnamespace WHERE l.oid = t.typcollation)
       END AS collation,
       ARRAY(SELECT format('%I %s', k.conname, pg_get_constraintdef(k.oid)) FROM pg_constraint k
             WHERE k.contypid = t.oid AND k.contype = 'c' ORDER BY k.conname) AS constraints,
{COMMON}
JOIN pg_type b ON b.oid = t.typbasetype
WHERE t.typtype = 'd' AND {WHERE}
""",
        made("pg_type", "typnamespace", "typtype = 'd'"),
    ),
    Kind(
        "composite",
        f"""
SELECT ARRAY[n.nspname, t.typname] AS name,
       ARRAY(SELECT format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod))
             FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0
               AND NOT a.attisdropped ORDER BY a.attnum) AS attributes,
{COMMON}
JOIN pg_class c ON c.oid = t.typrelid AND c.relkind = 'c'
WHERE t.typtype = 'c' AND {WHERE}
""",
        made("pg_class", "relnamespace", "relkind = 'c'"),
    ),
    Kind(
        "range",
        f"""
SELECT ARRAY[n.nspname, t.typname] AS name,
       format_type(r.rngsubtype, NULL) AS subtype,
       (SELECT format('%I.%I', o.nspname, c.opcname) FROM pg_opclass c
        JOIN pg_namespace o ON o.oid = c.opcnamespace WHERE c.oid = r.rngsubopc) AS operator_class,
       NULLIF(r.rngcanonical::oid, 0)::regproc::text AS canonical,
       NULLIF(r.rngsubdiff::oid, 0)::regproc::text AS difference,
{COMMON}
JOIN pg_range r ON r.rngtypid = t.oid
WHERE t.typtype = 'r' AND {WHERE}
""",
        made("pg_type", "typnamespace", "typtype = 'r'"),
    ),
)
