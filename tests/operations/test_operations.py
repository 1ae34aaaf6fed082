"""The lock-safe operations on a real PostgreSQL: killed anywhere and run again, beside others."""

from __future__ import annotations

import signal
import threading
import time

import psycopg
import pytest

from tests.conftest import Process, Render
from tests.operations.operating import REVISION, Project, indent

EVERYTHING = """
op.backfill("users", {"nick": sa.text("lower(name) || '%'")}, key="id", pause=0.01)
op.create_index_concurrently("ix_users_lower", "users", ["age", sa.text("lower(name)")],
    postgresql_where=sa.text("name LIKE 'user 1%'"), plain=PLAIN)
op.drop_index_concurrently("ix_users_team_id", "users", plain=PLAIN)
op.add_unique_concurrently("uq_users_nick", "users", ["nick", "email"], deferrable=True,
    plain=PLAIN)
op.add_foreign_key_validated("fk_users_boss", "users", "users", ["boss"], ["id"],
    ondelete="CASCADE", plain=PLAIN)
op.add_check_validated(op.f("ck_users_age"), "users", "age < 200 AND name LIKE '%'", plain=PLAIN)
op.set_not_null("users", "nick", plain=PLAIN)
"""


def test_killed_before_each_statement_and_run_again(project: Project, url: str) -> None:
    """Whatever was done when the process died, the next run makes the whole of it."""
    project.write(EVERYTHING.replace("PLAIN", "False"))
    assert project.killed_everywhere("SELECT count(*) FROM users WHERE nick IS NULL") >= 15


def test_what_it_makes_is_what_the_plain_operations_make(project: Project, url: str) -> None:
    project.write(EVERYTHING.replace("PLAIN", "False"))
    project.alembic(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE plain TEMPLATE filled")
    try:
        plain = url.replace("/copied", "/plain")
        project.write(EVERYTHING.replace("PLAIN", "True"))
        project.alembic(plain)
        assert project.dump(plain) == project.dump(url)
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DROP DATABASE plain WITH (FORCE)")


def test_the_sql_does_the_same(project: Project, url: str) -> None:
    """Through psql; and once more from an index that was left INVALID."""
    project.write(EVERYTHING.replace("PLAIN", "False"))
    project.alembic(url)
    wanted = project.dump(url)
    with psycopg.connect(project.server, autocommit=True) as connection:
        connection.execute("DROP DATABASE copied WITH (FORCE)")
        connection.execute("CREATE DATABASE copied TEMPLATE filled")
    left = "CREATE UNIQUE INDEX CONCURRENTLY ix_users_lower ON users (boss)"
    with (
        psycopg.connect(url, autocommit=True) as connection,
        pytest.raises(psycopg.errors.UniqueViolation),
    ):
        connection.execute(left)
    for _ in range(2):
        project.psql(url)
        assert project.dump(url) == wanted
        with psycopg.connect(url) as connection:
            counted = connection.execute("SELECT count(*) FROM users WHERE nick IS NULL")
            assert counted.fetchone() == (0,)
            connection.execute("UPDATE alembic_version SET version_num = 'rows'")


def wait_for(connection: psycopg.Connection, query: str, process: Process) -> None:
    deadline = time.monotonic() + 60
    while not connection.execute(query).fetchone():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.02)


INVALID = "SELECT 1 FROM pg_index WHERE NOT indisvalid"


@pytest.mark.parametrize("orphan", ["ends", "goes on"])
def test_killed_while_it_builds(project: Project, url: str, orphan: str) -> None:
    """The server goes on building for a process that is gone, or what it built stays INVALID."""
    project.write('op.create_index_concurrently("ix_users_age", "users", ["age"])')
    with psycopg.connect(url, autocommit=True) as other, psycopg.connect(url) as writer:
        writer.execute("UPDATE users SET age = 1 WHERE id = 1")  # the build waits for its end
        # Without it the server would notice within a second that nobody is there any more.
        process = project.start(url, MIGRATOR_CLIENT_CONNECTION_CHECK_INTERVAL="0")
        wait_for(other, INVALID, process)
        process.kill()
        process.wait()
        if orphan == "ends":
            other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_progress_create_index")
        again = project.start(url)
        doing = "DROP INDEX%" if orphan == "ends" else "%pg_stat_progress_create_index%"
        query = f"SELECT 1 FROM pg_stat_activity WHERE query LIKE '{doing}'"
        wait_for(other, f"{query} AND pid <> pg_backend_pid()", again)
        writer.rollback()
        output = again.communicate(timeout=60)[0]
        assert again.returncode == 0, output
        assert ("waiting for it to end" in output) == (orphan == "goes on")
        assert other.execute(INVALID).fetchone() is None
        assert other.execute("SELECT to_regclass('ix_users_age')").fetchone() != (None,)


CONFLICTS = {
    "unique": (
        'op.add_unique_concurrently("uq_users_age", "users", ["age"])',
        "rows of users are not unique in",
    ),
    "index": (
        'op.create_index_concurrently("ix_users_age", "users", ["age"], unique=True)',
        "rows of users are not unique in",
    ),
    "foreign key": (
        'op.add_foreign_key_validated("fk_users_age", "users", "teams", ["age"], ["id"])',
        "fk_users_age was not added: rows of users violate it",
    ),
    "check": (
        'op.add_check_validated(op.f("ck_age"), "users", "age > 5")',
        "ck_age was not added: rows of users violate it",
    ),
    "not null": ('op.set_not_null("users", "nick")', "users.nick stays nullable"),
    "undecided": ('op.backfill("users", {"nick": None})', "does not say what they get in nick"),
    "other index": (
        'op.create_index_concurrently("uq_users_email", "users", ["name"], unique=True)',
        "There is another index uq_users_email",
    ),
    "no key": ('op.backfill("keyless", {"a": 1})', "has no primary key"),
    "half a revision": (
        'op.execute("UPDATE users SET age = 1")\nop.set_not_null("users", "age")',
        "would commit what this revision has changed before it",
    ),
}


@pytest.mark.parametrize("case", CONFLICTS)
def test_what_cannot_be_done_changes_nothing(project: Project, url: str, case: str) -> None:
    upgrade, said = CONFLICTS[case]
    project.write(upgrade)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE keyless (a int)")
    before = project.dump(url)
    assert said in project.alembic(url, code=2 if case == "no key" else 1)
    assert project.dump(url) == before
    with psycopg.connect(url) as connection:
        version = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        assert version == ("rows",)


def test_a_build_of_another_session_has_a_deadline(project: Project, url: str) -> None:
    """In development too, where locks have none; that of a CONCURRENTLY of its own as well."""
    project.write('op.create_index_concurrently("ix_users_age", "users", ["age"])')
    build = "CREATE INDEX CONCURRENTLY ix_users_age ON users (age)"
    with psycopg.connect(url, autocommit=True) as other, psycopg.connect(url) as writer:
        writer.execute("UPDATE users SET age = 1 WHERE id = 1")
        output = project.alembic(url, code=4, MIGRATOR_LOCK_DEADLINE="1")
        assert "Another session holds a lock that this needs" in output
        writer.rollback()
        other.execute("DROP INDEX IF EXISTS ix_users_age")
        writer.execute("UPDATE users SET age = 1 WHERE id = 1")
        with psycopg.connect(url, autocommit=True) as builder:
            pid = builder.info.backend_pid
            work = threading.Thread(target=builder.execute, args=[build])
            work.start()
            while not other.execute(INVALID).fetchone():
                time.sleep(0.02)
            output = project.alembic(url, code=4, MIGRATOR_LOCK_DEADLINE="1")
            assert f"ix_users_age is still being built by process {pid} (no appl" in output
            writer.rollback()
            work.join()
        project.alembic(url)
        assert other.execute(INVALID).fetchone() is None


def test_a_constraint_is_validated(project: Project, url: str) -> None:
    """Beside a writer, and not for ever behind somebody else; it stays NOT VALID if it has to."""
    project.write('op.validate_constraint("ck_users_age", "users")')
    with psycopg.connect(url, autocommit=True) as other, psycopg.connect(url) as writer:
        other.execute("ALTER TABLE users ADD CONSTRAINT ck_users_age CHECK (age > 5) NOT VALID")
        before = project.dump(url)
        output = project.alembic(url, code=1)
        assert "ck_users_age stays NOT VALID: rows of users violate it. Fix those rows" in output
        assert project.dump(url) == before
        other.execute("UPDATE users SET age = 6 WHERE age <= 5")
        writer.execute("LOCK TABLE users IN SHARE UPDATE EXCLUSIVE MODE")
        project.alembic(url, code=4, MIGRATOR_LOCK_DEADLINE="1")
        writer.rollback()
        writer.execute("UPDATE users SET age = 7 WHERE id = 1")
        project.alembic(url)
        writer.commit()
        after = project.dump(url)
        assert "NOT VALID" in "\n".join(before)
        assert "NOT VALID" not in "\n".join(after)
        for _ in range(2):  # that it is done already changes nothing
            other.execute("UPDATE alembic_version SET version_num = 'rows'")
            project.psql(url)
        assert project.dump(url) == after


def test_limits_of_the_session_are_for_locks_not_for_reading(project: Project, url: str) -> None:
    """A short statement_timeout does not end what takes long; a short lock_timeout still counts,
    and what it interrupted is done by the next run."""
    project.write(
        """
op.execute("SELECT set_config('statement_timeout', '300ms', false)")
op.add_check_validated(op.f("ck_slow"), "users", "slow(age)")
op.create_index_concurrently("ix_slow", "users", [sa.text("slow(age)")])
op.set_not_null("users", "age")
"""
    )
    with psycopg.connect(url, autocommit=True) as other, psycopg.connect(url) as reader:
        other.execute(
            "CREATE FUNCTION slow(n int) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS"
            " 'BEGIN PERFORM pg_sleep(0.0003); RETURN true; END'"
        )
        reader.execute("SELECT 1 FROM users LIMIT 1")  # keeps ACCESS EXCLUSIVE out
        output = project.alembic(url, code=4, MIGRATOR_LOCK_TIMEOUT="0.1")
        assert "lock timeout" in output
        assert other.execute("SELECT to_regclass('ix_slow')").fetchone() == (None,)
        reader.rollback()
        project.alembic(url, MIGRATOR_LOCK_TIMEOUT="0.1")
        valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix_slow'::regclass"
        assert other.execute(valid).fetchone() == (True,)


def test_a_backfill_beside_writers(project: Project, url: str) -> None:
    """It waits for a row that somebody holds, keeps what others wrote, and sees new rows."""
    project.write(
        "op.execute(\"SELECT set_config('lock_timeout', '100ms', false)\")\n"
        'op.backfill("users", {"nick": "filled"}, batch=100, pause=0.02)'
    )
    with psycopg.connect(url, autocommit=True) as other, psycopg.connect(url) as writer:
        writer.execute("UPDATE users SET nick = 'own' WHERE id = 1500")
        process = project.start(url)
        wait_for(other, "SELECT 1 FROM users WHERE id = 1400 AND nick = 'filled'", process)
        other.execute("INSERT INTO users (id, email, name) VALUES (-1, 'late', 'late')")
        wait_for(other, "SELECT 1 FROM pg_locks WHERE NOT granted", process)
        assert other.execute("SELECT nick FROM users WHERE id = 1501").fetchone() == (None,)
        writer.commit()
        output = process.communicate(timeout=60)[0]
        assert process.returncode == 0, output
        found = "SELECT nick, count(*) FROM users GROUP BY 1 ORDER BY 1"
        assert other.execute(found).fetchall() == [("filled", 2500), ("own", 1)]


def test_a_backfill_goes_on_where_it_was_killed(project: Project, url: str) -> None:
    project.write('op.backfill("users", {"nick": "x"}, batch=50, pause=0.05)')
    with psycopg.connect(url, autocommit=True) as other:
        process = project.start(url)
        wait_for(other, "SELECT 1 FROM users WHERE id = 500 AND nick = 'x'", process)
        process.send_signal(signal.SIGKILL)
        process.wait()
        done = other.execute("SELECT count(*) FROM users WHERE nick = 'x'").fetchone()
        assert done is not None
        assert 500 <= done[0] < 2500
        other.execute(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN RAISE EXCEPTION ''twice''; END'"
        )
        other.execute(
            "CREATE TRIGGER twice BEFORE UPDATE ON users FOR EACH ROW"
            " WHEN (old.nick IS NOT NULL) EXECUTE FUNCTION fail()"
        )
        project.alembic(url)
        assert other.execute("SELECT count(*) FROM users WHERE nick = 'x'").fetchone() == (2500,)


def test_a_backfill_by_several_columns_in_another_schema(project: Project, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute('CREATE SCHEMA "My Schema"')
        connection.execute(
            'CREATE TABLE "My Schema"."Order" (day date, "No" text, "Sum" numeric,'
            ' PRIMARY KEY (day, "No"))'
        )
        connection.execute(
            "INSERT INTO \"My Schema\".\"Order\" SELECT date '2026-01-01' + n % 7, 'a''%' || n"
            " FROM generate_series(1, 500) n"
        )
        call = (
            'op.backfill("Order", {"Sum": sa.text("length(\\"No\\")")}, schema="My Schema",'
            " batch=7, pause=0"
        )
        project.write(f"{call})")
        project.alembic(url)
        left = 'SELECT count(*) FROM "My Schema"."Order" WHERE "Sum" IS DISTINCT FROM length("No")'
        assert connection.execute(left).fetchone() == (0,)
        connection.execute('UPDATE "My Schema"."Order" SET "Sum" = NULL')
        connection.execute("UPDATE alembic_version SET version_num = 'rows'")
        project.write(f'{call}, key=["day", "No"])')
        project.psql(url)
        assert connection.execute(left).fetchone() == (0,)


def test_on_sqlite_they_are_the_plain_operations(ready: Render) -> None:
    project = ready(database="sqlite")
    text = REVISION.format(
        name="step",
        before="5f2c81d0a7e4",
        upgrade=indent(
            """
op.add_column("users", sa.Column("nick", sa.Text()))
op.execute("INSERT INTO users (id, email, name) VALUES (1, 'a', 'b')")
op.create_index_concurrently("ix_users_nick", "users", ["nick"])
op.drop_index_concurrently("ix_users_team_id", "users")
op.add_unique_concurrently("uq_users_nick", "users", ["nick", "email"])
op.add_foreign_key_validated("fk_users_boss", "users", "users", ["team_id"], ["id"])
op.add_check_validated(op.f("ck_users_nick"), "users", "nick <> ''")
op.backfill("users", {"nick": sa.text("lower(name)")})
op.set_not_null("users", "nick")
"""
        ),
        downgrade="    pass",
    )
    (project.path / "migrations/versions/step.py").write_text(text, "utf-8")
    project.make("migrate")
    code = (
        "import sqlite3; c = sqlite3.connect('my_service.db')\n"
        "print(*[r[0] for r in c.execute('SELECT sql FROM sqlite_master') if r[0]])\n"
        "print(c.execute('SELECT nick FROM users').fetchall())\n"
    )
    (project.path / "look.py").write_text(code, "utf-8")
    found = project.run(".venv/bin/python look.py").stdout
    for part in ("ix_users_nick", "uq_users_nick", "fk_users_boss", "ck_users_nick", "[('b',)]"):
        assert part in found, found
    assert "ix_users_team_id" not in found
    assert "nick TEXT NOT NULL" in found
