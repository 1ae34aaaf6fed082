"""Settings of a role, a database or the server, and functions that act on the server."""

from migrator.lint.rule import Example, Rule
from migrator.lint.statements.roles import SETTINGS

FUNCTIONS = (
    *("pg_reload_conf", "pg_promote", "pg_drop_replication_slot", "pg_replication_slot_advance"),
    *("pg_wal_replay_pause", "pg_wal_replay_resume", "pg_stat_reset", "pg_rotate_logfile"),
    *("pg_replication_origin_drop", "pg_file_write", "pg_file_unlink"),
)

RULE = Rule(
    name="changing-server",
    reason=(
        "It changes the role, the database or the server: every session that begins from now on has"
        " the setting, that of old code too, and no downgrade of the schema shows it."
    ),
    safe=(
        "SET LOCAL in the revision; what sessions need belongs in the URL of the application or in"
        " the configuration of the server."
    ),
    example=Example(
        unsafe="op.execute(\"ALTER ROLE CURRENT_USER SET statement_timeout = '1h'\")",
        safe="op.execute(\"SET LOCAL statement_timeout = '1h'\")",
    ),
    action=lambda candidate: (
        candidate.kind in SETTINGS
        or (candidate.kind == "call" and candidate.action.name in FUNCTIONS)
    ),
)
