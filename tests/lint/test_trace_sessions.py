"""Whatever way a statement takes to the shadow database: it is seen, and lint's finding stays."""

import json

import psycopg
import pytest

from tests.conftest import Rendering
from tests.lint.test_lint import FIRST, LINT, write
from tests.lint.test_trace import TRACE, statements, traced

OWN_URL = """
url = op.get_bind().engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
"""
OTHER_PROGRAM = (
    OWN_URL
    + """
import subprocess, sys
code = "import psycopg, sys; psycopg.connect(sys.argv[1], autocommit=True).execute(sys.argv[2])"
subprocess.run([sys.executable, "-c", code, url, {sent!r}], check=True)
"""
)
INDEX = "CREATE INDEX ix_x ON users (name)"
# By how it is sent; %s is the statement.
WAYS = {
    "raw cursor": 'op.get_bind().connection.cursor().execute("%s")',
    "bytes": 'op.get_bind().connection.driver_connection.execute(b"%s")',
    "engine": "with sa.create_engine(op.get_bind().engine.url).begin() as other:\n"
    '    other.exec_driver_sql("%s")',
    "autocommit": 'kind = {"isolation_level": "AUTOCOMMIT"}\n'
    "with sa.create_engine(op.get_bind().engine.url, **kind).connect() as other:\n"
    '    other.exec_driver_sql("%s")',
    "driver": OWN_URL + 'import psycopg\nwith psycopg.connect(url) as other: other.execute("%s")',
}
EACH_ROW = """
bind = op.get_bind()
for (number,) in bind.execute(sa.text("SELECT id FROM users")).all():
    bind.execute(sa.text("{statement}"), {{"id": number}})
"""


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_every_way_through_the_driver_is_followed(project: Rendering, way: str) -> None:
    revision = write(project, way % INDEX)
    (index,) = (s for s in statements(project, revision) if s["statement"] == INDEX)
    assert index["locks"] == ["ShareLock users"]
    assert index["breaks"] == "blocks-while-scanning"
    done = project.run(f"{LINT} --json {revision}")
    rules = [each["rule"] for each in json.loads(done.stdout)["findings"]]
    # It may go past the transaction and the limits, wherever it was seen.
    assert rules == ["unseen-statements", "require-concurrent-index-creation"]


@pytest.mark.parametrize(
    ("sent", "shown"),
    [(INDEX, INDEX), ("UPDATE users SET name = 'x'", "3 rows of users")],
)
def test_another_program_is_a_finding(project: Rendering, sent: str, shown: str) -> None:
    revision = write(project, OTHER_PROGRAM.format(sent=sent))
    (found,) = (s for s in statements(project, revision) if s["breaks"])
    assert (found["statement"], found["breaks"]) == (shown, "other-session")
    done = project.run(f"{LINT} --json {revision}")
    rules = [each["rule"] for each in json.loads(done.stdout)["findings"]]
    assert rules == ["not-linted", "unseen-statements", "other-session"]


def test_a_connection_of_the_driver_to_another_database_is_refused(project: Rendering) -> None:
    url = project.database_url()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS untouched (n int)")
        body = f"import psycopg\npsycopg.connect({url!r}).execute('DROP TABLE untouched')"
        done = project.run(f"{TRACE} {write(project, body)}")
        assert done.returncode == 5
        assert "instead of the shadow database" in done.stderr
        connection.execute("DROP TABLE untouched")


@pytest.mark.parametrize(
    ("body", "bulk"),
    [
        (EACH_ROW.format(statement="UPDATE users SET name = 'x' WHERE id = :id"), True),
        (EACH_ROW.format(statement="DELETE FROM users WHERE id = :id"), True),
        (EACH_ROW.format(statement="INSERT INTO teams (name) SELECT name || 'x' FROM users"
                         " WHERE id = :id"), True),
        ("op.execute(\"UPDATE users SET name = 'x' WHERE id = 5\")", False),
        ("op.execute(\"INSERT INTO teams (name) SELECT name FROM users\")", True),
        ("op.execute(\"INSERT INTO teams (name) SELECT 'x' WHERE NOT EXISTS"
         " (SELECT FROM teams WHERE name = 'x')\")", False),
        ("op.execute('SELECT * FROM users FOR UPDATE')", True),
        ("op.execute('SELECT * FROM users WHERE id = 5 FOR UPDATE')", False),
        *(
            (f"""
cursor = op.get_bind().connection.cursor()
with cursor.copy("COPY teams (name) FROM STDIN") as copy:
    for number in range({count}):
        copy.write_row([f"new {{number}}"])
""", bulk) for count, bulk in ((5000, True), (5, False))
        ),
    ],
)  # fmt: skip
def test_rows_are_counted_by_transaction(project: Rendering, body: str, bulk: bool) -> None:
    broken = [s["breaks"] for s in statements(project, write(project, body)) if s["breaks"]]
    assert broken == (["bulk-write"] if bulk else [])


def test_single_rows_in_transactions_of_their_own_are_no_bulk(project: Rendering) -> None:
    loop = EACH_ROW.format(statement="UPDATE users SET name = 'x' WHERE id = :id")
    body = "with op.get_context().autocommit_block():\n" + "".join(
        f"    {line}\n" for line in loop.splitlines()
    )
    assert [s for s in statements(project, write(project, body)) if s["breaks"]] == []


def test_a_revision_that_commits_runs_once(project: Rendering) -> None:
    body = """
op.create_table("once", sa.Column("n", sa.Integer()))
op.get_bind().commit()
with op.get_context().autocommit_block():
    op.create_index("ix_once", "once", ["n"], postgresql_concurrently=True)
"""
    write(project, body, name="a")
    write(project, 'op.add_column("once", sa.Column("m", sa.Integer()))', name="b", down="case_a")
    first, second = traced(project, f"{FIRST}..case_b")
    assert (first["failure"], second["failure"]) == (None, None)
