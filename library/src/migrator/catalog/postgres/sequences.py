"""Sequences, with the column that owns one; the sequence of an identity is one, too."""

from migrator.catalog.postgres.kind import OURS, Kind, grants, not_of_extension

KINDS = (
    Kind(
        "sequence",
        f"""
SELECT ARRAY[n.nspname, c.relname] AS name,
       format_type(s.seqtypid, NULL) AS type,
       s.seqstart AS start, s.seqincrement AS increment, s.seqmin AS minimum, s.seqmax AS maximum,
       s.seqcache AS cache, s.seqcycle AS cycle,
       CASE WHEN c.relpersistence = 'u' THEN 'unlogged' END AS persistence,
       (SELECT format('%s.%I', d.refobjid::regclass, a.attname)
        FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')
          AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0) AS owned_by,
       EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
               AND d.deptype = 'i') AS of_identity,
       obj_description(c.oid, 'pg_class') AS comment,
       pg_get_userbyid(c.relowner) AS owner,
       {grants("c.relacl")} AS grants
FROM pg_sequence s
JOIN pg_class c ON c.oid = s.seqrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {OURS} AND {not_of_extension("pg_class", "c.oid")}
""",
        "EXISTS (SELECT FROM pg_sequence)",
    ),
)
