"""What a backfill does to rows that others have written, and what its SQL does when it fails."""

from __future__ import annotations

import subprocess

import psycopg
import pytest

from tests.operations.operating import Project


@pytest.mark.parametrize("written", [False, True], ids=["online", "as SQL"])
def test_what_a_row_has_already_stays(project: Project, url: str, written: bool) -> None:
    project.write('op.backfill("users", {"nick": "filled", "boss": 7}, key="id", batch=100)')
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE users SET nick = 'own', boss = NULL WHERE id % 2 = 0")
        if written:
            project.psql(url)
        else:
            project.alembic(url)
        found = "SELECT nick, boss, count(*) FROM users GROUP BY 1, 2 ORDER BY 1"
        assert connection.execute(found).fetchall() == [("filled", 1, 1250), ("own", 7, 1250)]


def test_the_sql_sees_rows_that_come_behind_it(project: Project, url: str) -> None:
    project.write('op.backfill("users", {"nick": "x"}, key="id", batch=100)')
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION more() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " IF NEW.id = 2000 THEN INSERT INTO users (id, email, name)"
            " SELECT -n, n || '@late', 'late' FROM generate_series(1, 250) n; END IF;"
            " RETURN NEW; END $$"
        )
        connection.execute(
            "CREATE TRIGGER more AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION more()"
        )
        project.psql(url)
        left = "SELECT count(*), count(nick) FROM users"
        assert connection.execute(left).fetchone() == (2750, 2750)


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        (
            'op.backfill("users", {"nick": sa.text("(1 / (id - 1500))::text")}, key="id")',
            "the backfill of users did not come to its end",
        ),
        ('op.backfill("users", {"nick": sa.text("1 / 0")})', "did not come to its end"),
        ('op.backfill("users", {"nick": None})', "does not say what they get in nick"),
        (
            'op.create_index_concurrently("ix_x", "users", ["boss"], unique=True)',
            "ix_x was not built",
        ),
        ('op.add_check_validated("ck_x", "users", "age < 5")', "ck_x was not validated"),
        ('op.set_not_null("users", "nick")', "users.nick is still nullable"),
    ],
    ids=["batches", "at once", "undecided", "index", "check", "not null"],
)
def test_sql_that_failed_does_not_mark_the_revision(
    project: Project, url: str, operation: str, said: str
) -> None:
    """psql goes on after an error unless it is told not to; so do most programs."""
    project.write(operation)
    goal = ".venv/bin/alembic upgrade rows:head --sql"
    sql = project.rendering.run(goal, env={"DATABASE_URL": url}).stdout
    done = subprocess.run(
        [project.programs / "psql", "-q", url], input=sql, capture_output=True, encoding="utf-8"
    )
    assert said in done.stderr
    with psycopg.connect(url) as connection:
        at = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    assert at == [("rows",)]
