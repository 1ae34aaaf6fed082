"""What belongs to the server and not to the shadow database: roles, databases, extensions."""

import psycopg
import pytest

from tests.conftest import Rendering
from tests.lint.test_lint import FIRST, write
from tests.lint.test_trace import traced

ROLES = "SELECT rolname FROM pg_roles WHERE rolname LIKE 'case\\_%' ORDER BY 1"
EXTENSIONS = {
    "pgcrypto": "text DEFAULT crypt('x', gen_salt('bf'))",
    "uuid-ossp": "uuid DEFAULT uuid_generate_v4()",
    "postgis": "geometry(Point, 4326)",
}


@pytest.mark.parametrize(
    "body",
    [
        'op.execute("CREATE ROLE case_reader")',
        'op.execute("DO $$BEGIN CREATE USER case_reader; END$$")',
        'op.get_bind().connection.cursor().execute("CREATE GROUP case_reader")',
    ],
)
def test_a_role_is_removed_with_the_shadow_database(project: Rendering, body: str) -> None:
    write(project, body + '\nop.execute("GRANT SELECT ON users TO case_reader")', name="a")
    write(project, 'op.execute("SELECT 1")', name="b", down="case_a")
    # Also where it is made by a revision before the one that is traced.
    for revision in ("case_a", "case_a", "case_b"):
        (found,) = traced(project, revision)
        assert found["failure"] is None
        with psycopg.connect(project.database_url()) as connection:
            assert connection.execute(ROLES).fetchall() == []


def test_a_role_of_the_server_stays_as_it_is(project: Rendering) -> None:
    with psycopg.connect(project.database_url(), autocommit=True) as connection:
        connection.execute("CREATE ROLE case_owner")
        try:
            for statement in ("CREATE ROLE", "ALTER ROLE", "DROP ROLE"):
                rest = " LOGIN" if statement == "ALTER ROLE" else ""
                body = f'op.execute("{statement} case_owner{rest}")'
                (found,) = traced(project, write(project, body))
                assert found["failure"] is None
                (note,) = found["notes"]
                assert f"{statement} case_owner" in note
                assert "not this trace's to change" in note
            query = "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'case_owner'"
            assert connection.execute(query).fetchall() == [(False,)]
        finally:
            connection.execute("DROP ROLE case_owner")


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER ROLE CURRENT_USER SET work_mem = '5MB'",
        "ALTER USER ALL SET work_mem = '5MB'",
        "DO $$BEGIN ALTER ROLE CURRENT_USER SET work_mem = '5MB'; END$$",
        "DO $$BEGIN EXECUTE 'ALTER ROLE ' || quote_ident(current_user) || ' SET work_mem = 5000';"
        " END$$",
        "DO $$BEGIN EXECUTE format('ALTER ROLE %I SET work_mem = 5000', current_user); END$$",
        "DO $$BEGIN ALTER ROLE postgres VALID UNTIL '2000-01-01'; END$$",
    ],
)
def test_settings_of_a_role_of_the_server_stay(project: Rendering, statement: str) -> None:
    (found,) = traced(project, write(project, f'op.execute("{statement}")'))
    assert found["failure"] is None
    assert "not this trace's to change" in found["notes"][0]
    with psycopg.connect(project.database_url()) as connection:
        settings = "SELECT * FROM pg_db_role_setting WHERE setdatabase = 0"
        until = "SELECT rolname FROM pg_roles WHERE rolvaliduntil IS NOT NULL"
        assert connection.execute(settings).fetchall() == []
        assert connection.execute(until).fetchall() == []


def test_a_role_that_the_revision_makes_may_be_changed(project: Rendering) -> None:
    block = "DO $$BEGIN CREATE ROLE case_new; ALTER ROLE case_new SET work_mem = '5MB'; END$$"
    (found,) = traced(project, write(project, f'op.execute("{block}")'))
    assert (found["failure"], found["notes"]) == (None, [])


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'case'",
        "DO $$BEGIN PERFORM pg_cancel_backend(pid), pg_terminate_backend(pid)"
        " FROM pg_stat_activity WHERE application_name = 'case'; END$$",
    ],
)
def test_sessions_of_others_go_on(project: Rendering, statement: str) -> None:
    with psycopg.connect(project.database_url(), application_name="case") as connection:
        (found,) = traced(project, write(project, f'op.execute("{statement}")'))
        assert found["failure"] is None
        assert "pg_terminate_backend" in found["notes"][0]
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_what_a_killed_trace_has_left_is_removed_by_the_next(project: Rendering) -> None:
    with psycopg.connect(project.database_url(), autocommit=True) as connection:
        for name, of in (("case_left", "gone_shadow_0123456789ab"), ("case_other", "")):
            connection.execute(f"CREATE ROLE {name}")
            mark = f"Made by a trial of migrator in {of}" if of else "Somebody's"
            connection.execute(f"COMMENT ON ROLE {name} IS '{mark}'".replace("y's", "y''s"))
        traced(project, write(project, 'op.execute("SELECT 1")'))
        left = connection.execute(ROLES).fetchall()
        connection.execute("DROP ROLE case_other")
        assert left == [("case_other",)]


@pytest.mark.parametrize("name", EXTENSIONS)
def test_a_missing_extension_costs_no_more_than_what_needs_it(
    project: Rendering, name: str
) -> None:
    body = f"""
op.execute('CREATE EXTENSION IF NOT EXISTS "{name}"')
op.execute("CREATE TABLE places (id int, it {EXTENSIONS[name]})")
op.execute("CREATE INDEX ix_name ON users (name)")
"""
    write(project, body, name="a")
    write(project, 'op.execute("CREATE INDEX ix_a ON teams (name)")', name="b", down="case_a")
    first, second = traced(project, f"{FIRST}..case_b")
    assert (first["failure"], second["failure"]) == (None, None)
    assert f"The shadow server has no extension {name}" in first["notes"][0]
    assert second["notes"] == []
    for each in (first, second):
        assert [s["breaks"] for s in each["statements"] if s["breaks"]] == ["blocks-while-scanning"]
