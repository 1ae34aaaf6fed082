"""A session that cannot be followed, such as another program's."""

from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="other-session",
    reason=(
        "Another program or driver that the revision starts changes the database: its locks are"
        " unknown here, a deploy can neither limit nor retry it, and no rollback takes it back."
    ),
    safe="run the statement with op.execute(...), in this revision or in one of its own.",
    example=Example(
        unsafe="""
import subprocess, sys
url = op.get_bind().engine.url.set(drivername="postgresql")
code = "import psycopg, sys; psycopg.connect(sys.argv[1], autocommit=True).execute(sys.argv[2])"
shown = url.render_as_string(hide_password=False)
subprocess.run([sys.executable, "-c", code, shown, "CREATE TABLE elsewhere (n int)"])
""",
        safe='op.execute("CREATE TABLE here (n int)")',
    ),
    observed=lambda seen: seen.step.elsewhere,
)
