"""Adopting a database that was not made by this project."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
import pytest

from tests.conftest import Render, Renderer, Rendering
from tests.history.test_squash import dump

# What a team may have after some years of making it by hand.
DATABASE = r"""
CREATE EXTENSION citext;
CREATE SCHEMA "sales data";
CREATE TYPE status AS ENUM ('new', 'in progress', '完成');
CREATE DOMAIN email AS text CHECK (VALUE ~ '@');
CREATE TABLE customers (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "Full Name" varchar(100) NOT NULL,
    mail email,
    nick citext,
    state status NOT NULL DEFAULT 'new',
    born date CHECK (born > '1900-01-01'),
    tags text[] NOT NULL DEFAULT '{}',
    extra jsonb,
    low text GENERATED ALWAYS AS (lower("Full Name")) STORED
);
COMMENT ON TABLE customers IS '客户 "quoted"';
COMMENT ON COLUMN customers.nick IS 'it''s 100% theirs';
CREATE UNIQUE INDEX customers_mail ON customers (lower("Full Name")) WHERE state <> 'new';
CREATE TABLE "sales data"."order" (
    customer_id integer NOT NULL REFERENCES customers ON DELETE CASCADE,
    "number" smallint NOT NULL,
    "select" money,
    total numeric(12, 2) NOT NULL CONSTRAINT positive CHECK (total > 0),
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (customer_id, "number")
);
CREATE TABLE "sales data".lines (
    id bigserial PRIMARY KEY,
    customer_id integer, "number" smallint,
    what text COLLATE "C",
    CONSTRAINT lines_order FOREIGN KEY (customer_id, "number")
        REFERENCES "sales data"."order" DEFERRABLE INITIALLY DEFERRED,
    UNIQUE NULLS NOT DISTINCT (customer_id, what)
);
CREATE INDEX ON "sales data".lines USING gin (to_tsvector('simple', what));
CREATE TABLE no_key (a int, b point);
CREATE VIEW open_orders AS SELECT c."Full Name", o.total FROM customers c
    JOIN "sales data"."order" o ON o.customer_id = c.id;
CREATE MATERIALIZED VIEW sums AS
    SELECT customer_id, sum(total) FROM "sales data"."order" GROUP BY 1;
CREATE UNIQUE INDEX ON sums (customer_id);
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN NEW.at := now(); RETURN NEW; END $$;
CREATE TRIGGER stamp BEFORE UPDATE ON "sales data"."order"
    FOR EACH ROW EXECUTE FUNCTION stamp();
INSERT INTO customers ("Full Name") VALUES ('韩梅梅'), ('O''Brien');
INSERT INTO "sales data"."order" VALUES (1, 1, 2, 3.5);
"""
BASELINE = ".venv/bin/python -m migrator baseline -m 原样"


def without_examples(project: Rendering) -> None:
    """Remove what the template brings as an example, as one does before adopting a database."""
    for name in project.files():
        parts = name.split("/")
        example = name.startswith("app/models/") and parts[-1] not in ("base.py", "__init__.py")
        revision = name.startswith("migrations/versions/") and name.endswith(".py")
        if example or revision or name == "app/seeds.py":
            (project.path / name).unlink()


@pytest.fixture(scope="module")
def project(renderer: Renderer) -> Iterator[Rendering]:
    with renderer.stopping():
        project = renderer.ready(types=True)
        renderer.serve(project)
        yield project


@pytest.fixture(scope="module")
def url(project: Rendering) -> str:
    server = project.database_url()
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE adopted")
    made = server.rpartition("/")[0] + "/adopted"
    with psycopg.connect(made, autocommit=True) as connection:
        connection.execute(DATABASE.encode())
    return made


def sources(project: Rendering) -> dict[str, bytes]:
    return {name: text for name, text in project.files().items() if name.endswith(".py")}


def test_not_on_top_of_what_is_there(project: Rendering, url: str) -> None:
    """The example's revision, then its models; the database's URL is in the environment."""
    before = sources(project)
    refused = project.run(BASELINE, env={"DATABASE_URL": url})
    assert refused.returncode == 5, refused.stderr
    assert "There are revisions already (up to 5f2c81d0a7e4)" in refused.stderr
    first = next((project.path / "migrations/versions").glob("*.py"))
    text = first.read_bytes()
    first.unlink()
    refused = project.run(BASELINE, env={"DATABASE_URL": url})
    first.write_bytes(text)
    assert refused.returncode == 5, refused.stderr
    assert "There are models already (invoices, teams, users)" in refused.stderr
    prod = ".venv/bin/python -m migrator -c alembic_prod.ini baseline -m x"
    assert project.run(prod, env={"DATABASE_URL": url}).returncode == 5
    assert sources(project) == before


def test_the_walkthrough(project: Rendering, url: str) -> None:
    """From somebody's database to `make revision`, with the data where it was."""
    without_examples(project)
    env = {"DATABASE_URL": url}
    schema = dump(url)
    done = project.run(BASELINE, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The database was not changed" in done.stdout
    assert dump(url) == schema
    for carried in (
        "extension citext",
        "type public.status",
        "domain public.email",
        "function public.stamp()",
        "view public.open_orders",
        "materialized view public.sums",
        "trigger sales data.order stamp",
    ):
        assert f"\n  {carried}\n" in done.stdout, carried
    assert "Alembic's operations failed" not in done.stderr, done.stderr
    assert "Fix the models" not in done.stderr, done.stderr
    (stamp,) = re.findall(r"^  python -m (alembic stamp \w+)$", done.stdout, re.MULTILINE)
    assert project.run(f".venv/bin/python -m {stamp}", env=env).returncode == 0
    with psycopg.connect(url) as connection:
        rows = connection.execute('SELECT "Full Name" FROM customers ORDER BY id').fetchall()
        assert rows == [("韩梅梅",), ("O'Brien",)]
    assert "Nothing is pending" in project.make("plan", env=env)
    for check in ("check app migrations", "format --check app migrations"):
        ruff = project.run(f".venv/bin/python -m ruff {check}")
        assert ruff.returncode == 0, ruff.stdout
    mypy = project.run(".venv/bin/python -m mypy app/models")
    assert mypy.returncode == 0, mypy.stdout

    # A new database comes out the same, and the next revision holds what is new only.
    fresh = url.replace("/adopted", "/fresh")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE fresh")
    project.make("migrate", env={"DATABASE_URL": fresh})
    assert dump(fresh) == dump(url)
    models = project.path / "app/models/adopted.py"
    text = models.read_text("utf-8")
    what = re.search(r"\n    what: .*", text)
    assert what is not None
    models.write_text(text.replace(what[0], what[0] + "\n    more: Mapped[str | None]"), "utf-8")
    project.make('revision m="more"', env=env)
    (new,) = [name for name in project.files() if name.endswith("_more.py")]
    assert re.findall(r"op\.\w+", project.read(new)) == ["op.add_column", "op.drop_column"]


def test_a_database_with_a_history_is_not_adopted(project: Rendering, url: str) -> None:
    without_examples(project)
    (project.path / "app/models/adopted.py").unlink(missing_ok=True)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS alembic_version (version_num text)")
        connection.execute("DELETE FROM alembic_version")
        connection.execute("INSERT INTO alembic_version VALUES ('elsewhere')")
    done = project.run(BASELINE, env={"DATABASE_URL": url})
    assert done.returncode == 5, done.stdout + done.stderr
    assert "The database has a history already: it is at elsewhere" in done.stderr


def test_on_sqlite(ready: Render) -> None:
    project = ready(database="sqlite")
    without_examples(project)
    (project.path / "make.py").write_text(
        "import sqlite3\n"
        'sqlite3.connect("my_service.db").executescript("""\n'
        "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, [odd name] TEXT DEFAULT 5);\n"
        "CREATE INDEX i ON a (lower([odd name])); CREATE VIEW v AS SELECT id FROM a;\n"
        'INSERT INTO a ([odd name]) VALUES (1)""")\n',
        "utf-8",
    )
    assert project.run(".venv/bin/python make.py").returncode == 0
    done = project.run(f"{BASELINE} --yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing else in it was changed" in done.stdout
    assert "Nothing is pending" in project.make("plan")
