"""Indexes and unique constraints of partitioned tables, part by part beside their writers."""

from __future__ import annotations

import threading

import psycopg
import pytest

from tests.operations.operating import Project

ALL = """
op.create_index_concurrently("ix_events_what", "events", ["what", sa.text("lower(what)")],
    postgresql_where=sa.text("what LIKE 'event 1%'"))
op.add_unique_concurrently("uq_events_id", "events", ["id", "day"])
op.add_foreign_key_validated("fk_events_team_teams", "events", "teams", ["team"], ["id"],
    ondelete="CASCADE")
op.add_check_validated(op.f("ck_events_day"), "events", "day > 0")
op.set_not_null("events", "what")
"""
BACK = """
op.drop_constraint_if_exists("ck_events_day", "events")
op.drop_constraint_if_exists("fk_events_team_teams", "events")
op.drop_constraint_if_exists("uq_events_id", "events")
op.drop_index_concurrently("ix_events_what", "events")
op.alter_column("events", "what", nullable=True)
"""
# One of the whole, one of each part and of the part's parts: none is there twice.
FOREIGN = """
SELECT conrelid::regclass::text, convalidated FROM pg_constraint
WHERE contype = 'f' AND confrelid = 'teams'::regclass AND conrelid <> 'users'::regclass ORDER BY 1
"""
INVALID = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
OF_PARTS = """
SELECT count(*) FROM pg_index i JOIN pg_inherits t ON t.inhrelid = i.indexrelid
WHERE t.inhparent IN (
    'ix_events_what'::regclass, 'uq_events_id'::regclass,
    'events_2_ix_events_what'::regclass, 'events_2_uq_events_id'::regclass)
"""


def test_killed_before_each_statement_and_run_again(project: Project, url: str) -> None:
    project.write(ALL)
    assert project.killed_everywhere("SELECT count(*) FROM pg_index WHERE NOT indisvalid") >= 20


def test_up_down_and_up_again(project: Project, url: str) -> None:
    before = project.dump(url)
    project.write(ALL, BACK)
    project.alembic(url)
    with psycopg.connect(url, autocommit=True) as connection:
        assert connection.execute(INVALID).fetchall() == []
        # Two parts, one of which has two parts of its own, twice.
        assert connection.execute(OF_PARTS).fetchone() == (8,)
        assert connection.execute(FOREIGN).fetchall() == [
            (name, True)
            for name in ('"Old Ones"."Some %"', "events", "events_1", "events_2", "events_2_rest")
        ]
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO events VALUES (20, 1, 'again')")
        connection.execute("CREATE TABLE events_3 PARTITION OF events FOR VALUES FROM (21) TO (31)")
        connection.execute("INSERT INTO events VALUES (1, 21, 'new')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO events VALUES (1, 21, 'again')")
        connection.execute("DROP TABLE events_3")
    project.alembic(url, "downgrade rows")
    assert project.dump(url) == before
    project.alembic(url)


def test_writers_are_not_kept_waiting(project: Project, url: str) -> None:
    """While one part is being built, which an old transaction draws out, all are written to."""
    project.write(ALL)
    with psycopg.connect(url) as old, psycopg.connect(url, autocommit=True) as writer:
        old.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        old.execute("SELECT FROM teams")
        upgrade = project.start(url)
        building = (
            "SELECT 1 FROM pg_stat_progress_create_index WHERE phase = 'waiting for old snapshots'"
        )
        while not writer.execute(building).fetchone():
            assert upgrade.poll() is None, upgrade.communicate()[0]
        writer.execute("SET lock_timeout = '2s'")
        writer.execute("INSERT INTO events SELECT 3000 + n, n, 'x' FROM generate_series(1, 20) n")
        assert writer.execute(building).fetchone()
        finished = threading.Timer(0.5, old.commit)
        finished.start()
        output = upgrade.communicate(timeout=60)[0]
        finished.join()
        assert upgrade.returncode == 0, output
        assert writer.execute(INVALID).fetchall() == []


def test_rows_that_are_not_unique(project: Project, url: str) -> None:
    """What was done stays INVALID and blocks nothing; fixed and run again, it is whole."""
    project.write(ALL)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO events VALUES (1, 12, 'x'), (1, 12, 'y')")
        said = project.alembic(url, code=1)
        assert 'rows of "Old Ones"."Some %" are not unique in id, day' in said
        connection.execute("DELETE FROM events WHERE what = 'y'")
        project.alembic(url)
        assert connection.execute(INVALID).fetchall() == []


def test_another_index_of_the_name(project: Project, url: str) -> None:
    project.write(ALL)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE INDEX ix_events_what ON events (day)")
    assert "There is another index ix_events_what on events already" in project.alembic(url, code=1)


def test_autogenerate_sees_the_table_and_not_its_parts(project: Project, url: str) -> None:
    model = project.rendering.path / "app/models/event.py"
    text = """import sqlalchemy as sa

from app.models.base import Base

events = sa.Table(
    "events",
    Base.metadata,
    sa.Column("id", sa.BigInteger(), nullable=False),
    sa.Column("day", sa.Integer(), nullable=False),
    sa.Column("what", sa.Text(), index=True),
    sa.Column("team", sa.ForeignKey("teams.id")),
    sa.UniqueConstraint("id", "day"),
    postgresql_partition_by="RANGE (day)",
)
for name in ("nick", "age", "boss"):
    kind = {"nick": sa.Text(), "age": sa.Integer(), "boss": sa.BigInteger()}[name]
    Base.metadata.tables["users"].append_column(sa.Column(name, kind))
"""
    try:
        user = project.rendering.path / "app/models/user.py"
        model.write_text(
            text.replace(
                "import Base\n", "import Base\nfrom app.models.user import User  # noqa: F401\n"
            ),
            "utf-8",
        )
        assert user.exists()
        project.alembic(url, "revision --autogenerate -m step --rev-id step")
        written = sorted(project.versions.glob("*step*.py"))
        found = "".join(path.read_text("utf-8") for path in written)
        assert "op.create_index_concurrently(" in found
        assert "op.add_unique_concurrently(" in found
        assert "drop_table" not in found
        project.alembic(url)
        assert "No new upgrade" in project.alembic(url, "check")
    finally:
        model.unlink()
        for path in project.versions.glob("*step*.py"):
            path.unlink()
