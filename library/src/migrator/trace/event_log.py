"""What the server itself writes down: event triggers on the shadow database.

They see each change of the schema, whichever session, driver or process it comes from. Their
schema begins with `pg_`, so that nothing that lists or compares schemas sees it.
"""

from typing import TYPE_CHECKING, Any

from migrator.trace.transaction_state import State

if TYPE_CHECKING:  # psycopg does not come with SQLite
    from psycopg import Connection

SCHEMA = "pg_migrator"
# The step of a session that is being followed, for the event triggers.
STEP = "migrator.step"
FUNCTIONS = "-- functions"
INSTALL = f"""
SET allow_system_table_mods = on;
CREATE SCHEMA {SCHEMA};
GRANT USAGE ON SCHEMA {SCHEMA} TO PUBLIC;
{FUNCTIONS}
CREATE TABLE {SCHEMA}.log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    step text NOT NULL, tag text NOT NULL, query text NOT NULL
);
CREATE INDEX ON {SCHEMA}.log (id) WHERE step = '';
CREATE FUNCTION {SCHEMA}.note() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $function$
BEGIN
    INSERT INTO {SCHEMA}.log (step, tag, query)
    VALUES (coalesce(current_setting('{STEP}', true), ''), tg_tag, coalesce(current_query(), ''));
END $function$;
CREATE EVENT TRIGGER pg_migrator_command ON ddl_command_end EXECUTE FUNCTION {SCHEMA}.note();
CREATE EVENT TRIGGER pg_migrator_drop ON sql_drop EXECUTE FUNCTION {SCHEMA}.note();
CREATE EVENT TRIGGER pg_migrator_rewrite ON table_rewrite EXECUTE FUNCTION {SCHEMA}.note();
ALTER EVENT TRIGGER pg_migrator_command ENABLE ALWAYS;
ALTER EVENT TRIGGER pg_migrator_drop ENABLE ALWAYS;
ALTER EVENT TRIGGER pg_migrator_rewrite ENABLE ALWAYS;
RESET allow_system_table_mods;
"""
SUPERUSER = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
UNEXPLAINED = f"""
SELECT query FROM {SCHEMA}.log WHERE id > %s AND step = '' GROUP BY query ORDER BY min(id)
"""


class EventLog:
    """The log of the database at `connection`, which is in autocommit mode.

    `functions` are installed beside it.

    `works` is false where event triggers cannot be made: only a superuser may.
    """

    def __init__(self, connection: "Connection[Any]", functions: str) -> None:
        self._connection = connection
        self._last = 0
        (superuser,) = connection.execute(SUPERUSER).fetchone() or (False,)
        if superuser:
            connection.execute(INSTALL.replace(FUNCTIONS, functions))
        self.works = bool(superuser)

    def forget(self, state: State) -> None:
        """Leave out what has been written until a moment."""
        self._last = state.logged

    def unexplained(self, state: State) -> list[str]:
        """Return the statements that no step explains, from after `forget` to a moment."""
        if not self.works or state.unexplained <= self._last:
            return []
        found = self._connection.execute(UNEXPLAINED, [self._last]).fetchall()
        return [query for (query,) in found]
