"""The catalog on each version: each kind is read, and what another version recorded is the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from migrator import catalog
from migrator.revisions import recorded_schema
from migrator.revisions.recorded_schema import RecordedSchema
from tests.catalog.test_postgres import SCHEMA, execute
from tests.conftest import Renderer
from tests.versions import packages
from tests.versions.server import Server, serving

# More of what versions write differently.
MORE = """
CREATE TABLE wide (
  id uuid DEFAULT gen_random_uuid() PRIMARY KEY, at timestamptz(3) DEFAULT now() NOT NULL,
  day date DEFAULT CURRENT_DATE, much numeric[] DEFAULT '{}', what text COLLATE "C",
  js jsonb DEFAULT '{"a": 1}' CHECK (js ? 'a'), part int, txt tsvector, gone text,
  CONSTRAINT ck_two CHECK (part BETWEEN 1 AND 9 AND what IN ('a', 'b') AND what LIKE 'a%'),
  CONSTRAINT uq_wide UNIQUE (what, part) DEFERRABLE INITIALLY DEFERRED
);
ALTER TABLE wide DROP COLUMN gone;
CREATE INDEX ix_when ON wide ((at AT TIME ZONE 'UTC')) WHERE extract(year FROM day) > 2000;
CREATE INDEX ix_trim ON wide ((trim(both from what)), (substring(what from 1 for 2)));
CREATE INDEX ix_gin ON wide USING gin (js jsonb_path_ops);
CREATE INDEX ix_brin ON wide USING brin (at) WITH (pages_per_range = 4);
CREATE DOMAIN trimmed AS text DEFAULT trim(' a ') CHECK (VALUE = trim(both from VALUE));
CREATE TABLE spelled (
  at timestamp DEFAULT (now() AT TIME ZONE 'utc'), name text NOT NULL, two trimmed,
  year int GENERATED ALWAYS AS (extract(year FROM at)) STORED, CHECK (position('@' in name) > 0),
  CHECK (name IS NORMALIZED), CHECK (overlay(name placing 'x' from 1) <> ''),
  CONSTRAINT named EXCLUDE (substring(name from 2) WITH =)
);
CREATE POLICY at_night ON spelled USING (extract(hour FROM at) < 6);
CREATE VIEW joined AS SELECT w.id, f.n, CASE WHEN w.part > 1 THEN 'x' ELSE w.what END AS c
  FROM wide w LEFT JOIN f ON f.id = w.part WHERE w.day > CURRENT_DATE - interval '1 day';
CREATE TABLE hashed (id int NOT NULL, k text) PARTITION BY HASH (id);
CREATE TABLE hashed_0 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE hashed_1 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1);
ALTER TABLE hashed ADD PRIMARY KEY (id);
CREATE FUNCTION add(a int, b int DEFAULT 2, VARIADIC c int[] DEFAULT '{}') RETURNS SETOF int
  LANGUAGE plpgsql STRICT PARALLEL SAFE COST 5 AS 'BEGIN RETURN NEXT a + b; END';
CREATE TRIGGER noted AFTER UPDATE OF what ON wide FOR EACH ROW WHEN (OLD.what IS DISTINCT FROM
  NEW.what) EXECUTE FUNCTION trg();
"""


@pytest.fixture(scope="session")
def recorded(renderer: Renderer) -> str:
    """The text of catalog.txt, as the newest server records the schema."""

    def record() -> str:
        with serving(renderer, packages.NEWEST) as server:
            engine = made(server)
            with engine.connect() as connection:
                return RecordedSchema.of(connection, "step1").text()

    return str(renderer.once("recorded", record))


@pytest.fixture(scope="session")
def engine(server_version: Server) -> Iterator[sa.Engine]:
    """A database with the schema."""
    yield made(server_version)


def made(server: Server) -> sa.Engine:
    server.run("CREATE DATABASE catalogs TEMPLATE template0")
    url = server.url("catalogs").replace("postgresql:", "postgresql+psycopg:")
    engine = sa.create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        execute(connection, SCHEMA + MORE)
    return engine


def test_what_the_newest_recorded_is_no_drift_elsewhere(
    engine: sa.Engine, recorded: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("recorded") / "catalog.txt"
    file.write_text(recorded, "utf-8")
    known = recorded_schema.read(file)
    assert known
    with engine.connect() as connection:
        assert known.differences(connection) == []
        own = RecordedSchema.of(connection, "step1")
    assert {key.kind for key in own.schema.objects} == {key.kind for key in known.schema.objects}


def test_a_difference_is_seen(engine: sa.Engine, recorded: str) -> None:
    with engine.connect() as connection:
        before = catalog.read(connection)
        for change in (
            "ALTER TABLE wide ALTER much TYPE real[]",
            "ALTER TABLE wide DROP CONSTRAINT ck_two",
            "DROP INDEX ix_trim",
            "ALTER TABLE f ALTER CONSTRAINT fk DEFERRABLE",
            "ALTER TABLE hashed ADD z int",
            "ALTER FUNCTION trg() STABLE",
        ):
            execute(connection, change)
            assert catalog.diff(before, catalog.read(connection)), change
            connection.rollback()
