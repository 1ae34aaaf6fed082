"""What is read of a shadow database: the queries, and the functions that keep their plans."""

from collections.abc import Collection

from migrator.trace.event_log import SCHEMA
from migrator.trace.names import ALL

# With these locks only, a table is used as it is.
USED = ("AccessShareLock", "RowShareLock", "RowExclusiveLock")
# What each statement may change. The counters are those of tables and indexes that are locked, and
# of others that the session may not have reported since its last transaction. Of rows that were
# read, an index counts those that it has found.
MOMENT = """
WITH mine AS (
  SELECT relation, mode FROM pg_locks
  WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted AND relation >= 16384
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())),
counted AS (
  SELECT json_build_array(relation::bigint, pg_stat_get_xact_numscans(relation),
    pg_stat_get_xact_tuples_inserted(relation),
    pg_stat_get_xact_tuples_updated(relation) + pg_stat_get_xact_tuples_deleted(relation),
    pg_stat_get_xact_tuples_returned(relation), pg_stat_get_xact_tuples_fetched(relation)) AS counts
  FROM (SELECT relation FROM mine UNION SELECT unnest({others})) AS counted
  WHERE pg_stat_get_xact_numscans(relation) + pg_stat_get_xact_tuples_inserted(relation)
    + pg_stat_get_xact_tuples_updated(relation) + pg_stat_get_xact_tuples_deleted(relation)
    + pg_stat_get_xact_tuples_returned(relation) + pg_stat_get_xact_tuples_fetched(relation) > 0)
SELECT json_build_object(
  'transaction', pg_backend_pid() || '/' || now()::text,
  'logged', {logged},
  'unexplained', {unexplained},
  'roles', (SELECT count(*) FROM pg_roles),
  'locks', (SELECT coalesce(json_agg(json_build_array(relation::bigint, mode)), '[]') FROM mine
    -- Nobody writes to a materialized view: only its readers can wait.
    WHERE mode = 'AccessExclusiveLock' OR NOT EXISTS
      (SELECT FROM pg_class WHERE oid = relation AND relkind = 'm')),
  'counters', (SELECT coalesce(json_agg(counts), '[]') FROM counted),
  'schemas', {schemas})
"""
# The tables that may have changed, if the schema has.
CHANGED = f"""
  CASE WHEN (SELECT max(id) FROM {SCHEMA}.log) > since THEN {SCHEMA}.schemas_of(ARRAY(
    SELECT coalesce((SELECT indrelid FROM pg_index WHERE indexrelid = relation), relation)
    FROM mine WHERE mode <> ALL ('{{{",".join(USED)}}}'))) END
"""
LOG = {
    "schemas": CHANGED,
    "logged": f"coalesce((SELECT max(id) FROM {SCHEMA}.log), 0)",
    "unexplained": f"coalesce((SELECT max(id) FROM {SCHEMA}.log WHERE step = ''), 0)",
}
# What is only read again after a change of the schema, or a strong lock: everything, or the tables
# and indexes that are touched. The last of a foreign key: its columns can have values as soon as
# they are there.
SCHEMAS = f"""
SELECT json_build_object(
  'relations', (SELECT coalesce(json_agg(json_build_array(c.oid::bigint,
      CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || c.relname,
      pg_relation_filenode(c.oid)::bigint, coalesce(i.indrelid, c.oid)::bigint, c.relnatts)), '[]')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_index i ON i.indexrelid = c.oid
    WHERE c.relkind IN ('r', 'p', 'm', 'i', 'I') AND n.nspname !~ '^pg_[ct]'
      AND n.nspname NOT IN ('information_schema', '{SCHEMA}') AND {{relations}}),
  'foreign_keys', (SELECT coalesce(json_agg(json_build_array(oid::bigint, conrelid::bigint,
      (confrelid, conkey, confkey, confupdtype, confdeltype)::text, conkey,
      EXISTS (SELECT FROM pg_attribute a WHERE attrelid = conrelid AND attnum = ANY (conkey)
        AND atthasdef))), '[]')
    FROM pg_constraint WHERE contype = 'f' AND convalidated AND {{keys}}),
  'names', (SELECT coalesce(json_agg(json_build_array(kind, oid::bigint, number, whose, name)),
      '[]') FROM ({ALL}) AS names (kind, oid, number, whose, name)))
"""
EVERYTHING = dict.fromkeys(("tables", "relations", "keys"), "true")
TOUCHED = {
    "tables": "c.oid = ANY (touched)",
    "relations": "c.oid = ANY (touched || ARRAY"
    " (SELECT indexrelid FROM pg_index WHERE indrelid = ANY (touched)))",
    "keys": "conrelid = ANY (touched)",
}


def _function(name: str, arguments: str, query: str) -> str:
    """Return a function of which the server keeps the plan, whatever settings revisions change."""
    return f"""
    CREATE FUNCTION {SCHEMA}.{name}({arguments}) RETURNS json LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog SET enable_seqscan = on SET enable_indexonlyscan = on SET jit = off
    SET plan_cache_mode = force_generic_plan
    AS $function$ BEGIN RETURN ({query}); END $function$;
    GRANT EXECUTE ON FUNCTION {SCHEMA}.{name} TO PUBLIC;
    """


FUNCTIONS = (
    _function("moment", "others oid[], since bigint", MOMENT.format(**LOG, others="others"))
    + _function("schemas", "", SCHEMAS.format(**EVERYTHING))
    + _function("schemas_of", "touched oid[]", SCHEMAS.format(**TOUCHED))
)


def moment(others: Collection[int], *, log: bool, since: int | None = None) -> str:
    """Return the query of a moment.

    Args:
        others: relations that are counted also without a lock.
        log: whether there is an event log.
        since: an entry of it; after a later one, the tables that are locked are read, too.
    """
    listed = _listed(others)
    if log:
        return f"SELECT {SCHEMA}.moment({listed}, {'NULL' if since is None else since})"
    return MOMENT.format(logged=-1, unexplained=0, schemas="NULL", others=listed)


def schemas(touched: Collection[int] | None, *, log: bool) -> str:
    """Return the query of everything, or of the tables and indexes that are `touched`."""
    if not log:
        return SCHEMAS.format(**EVERYTHING)
    if touched is None:
        return f"SELECT {SCHEMA}.schemas()"
    return f"SELECT {SCHEMA}.schemas_of({_listed(touched)})"


def _listed(oids: Collection[int]) -> str:
    return f"'{{{','.join(map(str, oids))}}}'::oid[]"
