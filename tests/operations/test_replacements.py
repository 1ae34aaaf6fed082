"""Indexes and constraints that are replaced: at every moment the old or the new one is there."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.operations.operating import Project

PREPARED = """
ALTER TABLE invoices DROP CONSTRAINT fk_invoices_user_id_users;
ALTER TABLE users ADD CONSTRAINT "Old %" EXCLUDE USING btree (nick WITH =);
ALTER TABLE users ADD CONSTRAINT ck_users_age CHECK (age >= 0);
COMMENT ON CONSTRAINT ck_users_age ON users IS 'it''s 5%';
COMMENT ON INDEX ix_users_team_id IS 'why'
"""
UNDONE = """
ALTER TABLE invoices ADD CONSTRAINT fk_invoices_user_id_users
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE RESTRICT;
ALTER TABLE users DROP CONSTRAINT "Old %", DROP CONSTRAINT ck_users_age;
COMMENT ON INDEX ix_users_team_id IS NULL
"""
EVERYTHING = """
op.replace_index("ix_users_team_id", "users", "USING btree (team_id) INCLUDE (name)")
op.replace_index("ix_users_age", "users", "(age) WHERE name LIKE 'user 1%'")
op.replace_index("uq_teams_name", "teams", "USING btree (lower((name)::text))", unique=True)
op.replace_constraint("uq_users_email", "users",
    "UNIQUE (email) INCLUDE (name) DEFERRABLE INITIALLY DEFERRED")
op.replace_constraint("ck_users_age", "users", "CHECK ((age > '-1'::integer))")
op.replace_constraint("fk_users_team_id_teams", "users",
    "FOREIGN KEY (team_id) REFERENCES teams(id) ON DELETE CASCADE")
op.replace_constraint("key_of_users", "users", "PRIMARY KEY (id, email)")
op.replace_constraint("Old %", "users", "EXCLUDE USING btree (nick WITH =) WHERE ((age > 5))")
"""
LEFT = """
SELECT (SELECT count(*) FROM pg_class WHERE relname LIKE '%replacement')
     + (SELECT count(*) FROM pg_constraint WHERE conname LIKE '%replacement' OR NOT convalidated)
     + (SELECT count(*) FROM pg_index WHERE NOT indisvalid)
"""
# Of each constraint the old one or the new one works.
ALWAYS = """
SELECT (SELECT count(DISTINCT left(conname, 8)) FROM pg_constraint
        WHERE conname IN ('uq_users_email', 'ck_users_age', 'fk_users_team_id_teams', 'Old %')
          AND convalidated) = 4
   AND (SELECT count(*) FROM pg_constraint WHERE contype = 'p' AND conrelid = 'users'::regclass) = 1
   AND (SELECT count(*) FROM pg_index WHERE indisvalid AND (
        indexrelid = to_regclass('ix_users_team_id') OR indexrelid = to_regclass('uq_teams_name')))
       = 2
"""


OIDS = "SELECT relname, oid FROM pg_class WHERE relkind = 'i' AND relname !~ '^pg_'"
COMMENTS = """
SELECT obj_description('ix_users_team_id'::regclass, 'pg_class'),
       obj_description(oid, 'pg_constraint')
FROM pg_constraint WHERE conname = 'ck_users_age'
"""


@pytest.fixture(scope="module", autouse=True)
def _prepared(project: Project) -> Iterator[None]:
    """What is to be replaced, in the database that each test copies."""
    with psycopg.connect(project.server.rpartition("/")[0] + "/filled", autocommit=True) as own:
        own.execute(PREPARED)
    yield
    with psycopg.connect(project.server.rpartition("/")[0] + "/filled", autocommit=True) as own:
        own.execute(UNDONE)


def test_killed_before_each_statement_and_run_again(project: Project, url: str) -> None:
    """No kill leaves less than there was, and the next run makes the whole of it."""
    project.write(EVERYTHING)
    assert project.killed_everywhere(LEFT, ALWAYS) >= 25


def test_what_it_makes(project: Project, url: str) -> None:
    """Comments stay; run again it changes nothing; and its SQL does the same through psql."""
    project.write(EVERYTHING)
    project.alembic(url)
    wanted = project.dump(url)
    assert "CONSTRAINT key_of_users PRIMARY KEY (id, email)" in "\n".join(wanted)
    with psycopg.connect(url, autocommit=True) as connection:
        assert connection.execute(COMMENTS).fetchone() == ("why", "it's 5%")
        made = connection.execute(OIDS).fetchall()
        connection.execute("UPDATE alembic_version SET version_num = 'rows'")
        project.alembic(url)
        again = connection.execute(OIDS).fetchall()
        # Its definition is not written as the catalog has it.
        assert {name for name, _ in {*again} - {*made}} == {"ix_users_age"}
    assert project.dump(url) == wanted


def test_the_sql_does_the_same(project: Project, url: str) -> None:
    """Through psql, also once more. Only a session sees comments, and an old key's name."""
    project.write(EVERYTHING.replace("key_of_users", "pk_users"))
    without_comments(url)
    project.alembic(url)
    wanted = project.dump(url)
    with psycopg.connect(project.server, autocommit=True) as connection:
        connection.execute("DROP DATABASE copied WITH (FORCE)")
        connection.execute("CREATE DATABASE copied TEMPLATE filled")
    without_comments(url)
    for _ in range(2):
        project.psql(url)
        assert project.dump(url) == wanted
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE alembic_version SET version_num = 'rows'")


def without_comments(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("COMMENT ON CONSTRAINT ck_users_age ON users IS NULL")
        connection.execute("COMMENT ON INDEX ix_users_team_id IS NULL")


CONFLICTS = {
    "index": (
        'op.replace_index("ix_users_team_id", "users", "(age)", unique=True)',
        "ix_users_team_id was not replaced: rows of users are not unique in (age). The old one"
        " is still there: USING btree (team_id).",
    ),
    "unique": (
        'op.replace_constraint("uq_users_email", "users", "UNIQUE (age)")',
        "The old one is still there: UNIQUE (email).",
    ),
    "check": (
        'op.replace_constraint("ck_users_age", "users", "CHECK (age > 5)")',
        "ck_users_age was not replaced: rows of users violate CHECK (age > 5). The old one is still"
        " there: CHECK ((age >= 0)).",
    ),
    "foreign key": (
        'op.replace_constraint("fk_users_team_id_teams", "users",'
        ' "FOREIGN KEY (age) REFERENCES teams (id)")',
        "The old one is still there: FOREIGN KEY (team_id)",
    ),
    "exclusion": (
        'op.replace_constraint("Old %", "users", "EXCLUDE USING btree (boss WITH =)")',
        "The old one is still there: EXCLUDE USING btree (nick WITH =).",
    ),
    "primary key": (
        'op.replace_constraint("pk_users", "users", "PRIMARY KEY (age)")',
        "The old one is still there: PRIMARY KEY (id).",
    ),
    "nullable key": (
        'op.replace_constraint("pk_users", "users", "PRIMARY KEY (id, nick)")',
        "rows of users hold NULL there",
    ),
    "referenced": (
        'op.replace_constraint("pk_teams", "teams", "PRIMARY KEY (id, name)")',
        "pk_teams of teams cannot be replaced, because foreign keys refer to it:"
        " fk_users_team_id_teams of users",
    ),
    "partitioned": (
        'op.replace_constraint("uq_events", "events", "UNIQUE (day, id)")',
        "uq_events was not replaced: events is partitioned",
    ),
}


@pytest.mark.parametrize("case", CONFLICTS)
def test_what_cannot_be_done_leaves_the_old_one(project: Project, url: str, case: str) -> None:
    upgrade, said = CONFLICTS[case]
    project.write(upgrade)
    before = [line for line in project.dump(url) if "nick" not in line]
    assert said in project.alembic(url, code=1)
    with psycopg.connect(url) as connection:
        left = connection.execute("SELECT relname FROM pg_class WHERE relname ~ 'replacement'")
        assert case == "nullable key" or left.fetchall() == []
    after = [line for line in project.dump(url) if "nick" not in line]
    assert after == before


def test_a_deploy_says_what_is_there(project: Project, url: str) -> None:
    """Not that it was rolled back: a part of the revision was committed."""
    project.write(
        """op.replace_index("ix_users_age", "users", "USING btree (age)")
op.replace_index("ix_users_team_id", "users", "USING btree (age)", unique=True)"""
    )
    done = project.rendering.run(
        ".venv/bin/python -m migrator -c alembic_prod.ini deploy --no-backup --no-lint",
        env={"DATABASE_URL": url},
    )
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert "What the revision had committed before remains." in said
    assert "rolled back" not in said
    assert "The old one is still there: USING btree (team_id)." in said
    assert "ALTER INDEX ix_users_age_replacement RENAME TO ix_users_age" in said
