"""`python -m migrator trace`: what is seen of revisions that run on a shadow database."""

import json
import re
from typing import Any

import psycopg

from tests.conftest import Renderer, Rendering
from tests.lint.test_lint import FIRST, LINT, line_of, write

TRACE = ".venv/bin/python -m migrator trace"
DATABASES = "SELECT datname FROM pg_database ORDER BY datname"


def traced(project: Rendering, arguments: str) -> list[dict[str, Any]]:
    """What trace says about each revision; the rules of a statement are one text here."""
    done = project.run(f"{TRACE} --json {arguments}")
    assert done.returncode in (0, 5), done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    statements = [s for each in found for s in each["statements"]]
    for each in statements:
        each["breaks"] = ", ".join(each["breaks"]) or None
    broken = [s for s in statements if s["breaks"]]
    assert bool(broken) == (done.returncode == 5)
    return found


def statements(project: Rendering, revision: str) -> list[dict[str, Any]]:
    (found,) = traced(project, revision)
    listed: list[dict[str, Any]] = found["statements"]
    return listed


def test_locks_of_each_statement_and_what_is_kept(project: Rendering) -> None:
    body = """
op.add_column("users", sa.Column("n", sa.Integer()))
op.execute("CREATE INDEX ix_amount ON invoices (amount)")
op.execute("SELECT count(*) FROM teams")
"""
    revision = write(project, body)
    column, index, count = statements(project, revision)
    assert column["locks"] == ["AccessExclusiveLock users"]
    assert (column["locked_before"], column["breaks"]) == ([], None)
    assert column["line"] == line_of(project, revision, "op.add_column")
    assert index["locks"] == ["ShareLock invoices"]
    assert index["locked_before"] == ["users"]
    assert (index["scanned"], index["breaks"]) == (["invoices"], "blocks-while-scanning")
    assert count["locked_before"] == ["invoices", "users"]
    assert (count["scanned"], count["breaks"]) == (["teams"], "held-while-working")


def test_people_see_each_statement_below_its_place(project: Rendering) -> None:
    revision = write(project, 'op.alter_column("users", "id", type_=sa.Integer())')
    done = project.run(f"{TRACE} {revision}")
    assert done.returncode == 5
    start = done.stdout.index("migrations/versions/")
    place, statement, *rest = done.stdout[start:].splitlines()
    assert re.fullmatch(rf"migrations/versions/{revision}.py:\d+: blocks-while-rewriting", place)
    assert "ALTER TABLE users ALTER COLUMN id TYPE INTEGER" in statement
    text = " ".join(" ".join(rest).split())
    assert "blocks reads and writes of" in text and "rewrites users" in text
    assert re.search(r"\d\.\d ms, locks kept \d+\.\d ms", text)
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert f"1 statement in 1 revision ({revision}) would block" in done.stderr


def test_rewrites_and_rows(project: Rendering) -> None:
    body = """
op.alter_column("users", "id", type_=sa.Numeric())
op.execute("UPDATE invoices SET amount = amount + 1")
op.execute("INSERT INTO teams (name) VALUES ('x')")
"""
    change, update, insert = statements(project, write(project, body))
    assert "users" in change["rewritten"]
    assert (update["rows"], update["breaks"]) == ({"invoices": 3}, "bulk-write")
    assert (insert["inserted"], insert["breaks"]) == ({"teams": 1}, None)


def test_what_runs_outside_a_transaction_is_seen_too(project: Rendering) -> None:
    body = """
with op.get_context().autocommit_block():
    op.create_index("ix_a", "users", ["name"])
    op.create_index("ix_b", "users", ["name"], postgresql_concurrently=True)
    op.execute("SELECT count(*) FROM users")
"""
    index, concurrent, count = statements(project, write(project, body))
    assert index["breaks"] == "blocks-while-scanning"
    assert concurrent["breaks"] is None
    assert (count["locked_before"], count["breaks"]) == ([], None)


def test_what_is_suppressed(project: Rendering) -> None:
    accept = "# migrator: allow blocks-while-scanning because it has ten rows"
    index = 'op.get_bind().exec_driver_sql("CREATE INDEX ix_x ON teams (id)")'
    done = project.run(f"{TRACE} {write(project, f'{accept}{chr(10)}{index}')}")
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_lint_suppresses_under_its_own_name(project: Rendering) -> None:
    accept = "# migrator: allow require-concurrent-index-creation because it has ten rows"
    revision = write(project, f'{accept}\nop.create_index("ix_x", "teams", ["id"])')
    for command in (TRACE, LINT):
        done = project.run(f"{command} {revision}")
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_foreign_key_is_read_whatever_finds_the_rows(project: Rendering) -> None:
    body = """
op.create_table("codes", sa.Column("code", sa.String(5), primary_key=True))
op.add_column("users", sa.Column("code", sa.String(5), index=True))
op.create_foreign_key("fk_code", "users", "codes", ["code"], ["code"])
"""
    write(project, body, name="a")
    change = """
op.execute("ALTER TABLE users ADD boss bigint REFERENCES users")
op.alter_column("users", "code", type_=sa.String(6))
op.drop_constraint("fk_code", "users")
op.create_foreign_key("fk_code", "users", "codes", ["code"], ["code"])
"""
    write(project, change, name="b", down="case_a")
    new, wider, drop, add = statements(project, "case_b")
    assert [each["breaks"] for each in (new, wider, drop)] == [None, None, None]
    assert (add["scanned"], add["breaks"]) == (["users"], "blocks-while-scanning")


def test_names_that_are_lost(project: Rendering) -> None:
    body = """
with op.get_bind().begin_nested() as savepoint:
    op.execute("DROP TABLE invoices")
    savepoint.rollback()
op.execute("DO $$BEGIN ALTER TABLE users RENAME name TO title; DROP TABLE invoices; END$$")
op.execute("ALTER TABLE users ADD n int")
op.execute("ALTER TABLE users RENAME n TO m")
"""
    *_, block, add, rename = statements(project, write(project, body))
    assert sorted(block["lost"]) == ["drops invoices", "renames users.name to title"]
    assert sorted(block["breaks"].split(", ")) == ["ban-drop-table", "renaming-column"]
    assert (add["lost"], rename["lost"]) == ([], [])


def test_what_is_rolled_back_is_not_lost(project: Rendering) -> None:
    body = """
with op.get_bind().begin_nested() as savepoint:
    op.execute("DROP TABLE invoices")
    savepoint.rollback()
"""
    (drop,) = (
        each
        for each in statements(project, write(project, body))
        if each["statement"].startswith("DROP")
    )
    assert (drop["lost"], drop["breaks"]) == ([], None)


def test_a_contract_revision_drops(project: Rendering) -> None:
    revision = write(project, 'op.drop_column("users", "name")', more='phase = "contract"\n')
    (found,) = traced(project, revision)
    assert (found["phase"], found["transactional"]) == ("contract", True)
    (drop,) = found["statements"]
    assert (drop["lost"], drop["breaks"]) == (["drops users.name"], None)


def test_a_block_that_commits_runs_as_it_does_elsewhere(project: Rendering) -> None:
    body = """
with op.get_context().autocommit_block():
    op.execute("DO $$BEGIN UPDATE users SET name = 'x' WHERE id = 1; COMMIT; END$$")
    op.execute("DO $$BEGIN CREATE TEMP TABLE t (n int) ON COMMIT DROP; CREATE INDEX ON users (id);"
               "END$$")
"""
    block, index = statements(project, write(project, body))
    assert (block["error"], block["breaks"]) == (None, None)
    assert index["breaks"] == "blocks-while-scanning"


def test_lint_reads_what_the_trace_has_seen(project: Rendering) -> None:
    """A revision that needs a database cannot be rendered, but tried."""
    body = """
if "users" in sa.inspect(op.get_bind()).get_table_names():
    op.drop_column("users", "name")
"""
    revision = write(project, body)
    done = project.run(f"{LINT} --json {revision}")
    (finding,) = json.loads(done.stdout)["findings"]
    assert finding["rule"] == "ban-drop-column"
    assert finding["line"] == line_of(project, revision, "op.drop_column")
    assert "blocks reads and writes of users" in finding["evidence"]


def test_nothing_is_left_behind(project: Rendering) -> None:
    url = project.database_url()
    teams = "SELECT to_regclass('teams')"
    with psycopg.connect(url) as connection:
        before = [connection.execute(each).fetchall() for each in (DATABASES, teams)]
        write(project, 'op.drop_table("nowhere")')
        (found,) = traced(project, "head")
        assert 'table "nowhere" does not exist' in found["failure"]
        assert [connection.execute(each).fetchall() for each in (DATABASES, teams)] == before


def test_only_what_is_left_of_ours_is_removed(project: Rendering) -> None:
    url = project.database_url()
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    with psycopg.connect(url, autocommit=True) as connection:
        for ending in ("pad", "0123456789ab"):
            connection.execute(f'CREATE DATABASE "{name}_shadow_{ending}"')
        project.run(f"{TRACE} {FIRST}")
        found = [database for (database,) in connection.execute(DATABASES)]
        assert f"{name}_shadow_pad" in found
        assert f"{name}_shadow_0123456789ab" not in found
        connection.execute(f'DROP DATABASE "{name}_shadow_pad"')


def test_the_application_in_a_revision_reaches_no_other_database(project: Rendering) -> None:
    url = project.make("-s db-url").strip()
    body = """
from app.database import engine
with engine().connect() as other:
    name = other.scalar(sa.text("SELECT current_database()"))
op.execute(f"SELECT '{name}'")
"""
    revision = write(project, body)
    for name in ("DATABASE_URL", "MIGRATION_DATABASE_URL"):
        done = project.run(f"{TRACE} --json {revision}", env={name: url})
        # What the application's own connection runs is followed, too.
        *others, statement = json.loads(done.stdout)[0]["statements"]
        assert "SELECT current_database()" in [each["statement"] for each in others]
        assert "_shadow_" in statement["statement"]


def test_not_in_production(project: Rendering) -> None:
    url = project.make("-s db-url").strip()
    done = project.run(f"{TRACE} -c alembic_prod.ini base..head", env={"DATABASE_URL": url})
    assert done.returncode == 2
    assert "use alembic.ini" in done.stderr


def test_not_on_sqlite(renderer: Renderer) -> None:
    done = renderer.ready(database="sqlite").run(f"{TRACE} base..head")
    assert done.returncode == 2
    assert "A trace shows the locks of PostgreSQL" in done.stderr
