"""What a setting means for one deploy, it means for each tenant of a fleet."""

import json
from pathlib import Path

import psycopg
import pytest

from tests.deploy.pooling import pooler
from tests.fleet.fleets import Fleet

ADD = "op.add_column('items', sa.Column('weight', sa.Integer()))"
UNIQUE = "op.create_check_constraint('ck_price', 'items', 'price < 10')"
DEPLOY = "deploy --no-backup --no-lint --on-failure continue"
NO_DRIFT = {"MIGRATOR_DRIFT": "false"}
LOCK_OF_B = "hashtextextended('migrate/b/alembic_version', 0)"


def test_smoke_sql(fleet: Fleet) -> None:
    """It is run in the schema of each; a tenant for which it fails is verified again."""
    fleet.tenants(["a", "b", "c"])
    fleet.ask("INSERT INTO b.items (name) VALUES ('pen')")
    fleet.revision("weight", ADD)
    fleet.snapshot()
    smoke = {"MIGRATOR_SMOKE_SQL": "SELECT count(*) = 0 FROM items WHERE name LIKE 'p%'"}
    said = fleet.run(DEPLOY, code=1, env=smoke)
    assert "b failed, it is at weight: smoke_sql gave False" in said
    assert "1 tenant failed, 2 deployed to" in said
    states = {each["name"]: each["state"] for each in fleet.json("status")["tenants"]}
    assert states == {"a": "current", "b": "unverified", "c": "current"}
    wrong = fleet.run(DEPLOY, code=1, env={"MIGRATOR_SMOKE_SQL": "SELECT FROM nothing"})
    assert "b failed, it is at weight: smoke_sql failed: relation" in wrong
    fleet.ask("DELETE FROM b.items")
    fleet.run(DEPLOY, env=smoke)
    assert "Nothing to do" in fleet.run(DEPLOY, env={"MIGRATOR_SMOKE_SQL": "SELECT false"})


def test_allow_ahead(fleet: Fleet) -> None:
    """A tenant that newer code has migrated is left, and one on another path still fails."""
    fleet.tenants(["a", "b"])
    fleet.revision("weight", ADD)
    fleet.snapshot()
    fleet.run(DEPLOY)
    fleet.revision("newer", "op.execute('SELECT 1')")
    fleet.run(f"{DEPLOY} --only a", env=NO_DRIFT)
    fleet.files.pop().unlink()  # older code again
    said = fleet.run("deploy --no-backup --no-lint", code=5)
    assert "a: it is at newer, a revision that this code does not have" in said
    assert "Nothing to do" in fleet.run("deploy --no-backup --no-lint --allow-ahead")
    fleet.ask("UPDATE b.alembic_version SET version_num = 'elsewhere'")
    said = fleet.run(f"{DEPLOY} --allow-ahead", code=1)
    assert "b failed, it is at elsewhere: " in said
    assert "a failed" not in said
    assert fleet.ask("SELECT version_num FROM a.alembic_version") == [("newer",)]


def test_rows_that_violate_a_constraint(fleet: Fleet) -> None:
    """They are counted in each tenant, and nothing of the one that has them is changed."""
    fleet.tenants(["a", "b", "c"])
    fleet.ask("INSERT INTO b.items (name, price) VALUES ('pen', 11), ('ink', 12), ('cap', 1)")
    fleet.revision("weight", ADD)
    fleet.revision("cheap", UNIQUE)
    said = fleet.run(DEPLOY, code=1, env=NO_DRIFT)
    assert "2 rows of items violate the condition (ck_price)" in said
    assert "SELECT * FROM items WHERE NOT (price < 10);" in said
    assert "fleet deploy --only b" in said
    before = fleet.head
    assert fleet.at()["a"] == fleet.at()["c"] == before == "cheap"
    assert fleet.at()["b"] not in ("weight", "cheap")

    said = fleet.run(f"{DEPLOY} --no-rows --json", code=1, env=NO_DRIFT)
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    (failure,) = lines[-1]["failures"]
    assert (failure["name"], failure["at"], failure["exit_code"]) == ("b", ["weight"], 1)
    (violation,) = failure["violations"]
    assert (violation["kind"], violation["rows"], violation["constraint"]) == (
        *("check", 2, "ck_price"),
    )
    fleet.ask("UPDATE b.items SET price = 1")
    fleet.run(DEPLOY, env=NO_DRIFT)
    assert set(fleet.at().values()) == {"cheap"}


def test_rows_of_a_tenant_that_is_locked(fleet: Fleet) -> None:
    """It gets an ordinary deploy, which counts them, too."""
    fleet.tenants(["a", "b"])
    fleet.ask("INSERT INTO b.items (name, price) VALUES ('pen', 11)")
    fleet.revision("cheap", UNIQUE)
    with fleet.connect() as other:
        other.execute(f"SELECT pg_advisory_lock({LOCK_OF_B})")
        said = fleet.run(DEPLOY, code=1, env=NO_DRIFT)
    assert "1 row of items violates the condition (ck_price)" in said
    assert fleet.at()["a"] == "cheap" != fleet.at()["b"]


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_a_pooler(fleet: Fleet, tmp_path: Path, mode: str) -> None:
    """In session mode each tenant has its search path; in another one nothing is changed."""
    fleet.tenants(["a", "b"])
    fleet.revision("weight", ADD)
    fleet.snapshot()
    with pooler(tmp_path, fleet.url, mode) as url:
        assert "--allow-pooler" in fleet.run(DEPLOY, code=5, env={"DATABASE_URL": url})
        through = {"DATABASE_URL": url, "MIGRATOR_ALLOW_POOLER": "true"}
        if mode == "transaction":
            assert "is not in session mode" in fleet.run(DEPLOY, code=5, env=through)
            assert "weight" not in fleet.at().values()
            return
        with fleet.connect() as blocking:  # so that this one gets an ordinary deploy
            blocking.execute(f"SELECT pg_advisory_lock({LOCK_OF_B})")
            process = fleet.start(f"{DEPLOY} --allow-pooler", DATABASE_URL=url)
            while fleet.ask("SELECT version_num FROM a.alembic_version") != [("weight",)]:
                assert process.poll() is None, process.communicate()
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0, said
        assert "None differs" in fleet.run("verify", env=through)
        fleet.run("create c", env=through)
        fleet.run("drop a --yes", env=through)
        assert fleet.at() == {"b": "weight", "c": "weight"}
        with psycopg.connect(url) as after:
            assert after.execute("SHOW search_path").fetchone() == ('"$user", public',)
