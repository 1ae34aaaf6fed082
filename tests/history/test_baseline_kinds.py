"""Kinds of databases that `make baseline` adopts, and whether models and revision are right."""

from __future__ import annotations

import re
import subprocess
import textwrap
from collections.abc import Iterator

import psycopg
import pytest

from tests.conftest import Renderer, Rendering
from tests.history.test_baseline import BASELINE, without_examples

# What models used to get wrong.
MODELS = r"""
CREATE EXTENSION citext; CREATE EXTENSION btree_gist; CREATE EXTENSION hstore;
CREATE EXTENSION vector;
CREATE SCHEMA audit;
CREATE TYPE mood AS ENUM ('sad', 'it''s');
CREATE TYPE pair AS (a integer, b text);
CREATE DOMAIN email AS text CHECK (VALUE ~ '@');
CREATE DOMAIN audit.positive AS integer DEFAULT 1 NOT NULL CHECK (VALUE > 0);
CREATE SEQUENCE numbers START 1000 INCREMENT 5;
-- A key that is a foreign key, too, is no inheritance.
CREATE TABLE workspace (id text PRIMARY KEY, name text);
CREATE TABLE subscription (
    id text PRIMARY KEY REFERENCES workspace ON DELETE CASCADE, payload json
);
-- Names that mean something in a class.
CREATE TABLE words (
    id serial PRIMARY KEY,
    "object" jsonb, "type" text, metadata json, registry int, "class" int, "text" text DEFAULT 'a',
    "uuid" uuid, "datetime" timestamp, "list" int[], "str" text NOT NULL, "int" int, "Any" int,
    __private int, "a b" int, "1st" int, "x²" int, "dict" hstore, "Mapped" int, "%" int,
    "None" int, "tim:e" text DEFAULT ' :x', mapped_column int, "decimal" numeric(10, 2)
);
CREATE TABLE types (
    id int PRIMARY KEY, a "char", b name, c bpchar, d interval day to second(3), e pair, f pair[],
    g int4range, h mood[], i email, j audit.positive, k citext[], l email[], m text COLLATE "C",
    n varchar(5)[], o money, p xml, q bit(3), r vector(3)
);
CREATE INDEX types_near ON types USING hnsw (r vector_l2_ops) WITH (m = 8);
CREATE TABLE node (
    id bigint GENERATED ALWAYS AS IDENTITY (START 10 INCREMENT 2) PRIMARY KEY,
    parent_id bigint REFERENCES node, other_id bigint REFERENCES node ON DELETE SET NULL,
    tenant int NOT NULL, up int, UNIQUE (tenant, id),
    FOREIGN KEY (tenant, up) REFERENCES node (tenant, id)
);
CREATE TABLE tenant (id int PRIMARY KEY);
CREATE TABLE person (
    tenant_id int REFERENCES tenant, id int, boss_id int, PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, boss_id) REFERENCES person
);
CREATE TABLE message (
    id bigserial PRIMARY KEY, tenant_id int NOT NULL, sender int, receiver int,
    FOREIGN KEY (tenant_id, sender) REFERENCES person,
    FOREIGN KEY (tenant_id, receiver) REFERENCES person DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE tag (id int PRIMARY KEY, name citext UNIQUE);
CREATE TABLE message_tag (
    message_id bigint REFERENCES message, tag_id int REFERENCES tag,
    PRIMARY KEY (message_id, tag_id)
);
CREATE TABLE friends (a int REFERENCES tag, b int REFERENCES tag, PRIMARY KEY (a, b));
CREATE TABLE two (
    id int PRIMARY KEY, a int REFERENCES tag, b int REFERENCES tag, c text, d text,
    low text GENERATED ALWAYS AS (lower(c)) STORED,
    ratio int CHECK (ratio IN (0, 1)), state text CHECK (state IN ('x', 'y')),
    CONSTRAINT "b%k" CHECK (c <> 'x :y')
);
CREATE INDEX ix_two_c ON two (c DESC NULLS LAST);
CREATE INDEX two_classes ON two (c text_pattern_ops, lower(d) DESC);
CREATE INDEX two_all ON two (a NULLS FIRST, b DESC) INCLUDE (c) WITH (fillfactor = 70)
    WHERE d IS NOT NULL AND c <> 'a :b %';
CREATE UNIQUE INDEX two_sum ON two (lower(c), (a + b)) WHERE d = 'x';
CREATE TABLE booking (
    id serial, room int, during tstzrange,
    EXCLUDE USING gist (room WITH =, during WITH &&) WHERE (room > 0) DEFERRABLE,
    CONSTRAINT once UNIQUE (room, during) INCLUDE (id) DEFERRABLE
);
CREATE TABLE a_cycle (id int PRIMARY KEY, b int);
CREATE TABLE b_cycle (id int PRIMARY KEY, a int REFERENCES a_cycle);
ALTER TABLE a_cycle ADD CONSTRAINT ab FOREIGN KEY (b) REFERENCES b_cycle;
CREATE TABLE audit.log (id int PRIMARY KEY);
CREATE TABLE log (
    id int PRIMARY KEY, other int REFERENCES audit.log, n int DEFAULT nextval('numbers')
);
CREATE TABLE "order" (id int PRIMARY KEY); CREATE TABLE "Base" (id int PRIMARY KEY);
CREATE TABLE text (id int PRIMARY KEY); CREATE TABLE index (id int PRIMARY KEY);
CREATE TABLE other (id int PRIMARY KEY, t pair); CREATE TABLE "1st" (id int PRIMARY KEY);
CREATE TABLE "any" (id int PRIMARY KEY); CREATE TABLE "订单" (id int PRIMARY KEY, "金额" numeric);
CREATE TABLE user_x (id int PRIMARY KEY); CREATE TABLE "UserX" (id int PRIMARY KEY);
CREATE TABLE old (id serial PRIMARY KEY); ALTER TABLE old RENAME TO renamed;
CREATE TABLE numbered (id int PRIMARY KEY, n serial, s smallserial);
"""
# What a revision has to carry as it is.
OBJECTS = r"""
SET check_function_bodies = off;
ALTER SCHEMA public OWNER TO postgres;  -- as in what came from PostgreSQL 14 or older
GRANT ALL ON SCHEMA public TO PUBLIC;
CREATE EXTENSION postgres_fdw;
CREATE FUNCTION total() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM public.stock';
CREATE TABLE stock (id int PRIMARY KEY, n int NOT NULL);
CREATE VIEW many AS SELECT * FROM stock WHERE n > 9;
CREATE MATERIALIZED VIEW sums AS SELECT sum(n) AS n, total() AS rows FROM stock;
CREATE MATERIALIZED VIEW later AS SELECT 1 AS one WITH NO DATA;
CREATE TABLE events (id bigint GENERATED BY DEFAULT AS IDENTITY, at date, PRIMARY KEY (id, at))
    PARTITION BY RANGE (at);
CREATE TABLE events_2020 PARTITION OF events FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE events_rest PARTITION OF events DEFAULT;
CREATE INDEX ON events (at DESC);
CREATE TABLE base (id int PRIMARY KEY);
CREATE TABLE derived (y int) INHERITS (base);
ALTER TABLE stock ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON stock TO policed USING (n = current_setting('app.n')::int);
CREATE RULE kept AS ON DELETE TO base DO INSTEAD NOTHING;
CREATE FUNCTION seen() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN BLANKS
BLANKS
END $$;
CREATE EVENT TRIGGER guard ON ddl_command_end EXECUTE FUNCTION seen();
CREATE TEXT SEARCH CONFIGURATION plain (COPY = simple);
CREATE AGGREGATE summed(int) (sfunc = int4pl, stype = int, initcond = '0');
CREATE TYPE pair AS (a int, b text);
CREATE FUNCTION same(pair, pair) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1.a = $2.a';
CREATE OPERATOR === (leftarg = pair, rightarg = pair, function = same);
CREATE FUNCTION made(int) RETURNS pair LANGUAGE sql IMMUTABLE AS 'SELECT ROW($1, NULL)::pair';
CREATE CAST (int AS pair) WITH FUNCTION made(int);
CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'far.example');
CREATE USER MAPPING FOR PUBLIC SERVER far OPTIONS (user 'u', password 'secret-of-u');
CREATE FOREIGN TABLE far_stock (id int NOT NULL) SERVER far;
CREATE PUBLICATION changes FOR TABLE stock;
CREATE SEQUENCE alone AS smallint CYCLE;
CREATE SCHEMA theirs;
CREATE TABLE theirs.jobs (id serial PRIMARY KEY, at timestamptz DEFAULT now());
CREATE INDEX ON theirs.jobs (at);
CREATE FUNCTION theirs.run() RETURNS void LANGUAGE sql AS 'DELETE FROM theirs.jobs';
INSERT INTO stock VALUES (1, 10);
REFRESH MATERIALIZED VIEW sums;
"""
THEIRS = """
[[difference]]
between = "database"
object = "* theirs*"
reason = "the job runner makes them"
"""
ROLES = """
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{0}') THEN
    CREATE ROLE {0}; END IF; END $$;
"""


@pytest.fixture
def project(renderer: Renderer) -> Iterator[Rendering]:
    with renderer.stopping():
        project = renderer.ready(types=True)
        renderer.serve(project)
        without_examples(project)
        yield project


def database(project: Rendering, name: str, sql: str) -> str:
    """A database on the project's server, made by `sql`; its URL."""
    server = project.database_url()
    with psycopg.connect(server, autocommit=True) as connection:
        # The superuser of a development server has the name of the project.
        connection.execute(ROLES.format("postgres").encode())
        for role in ("reader", "policed"):
            connection.execute(ROLES.format(role).encode())
        connection.execute(f"CREATE DATABASE {name}".encode())
    url = server.rpartition("/")[0] + f"/{name}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.encode())
    return url


def baseline(project: Rendering, url: str) -> subprocess.CompletedProcess[str]:
    done = project.run(f"{BASELINE} --yes", env={"DATABASE_URL": url})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Fix the models" not in done.stderr, done.stderr
    return done


def section(title: str, output: str) -> list[str]:
    """The indented lines below a line of the output."""
    found = re.search(rf"^{re.escape(title)}.*\n((?:  .*\n)*)", output, re.MULTILINE)
    return [line.strip() for line in found[1].splitlines()] if found else []


def python(project: Rendering, code: str, url: str) -> str:
    (project.path / "try.py").write_text(textwrap.dedent(code), "utf-8")
    done = project.run(
        ".venv/bin/python -W error::sqlalchemy.exc.SAWarning try.py", env={"DATABASE_URL": url}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (project.path / "try.py").unlink()
    return done.stdout


def test_drafted_models_are_the_database(project: Rendering) -> None:
    url = database(project, "models", MODELS)
    done = baseline(project, url)
    assert section("Models cannot describe", done.stdout) == [], done.stdout
    assert not (project.path / "migrations/accepted_drift.toml").exists()
    assert "Alembic's operations failed" not in done.stderr, done.stderr
    for command in ("-m ruff check app", "-m ruff format --check app", "-m mypy app"):
        checked = project.run(f".venv/bin/python {command}")
        assert checked.returncode == 0, checked.stdout
    project.make("snapshot")
    assert "The models and the revisions agree." in project.make("check-migrations")

    # What the catalog says nothing about: how the classes behave.
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO workspace VALUES ('w', 'ours')")
        connection.execute("INSERT INTO subscription VALUES ('w', '1')")
    said = python(
        project,
        """
        from sqlalchemy import func, select
        from sqlalchemy.orm import Session, configure_mappers

        from app.database import engine
        from app.models import adopted as models
        from app.models.base import Base

        configure_mappers()
        with Session(engine()) as session:
            session.delete(session.get_one(models.Subscription, "w"))
            session.commit()
            print(session.scalar(select(func.count()).select_from(models.Workspace)))
        print(models.Words.__table__.c.object.nullable, models.Words.type_.property.columns[0].name)
        print(sorted(models.Person.__mapper__.relationships.keys()))
        print(models.Node.__mapper__.relationships["parent"].remote_side)
        """,
        url,
    )
    assert said.splitlines()[:2] == ["1", "True type"], said
    assert "'tenant'" in said and "Column('id'" in said, said


def test_databases_as_they_are(project: Rendering) -> None:
    objects = OBJECTS.replace("BLANKS", " " * 4)  # which ruff would take away
    url = database(project, "objects", objects + "GRANT SELECT ON stock TO reader;")
    (project.path / "migrations/accepted_drift.toml").write_text(THEIRS, "utf-8")
    done = baseline(project, url)
    carried = section("Written as SQL", done.stdout)
    for title in (
        "function public.total()",
        "materialized view public.sums",
        "policy public.stock own",
        "rule public.base kept",
        "event trigger guard",
        "text search configuration public.plain",
        "aggregate public.summed(integer)",
        "operator public.===",
        "cast CAST (integer AS public.pair)",
        "server far",
        "foreign table public.far_stock",
        "publication changes",
        "sequence public.alone",
        "table attach public.events_2020",
    ):
        assert title in carried, title
    assert "table public.stock" not in carried  # Alembic writes it
    left = section("Left out", done.stdout)
    for title in (
        "acl public.TABLE stock",
        "user mapping USER MAPPING public SERVER far",
        "schema theirs",
        "table theirs.jobs",
        "function theirs.run()",
    ):
        assert title in left, (title, left)
    (revision,) = [name for name in project.files() if name.startswith("migrations/versions/2")]
    for text in ("secret-of-u", "theirs", "reader"):
        assert text not in project.read(revision), text
    done = project.run(f".venv/bin/ruff check {revision}")
    assert done.returncode == 0, done.stdout
    project.make("snapshot")
    project.make("check-migrations")
    drafted = project.read("app/models/adopted.py")
    assert "events_2020" not in drafted and "far_stock" not in drafted

    # On a server without the role a new database has the same; its materialized views can be read.
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP POLICY own ON stock")
    fresh = database(project, "fresh", "DROP ROLE policed")
    project.make("migrate", env={"DATABASE_URL": fresh})
    with psycopg.connect(fresh) as connection:
        assert connection.execute("SELECT n, rows FROM sums").fetchall() == [(None, 0)]
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
            connection.execute("SELECT * FROM later")


def test_beside_models_that_are_there(renderer: Renderer) -> None:
    """A table without a model refers to one that has one, also as the middle of many-to-many."""
    with renderer.stopping():
        project = renderer.ready()
        url = database(project, "beside", "SELECT 1")
        project.make("migrate", env={"DATABASE_URL": url})
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "CREATE TABLE posts (id serial PRIMARY KEY, user_id bigint REFERENCES users);"
                "CREATE TABLE likes (post_id int REFERENCES posts, user_id bigint REFERENCES users,"
                " PRIMARY KEY (post_id, user_id));"
                "CREATE TABLE days (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);"
                "CREATE TABLE day PARTITION OF days DEFAULT;"
                "CREATE TABLE notes (id int PRIMARY KEY, day int, at date,"
                " FOREIGN KEY (day, at) REFERENCES days);"
                "DROP TABLE alembic_version"
            )
        for path in (project.path / "migrations/versions").glob("*.py"):
            path.unlink()
        done = project.run(f"{BASELINE} --yes --beside", env={"DATABASE_URL": url})
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Fix the models" not in done.stderr, done.stderr
        assert section("Models cannot describe", done.stdout) == []
        drafted = project.read("app/models/adopted.py")
        found = re.findall(r"^(?:class )?(\w+)[(:].*(?:Base|Table)\b", drafted, re.MULTILINE)
        assert sorted(found) == ["Days", "Notes", "Posts", "t_likes"], found


def test_an_extension_that_a_server_does_not_have(project: Rendering) -> None:
    """It is named before anything is written."""
    said = python(
        project,
        """
        from sqlalchemy.engine import make_url

        from app.settings import get_settings
        from migrator.errors import RefusedError
        from migrator.history import extensions
        from migrator.history.schema_objects import Object, Schema

        wanted = Schema(
            tuple(Object("EXTENSION", "-", name, (), "") for name in ("citext", "no_such")), ()
        )
        try:
            extensions.refuse_missing(
                make_url(get_settings().database_url.get_secret_value()).set(
                    drivername="postgresql+psycopg"
                ),
                wanted,
            )
        except RefusedError as error:
            print(error)
        """,
        project.database_url(),
    )
    assert "does not have the extensions no_such, which" in said
    assert 'object = "extension no_such"' in said
