"""Functions, procedures and aggregates, by their names and the types of their arguments."""

from migrator.catalog.postgres.kind import OURS, Kind, grants, made, not_of_extension

NAME = "ARRAY[n.nspname, format('%s(%s)', p.proname, pg_get_function_identity_arguments(p.oid))]"
COMMON = f"""
       obj_description(p.oid, 'pg_proc') AS comment,
       pg_get_userbyid(p.proowner) AS owner,
       {grants("p.proacl")} AS grants
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
"""
WHERE = f"""
{OURS} AND {not_of_extension("pg_proc", "p.oid")}
  -- What a range type or a multirange brings with it.
  AND NOT EXISTS (SELECT FROM pg_depend i WHERE i.classid = 'pg_proc'::regclass
                  AND i.objid = p.oid AND i.deptype = 'i')
"""
KINDS = (
    *(
        Kind(
            kind,
            f"SELECT {NAME} AS name, pg_get_functiondef(p.oid) AS definition, {COMMON}"
            f" WHERE p.prokind IN ({letters}) AND {WHERE}",
            made("pg_proc", "pronamespace", f"prokind IN ({letters})"),
        )
        for kind, letters in (("function", "'f', 'w'"), ("procedure", "'p'"))
    ),
    Kind(
        "aggregate",
        f"""
SELECT {NAME} AS name,
       format_type(p.prorettype, NULL) AS returns,
       g.aggtransfn::text AS transition_function,
       format_type(g.aggtranstype, NULL) AS state_type,
       g.agginitval AS initial,
       NULLIF(g.aggfinalfn::oid, 0)::regproc::text AS final_function,
       NULLIF(g.aggcombinefn::oid, 0)::regproc::text AS combine_function,
       p.proparallel::text AS parallel,
{COMMON}
JOIN pg_aggregate g ON g.aggfnoid = p.oid
WHERE {WHERE}
""",
        made("pg_proc", "pronamespace", "prokind = 'a'"),
    ),
)
