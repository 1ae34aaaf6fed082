"""Triggers of tables and views, rules, and event triggers of the database."""

from migrator.catalog.postgres.kind import OURS, Kind, not_of_extension

ENABLED = "WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END AS enabled"
KINDS = (
    Kind(
        "trigger",
        f"""
SELECT ARRAY[n.nspname, c.relname, t.tgname] AS name,
       pg_get_triggerdef(t.oid) AS definition,
       CASE t.tgenabled {ENABLED},
       t.tgparentid <> 0 AS inherited,
       obj_description(t.oid, 'pg_trigger') AS comment
FROM pg_trigger t
JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal AND {OURS} AND {not_of_extension("pg_trigger", "t.oid")}
""",
        "EXISTS (SELECT FROM pg_trigger WHERE NOT tgisinternal)",
    ),
    Kind(
        "rule",
        f"""
SELECT ARRAY[n.nspname, c.relname, r.rulename] AS name,
       pg_get_ruledef(r.oid) AS definition,
       CASE r.ev_enabled {ENABLED},
       obj_description(r.oid, 'pg_rewrite') AS comment
FROM pg_rewrite r
JOIN pg_class c ON c.oid = r.ev_class
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE r.rulename <> '_RETURN' AND {OURS} AND {not_of_extension("pg_class", "c.oid")}
""",
        # pg_settings has two.
        "EXISTS (SELECT FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class"
        " WHERE r.rulename <> '_RETURN' AND c.relnamespace <> 'pg_catalog'::regnamespace)",
    ),
    Kind(
        "event_trigger",
        f"""
SELECT ARRAY[e.evtname] AS name,
       e.evtevent AS event,
       e.evttags AS tags,
       e.evtfoid::regproc::text AS function,
       CASE e.evtenabled {ENABLED},
       obj_description(e.oid, 'pg_event_trigger') AS comment,
       pg_get_userbyid(e.evtowner) AS owner
FROM pg_event_trigger e
WHERE {not_of_extension("pg_event_trigger", "e.oid")}
""",
        "EXISTS (SELECT FROM pg_event_trigger)",
    ),
)
