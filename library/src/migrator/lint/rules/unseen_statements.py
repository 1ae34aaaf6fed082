"""Statements that go past Alembic."""

from migrator.lint.python_code import Call
from migrator.lint.rule import Example, Rule

FUNCTIONS = (
    *("create_engine", "create_async_engine", "raw_connection", "cursor", "Popen", "check_call"),
    *("copy_expert", "copy_from", "check_output", "execute_values", "execute_batch"),
)
MODULES = ("psycopg.connect", "psycopg2.connect", "asyncpg.connect", "subprocess.run", "os.system")
ATTRIBUTES = ("driver_connection", "dbapi_connection")


def _is_beside(call: Call) -> bool:
    return (
        call.ends_with(*FUNCTIONS, *ATTRIBUTES)
        or call.name in MODULES
        or call.name.endswith(("get_bind().connection", "get_bind().engine"))
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
    code=lambda code: {each.line for each in (*code.calls, *code.attributes) if _is_beside(each)},
)
