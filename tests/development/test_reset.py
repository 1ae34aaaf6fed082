"""Starting over with a development database, and the example data in it."""

from __future__ import annotations

import psycopg
import pytest

from tests.conftest import Render, Rendering

CLUTTER = """
CREATE EXTENSION citext;
CREATE SCHEMA "odd one";
CREATE TYPE "odd one".mood AS ENUM ('a');
CREATE TABLE "odd one"."table" (x "odd one".mood, y citext);
CREATE VIEW v AS SELECT 1 AS one;
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE PUBLICATION p FOR ALL TABLES;
CREATE SEQUENCE s;
"""
OBJECTS = """
SELECT (SELECT count(*) FROM pg_class WHERE relnamespace::regnamespace::text NOT LIKE 'pg\\_%'
        AND relnamespace::regnamespace::text <> 'information_schema' AND relkind <> 'i'),
       (SELECT count(*) FROM pg_publication), (SELECT count(*) FROM pg_extension),
       (SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace),
       (SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'public'),
       has_schema_privilege('public', 'public', 'USAGE')
"""


@pytest.fixture(scope="module")
def url(project: Rendering) -> str:
    return project.database_url()


def test_everything_goes_and_the_revisions_and_examples_come(project: Rendering, url: str) -> None:
    project.make("reset yes=1")
    with psycopg.connect(url, autocommit=True) as connection:
        before = connection.execute(OBJECTS).fetchone()
        connection.execute(CLUTTER)
        assert connection.execute(OBJECTS).fetchone() != before
        project.make("reset yes=1")
        assert connection.execute(OBJECTS).fetchone() == before
        assert connection.execute("SELECT count(*) FROM invoices").fetchone() == (2,)
    assert "already" in project.make("seed")


def test_nobody_said_yes(project: Rendering, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept ()")
        done = project.run("make -s reset")
        assert done.returncode == 2, done.stdout
        assert "was not confirmed" in done.stderr
        direct = project.run(".venv/bin/python -m migrator reset")
        assert direct.returncode == 5
        assert connection.execute("SELECT to_regclass('kept')::text").fetchone() == ("kept",)


@pytest.mark.parametrize("command", ["reset --yes", "seed"])
def test_not_in_production_nor_elsewhere(project: Rendering, url: str, command: str) -> None:
    run = ".venv/bin/python -m migrator"
    done = project.run(f"{run} -c alembic_prod.ini {command}", env={"DATABASE_URL": url})
    assert done.returncode == 5, done.stderr
    assert "alembic_prod.ini is for deploys" in done.stderr
    # libpq goes to hostaddr, whatever the host is called.
    away = url.replace("@127.0.0.1:", "@db.example.org:") + "?hostaddr=127.0.0.1"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept ()")
    refused = project.run(f"{run} {command}", env={"DATABASE_URL": away})
    assert refused.returncode == 5, refused.stderr
    assert "on db.example.org:" in refused.stderr
    assert "is neither on this machine nor on a host in development_hosts" in refused.stderr
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT to_regclass('kept')::text").fetchone() == ("kept",)
    named = project.run(f"{run} {command} --host db.example.org", env={"DATABASE_URL": away})
    assert named.returncode == 0, named.stderr


def test_no_downgrade_elsewhere_unless_the_host_is_named(project: Rendering, url: str) -> None:
    """DATABASE_URL wins over the ini file of development, and may be production's."""
    project.make("reset yes=1")
    run = ".venv/bin/python -m alembic"
    away = url.replace("@127.0.0.1:", "@db.example.org:") + "?hostaddr=127.0.0.1"
    env = {"DATABASE_URL": away}
    refused = project.run(f"{run} downgrade base", env=env)
    assert refused.returncode == 5, refused.stdout + refused.stderr
    assert "is neither on this machine nor on a host in development_hosts" in refused.stdout
    assert "host=db.example.org (with alembic: -x host=db.example.org" in refused.stdout
    assert project.run("make downgrade", env=env).returncode == 2
    other = project.run(f"{run} -x host=db.example.com downgrade base", env=env)
    assert other.returncode == 5
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM teams").fetchone() == (1,)
    assert "DROP TABLE teams" in project.run(f"{run} downgrade head:base --sql", env=env).stdout
    # By its name; with the ini file for deploys, if it is asked for; and from a program.
    program = """
from alembic import command
from alembic.config import Config
config = Config("alembic.ini")
command.downgrade(config, "base")
"""
    for allowed in (
        f"{run} -x host=db.example.org downgrade base",
        "make downgrade to=base host=db.example.org",
        f"{run} -c alembic_prod.ini -x by-hand=yes downgrade base",
        f".venv/bin/python -c '{program}'",
    ):
        project.make("migrate")
        done = project.run(allowed, env=env)
        assert done.returncode == 0, done.stdout + done.stderr
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT to_regclass('teams')").fetchone() == (None,)
    project.make("reset yes=1")


def test_a_table_in_use(project: Rendering, url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("LOCK TABLE teams IN ACCESS SHARE MODE")
        done = project.run(".venv/bin/python -m migrator reset --yes")
        assert done.returncode == 4, done.stderr
        assert "Another session uses the database" in done.stderr
        assert connection.execute("SELECT count(*) FROM teams").fetchone() == (1,)


def test_seeds_need_the_newest_revision_and_fail_whole(project: Rendering) -> None:
    project.make("reset yes=1")
    project.make("downgrade to=base")
    assert project.run(".venv/bin/python -m migrator seed").returncode == 3
    project.make("migrate")
    seeds = project.path / "app/seeds.py"
    good = seeds.read_text("utf-8")
    seeds.write_text(good.replace('"9.90"', '"-1"'), "utf-8")
    done = project.run("make seed")
    seeds.write_text(good, "utf-8")
    assert "ck_invoices_amount_not_negative" in done.stderr
    assert "was not added" in done.stderr
    assert "Rows added or changed: 5" in project.make("seed")


def test_on_sqlite(ready: Render) -> None:
    project = ready(database="sqlite")
    assert "Added 5 rows" in project.make("reset yes=1")
    project.make("empty-revision m=x")
    assert "Added 5 rows" in project.make("reset yes=1")
    assert "already" in project.make("seed")
