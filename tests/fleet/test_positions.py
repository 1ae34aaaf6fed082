"""Tenants at base, at old revisions, before a contract revision, and behind shared tables."""

import json
from pathlib import Path

from tests.conftest import Rendering
from tests.fleet.fleets import Fleet

ADD = "op.add_column('items', sa.Column('{0}', sa.Integer()))"
DROP = "op.drop_column('items', '{0}')"
APPLIED = "SELECT revision FROM {}.migration_log WHERE failure IS NULL ORDER BY id"


def three(fleet: Fleet) -> None:
    """Expand, contract, expand."""
    for name, phase in (("one", "expand"), ("two", "contract"), ("three", "expand")):
        fleet.revision(name, ADD.format(name), DROP.format(name), f'phase = "{phase}"')
    fleet.snapshot()


def test_in_two_phases(fleet: Fleet) -> None:
    """A tenant that stops before a contract revision is not compared with what comes after it."""
    fleet.tenants(["t1", "t2"])
    three(fleet)
    said = fleet.run("plan --phase expand", code=3)
    assert "The next revisions are for --phase contract." in said
    said = fleet.run("deploy --no-backup --phase expand")
    assert "all: 2 of 2 tenants in" in said
    assert "2 tenants deployed to, " in said
    assert "the next revisions are for --phase contract" in said
    assert set(fleet.at().values()) == {"one"}
    assert "Nothing to do" in fleet.run("deploy --phase expand")
    said = fleet.run("deploy --no-backup --phase contract")
    assert "2 tenants deployed to: 2 tenants at three" in said
    assert "None differs" in fleet.run("verify")
    for name in ("t1", "t2"):
        assert [row[0] for row in fleet.ask(APPLIED.format(name))][1:] == ["one", "two", "three"]


def test_from_base_from_an_old_revision_and_back(fleet: Fleet) -> None:
    """An empty version table is base; --to leaves alone what is further; a rollback is repeated."""
    fleet.tenants(["t1", "t2"])
    three(fleet)
    fleet.ask(
        "CREATE SCHEMA e1; CREATE TABLE e1.alembic_version (version_num varchar(32) PRIMARY KEY)"
    )
    fleet.ask("INSERT INTO shared.tenants (name, schema) VALUES ('e1', 'e1')")
    assert "e1, the first at base" in fleet.run("verify")
    fleet.run("deploy --no-backup --only t2")
    said = fleet.run("deploy --no-backup --to one")
    assert "2 tenants deployed to, " in said  # and not: all are at one
    assert fleet.at() == {"e1": "one", "t1": "one", "t2": "three"}
    fleet.run("deploy --no-backup")
    url = f"{fleet.url}?options=-csearch_path%3Dt1"
    command = ".venv/bin/python -m migrator -c alembic_prod.ini rollback --to one --yes --no-backup"
    done = fleet.project.run(command, env={"DATABASE_URL": url})
    assert done.returncode == 0, done.stderr
    assert fleet.at() == {"e1": "three", "t1": "one", "t2": "three"}
    assert "1 tenant deployed to" in fleet.run("deploy --no-backup")
    assert "None differs" in fleet.run("verify")


def test_a_revision_that_undoes_its_own_step(fleet: Fleet) -> None:
    """Where a tenant is, is read, and not concluded from the lack of an error."""
    fleet.tenants(["t1"])
    fleet.revision("odd", "op.execute('CREATE TABLE odd (id int)')")
    head = fleet.ask("SELECT version_num FROM t1.alembic_version")[0][0]
    trigger = (
        "CREATE FUNCTION t1.keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';"
        " CREATE TRIGGER keep BEFORE UPDATE ON t1.alembic_version FOR EACH ROW"
        " EXECUTE FUNCTION t1.keep()"
    )
    fleet.ask(trigger)
    said = fleet.run("deploy --no-backup --no-lint", code=1)
    assert f"t1 failed, it is at {head}" in said or f"it is at {head} instead of odd" in said


def shared_revision(project: Rendering) -> Path:
    """A revision of the shared tables."""
    (first,) = (project.path / "migrations/shared").glob("*.py")
    before = project.run(".venv/bin/python -m alembic -n shared heads").stdout.split()[0]
    path = first.with_name("extra.py")
    path.write_text(
        f"import sqlalchemy as sa\nfrom alembic import op\n\nrevision = 'extra'\n"
        f"down_revision = '{before}'\nphase = 'expand'\n\n\ndef upgrade():\n"
        "    op.add_column('plans', sa.Column('extra', sa.Integer()), schema='shared')\n",
        encoding="utf-8",
    )
    return path


def test_shared_tables_are_behind(fleet: Fleet) -> None:
    """The plan says so; a shard prints a command that runs, also where there are no canaries."""
    fleet.tenants(["t1"])
    fleet.files.append(shared_revision(fleet.project))
    said = fleet.run("plan", code=3)
    assert "shared tables: extra" in said
    assert "The shared tables, and 0 tenants to deploy to." in said
    facts = fleet.json("plan", code=3)
    assert [each["revision"] for each in facts["shared"]] == ["extra"]
    said = fleet.run("deploy --no-backup --shard 0/2", code=5)
    assert "fleet deploy --stage canary" in said
    fleet.run("deploy --no-backup --stage canary")
    fleet.run("deploy --no-backup --shard 0/2")
    assert fleet.json("plan")["shared"] == []


def test_backups_of_all_come_with_the_canaries(fleet: Fleet) -> None:
    """So that the jobs after it need none; as many are kept as for one database."""
    fleet.tenants(["t1"])
    folder = fleet.project.path / "backups"
    env = {"MIGRATOR_BACKUP_KEEP": "2"}
    for number in range(3):
        fleet.revision(f"r{number}", ADD.format(f"c{number}"))
        before = set(folder.glob("*.dump"))
        assert "backup   " in fleet.run("deploy --no-lint --stage canary", env=env)
        assert len(set(folder.glob("*.dump")) - before) == 1
        fleet.run("deploy --no-lint --no-backup --shard 0/1")
    name = fleet.ask("SELECT current_database()")[0][0]
    assert len(list(folder.glob(f"{name}@*.dump"))) == 2


def test_a_new_database_says_what_to_run_first(fleet: Fleet) -> None:
    """The query for tenants needs a table that the first deploy makes."""
    fleet.ask("DROP SCHEMA shared CASCADE")
    said = fleet.run("status", code=1)
    assert "schemas_sql fails" in said
    assert "fleet deploy makes the shared tables" in said
    fleet.ask("DROP TABLE public.migration_log")
    assert "0 tenants" in fleet.run("deploy --no-backup")
    assert json.loads(json.dumps(fleet.at())) == {}
