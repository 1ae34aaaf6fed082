"""Statements that go past Alembic."""

from migrator.lint.python_code import Call
from migrator.lint.rule import Example, Rule

FUNCTIONS = (
    *("create_engine", "create_async_engine", "raw_connection", "cursor", "execute_values"),
    *("copy_expert", "copy_from", "execute_batch"),
)
MODULES = (
    *("psycopg.connect", "psycopg2.connect", "asyncpg.connect", "subprocess.", "os.system"),
    *("os.popen", "os.spawn", "os.exec"),
)
# Functions of PostgreSQL that open a session of their own.
SESSIONS = ("dblink", "dblink_exec", "dblink_connect", "dblink_connect_u", "dblink_send_query")
ATTRIBUTES = ("driver_connection", "dbapi_connection")
# Of the engine's other attributes a revision may ask.
OPENS = (".engine.connect", ".engine.begin", ".engine.execute", "get_bind().connection")


def _is_beside(call: Call) -> bool:
    return (
        call.ends_with(*FUNCTIONS, *ATTRIBUTES)
        or call.name.startswith(MODULES)
        or call.name.endswith(OPENS)
    )


RULE = Rule(
    name="unseen-statements",
    reason=(
        "This goes past the connection that Alembic gives the revision, so that its statements are"
        " unknown here and may run outside the revision's transaction and without its limits."
    ),
    safe="op.execute(...), or op.bulk_insert(...) for rows.",
    example=Example(
        unsafe="""
if not op.get_context().as_sql:
    op.get_bind().connection.cursor().execute("SELECT 1")
""",
        safe='op.execute("SELECT 1")',
    ),
    action=lambda candidate: candidate.kind == "call" and candidate.action.name in SESSIONS,
    words=(
        *("connect", "engine", "popen", "spawn", "exec", "cursor", "subprocess", "system"),
        *FUNCTIONS,
    ),
    code=lambda code, _: {
        each.line for each in (*code.calls, *code.attributes) if _is_beside(each)
    },
)
