"""Schemas, the extensions in the database, collations and extended statistics."""

from migrator.catalog.postgres.kind import OURS, Kind, grants, made, not_of_extension

KINDS = (
    Kind(
        "schema",
        f"""
SELECT ARRAY[n.nspname] AS name,
       -- The comment that initdb writes says nothing.
       NULLIF(obj_description(n.oid, 'pg_namespace'), 'standard public schema') AS comment,
       pg_get_userbyid(n.nspowner) AS owner,
       {grants("n.nspacl")} AS grants
FROM pg_namespace n
WHERE {OURS} AND {not_of_extension("pg_namespace", "n.oid")}
""",
    ),
    Kind(
        "extension",
        """
SELECT ARRAY[e.extname] AS name,
       n.nspname AS schema,
       e.extversion AS version,
       ARRAY(SELECT pg_describe_object(d.classid, d.objid, 0) FROM pg_depend d
             WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
               AND d.deptype = 'e' ORDER BY 1) AS members,
       pg_get_userbyid(e.extowner) AS owner
FROM pg_extension e
JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname <> 'plpgsql'
""",
        "EXISTS (SELECT FROM pg_extension WHERE extname <> 'plpgsql')",
    ),
    Kind(
        "collation",
        f"""
SELECT ARRAY[n.nspname, l.collname] AS name,
       l.collprovider::text AS provider,
       NOT l.collisdeterministic AS nondeterministic,
       -- Of ICU it is in collcollate before PostgreSQL 15, then in columns of changing names.
       coalesce(to_jsonb(l) ->> 'colllocale', to_jsonb(l) ->> 'colliculocale',
                l.collcollate::text) AS locale,
       obj_description(l.oid, 'pg_collation') AS comment,
       pg_get_userbyid(l.collowner) AS owner
FROM pg_collation l
JOIN pg_namespace n ON n.oid = l.collnamespace
WHERE {OURS} AND {not_of_extension("pg_collation", "l.oid")}
""",
        made("pg_collation", "collnamespace"),
    ),
    Kind(
        "statistics",
        f"""
SELECT ARRAY[n.nspname, x.stxname] AS name,
       pg_get_statisticsobjdef(x.oid) AS definition,
       obj_description(x.oid, 'pg_statistic_ext') AS comment,
       pg_get_userbyid(x.stxowner) AS owner
FROM pg_statistic_ext x
JOIN pg_namespace n ON n.oid = x.stxnamespace
WHERE {OURS}
""",
        "EXISTS (SELECT FROM pg_statistic_ext)",
    ),
)
