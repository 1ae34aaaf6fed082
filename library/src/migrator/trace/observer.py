"""Looks at what a session has done, and at no more than can have changed since the last time."""

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from migrator.postgres import sql
from migrator.trace.catalog import ForeignKey, Schemas, State, query
from migrator.trace.event_log import SCHEMA, STEP
from migrator.trace.names import ALL

if TYPE_CHECKING:  # psycopg does not come with SQLite
    from psycopg.pq.abc import PGconn

# What each statement may change. `read` are rows, from whole tables or found by an index.
MOMENT = f"""
SELECT json_build_object(
  'transaction', pg_backend_pid() || '/' || now()::text,
  'logged', {{logged}},
  'roles', (SELECT count(*) FROM pg_roles),
  'locks', (SELECT coalesce(json_agg(json_build_array(relation::bigint, mode)), '[]')
    FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted
    AND relation >= 16384
    -- Nobody writes to a materialized view: only its readers can wait.
    AND (mode = 'AccessExclusiveLock' OR NOT EXISTS
      (SELECT FROM pg_class WHERE oid = relation AND relkind = 'm'))
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())),
  'counters', (SELECT coalesce(json_agg(json_build_array(relid::bigint, seq_scan, n_tup_ins,
      n_tup_upd + n_tup_del, seq_tup_read + coalesce(idx_tup_fetch, 0))), '[]')
    FROM pg_stat_xact_user_tables
    WHERE schemaname <> '{SCHEMA}' AND
      seq_scan + n_tup_ins + n_tup_upd + n_tup_del + coalesce(idx_tup_fetch, 0) > 0))
"""
LOGGED = f"coalesce((SELECT max(id) FROM {SCHEMA}.log), 0)"
# What is only read again after a change of the schema, or a strong lock. The last of a foreign
# key: its columns can have values as soon as they are there.
SCHEMAS = f"""
SELECT json_build_object(
  'relations', (SELECT coalesce(json_agg(json_build_array(c.oid::bigint,
      CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || c.relname,
      pg_relation_filenode(c.oid)::bigint, coalesce(i.indrelid, c.oid)::bigint, c.relnatts)), '[]')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_index i ON i.indexrelid = c.oid
    WHERE c.relkind IN ('r', 'p', 'm', 'i', 'I') AND n.nspname !~ '^pg_[ct]'
      AND n.nspname NOT IN ('information_schema', '{SCHEMA}')
      AND ({{tables}} OR {{indexes}})),
  'foreign_keys', (SELECT coalesce(json_agg(json_build_array(oid::bigint, conrelid::bigint,
      (confrelid, conkey, confkey, confupdtype, confdeltype)::text, conkey,
      EXISTS (SELECT FROM pg_attribute a WHERE attrelid = conrelid AND attnum = ANY (conkey)
        AND atthasdef))), '[]')
    FROM pg_constraint WHERE contype = 'f' AND convalidated AND {{keys}}),
  'names', (SELECT coalesce(json_agg(json_build_array(kind, oid::bigint, number, whose, name)),
      '[]') FROM ({ALL}) AS names (kind, oid, number, whose, name)))
"""

# They exchange the files of tables, and no event trigger tells.
FILES = ("TRUNCATE", "CLUSTER", "VACUUM", "REINDEX", "REFRESH")
# What they change is a table that they lock, or new.
OF_TABLES = (
    *(f"{verb} {kind}" for verb in ("CREATE", "ALTER", "DROP") for kind in ("TABLE", "INDEX")),
    *("CREATE UNIQUE", "COMMENT ON"),
)
# Any code may run here.
CODE = ("DO", "CALL", "SELECT", "WITH")


class Observer:
    """Reads one shadow database; `log` if there is an event log, `last` the last state."""

    def __init__(self, *, log: bool) -> None:
        self.log = log
        self.last = State()
        self._schemas = Schemas()
        self._version: tuple[int, str] | None = None
        self._exchanged = "never"

    def look(self, session: "PGconn", *, step: str = "", after: str = "") -> State:
        """Return the state of a session, in the transaction that it is in.

        Args:
            step: what the session does from now on, for the event log.
            after: the statement that has just run.

        Raises:
            MigratorError: the database cannot be read.
        """
        moment = MOMENT.format(logged=LOGGED if self.log else -1)
        found = query(session, f"SET {STEP} = '{step}'; {moment}")
        state = State(
            found["transaction"],
            found["logged"],
            found["roles"],
            frozenset((oid, mode) for oid, mode in found["locks"]),
            {oid: tuple(counts) for oid, *counts in found["counters"]},
        )
        word = sql.first_word(after) if after else ""
        if word in FILES or (word in CODE and bool(after) and bool(state.strong)) or ";" in after:
            self._exchanged = state.transaction
            self._version = None
        # What was exchanged is there again when the transaction has been rolled back.
        apart = state.transaction == self._exchanged
        version = state.logged, self._exchanged if apart else ""
        if version != self._version or not self.log:
            same = state.transaction == self.last.transaction and self._version is not None
            if same and self.log and after and sql.begins(after, *OF_TABLES):
                touched = {oid for oid, _ in state.locks}
                self._schemas = self._schemas.replaced(touched, _schemas(session, touched))
            else:
                self._schemas = _schemas(session)
            self._version = version
        self.last = replace(state, schemas=self._schemas)
        return self.last


def _schemas(session: "PGconn", touched: Collection[int] | None = None) -> Schemas:
    """Read everything, or the tables and indexes that are `touched`."""
    conditions = dict.fromkeys(("tables", "indexes", "keys", "everything"), "true")
    if touched is not None:
        listed = f"ANY ('{{{','.join(map(str, touched))}}}'::oid[])"
        columns = {"tables": "c.oid", "indexes": "i.indrelid", "keys": "conrelid"}
        conditions = {what: f"{column} = {listed}" for what, column in columns.items()}
        conditions["everything"] = "false"
    found = query(session, SCHEMAS.format(**conditions))
    relations = found["relations"]
    return Schemas(
        {oid: name for oid, name, *_ in relations},
        {oid: file for oid, _, file, *_ in relations},
        {oid: table for oid, *_, table, _ in relations},
        {oid: width for oid, *_, width in relations},
        {oid: ForeignKey(*rest) for oid, *rest in found["foreign_keys"]},
        {(kind, oid, number): (whose, name) for kind, oid, number, whose, name in found["names"]},
    )
