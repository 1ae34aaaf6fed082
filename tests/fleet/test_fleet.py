"""Tenants with a schema each: where they are, and how they are deployed to."""

from tests.fleet.fleets import COMMAND, Fleet

ADD = "op.add_column('items', sa.Column('weight', sa.Integer()))"
DROP = "op.drop_column('items', 'weight')"
COLUMNS = (
    "SELECT count(*) FROM information_schema.columns"
    " WHERE column_name = 'weight' AND table_name = 'items'"
)


def test_one_command_writes_both_histories(fleet: Fleet) -> None:
    """Shared tables in one revision, tenants' in the other, each proved."""
    said = fleet.project.first_output  # type: ignore[attr-defined]
    assert said.count("Proved on a shadow database") == 2
    shared = list((fleet.project.path / "migrations/shared").glob("*.py"))
    own = list((fleet.project.path / "migrations/versions").glob("*.py"))
    assert (len(shared), len(own)) == (1, 1)
    text = own[0].read_text(encoding="utf-8")
    assert "shared.plans.id" in text
    assert "schema=" not in text.replace("referent_schema=", "")
    assert "items" not in shared[0].read_text(encoding="utf-8")
    assert "agree" in fleet.project.make("check-migrations")


def test_a_tenant_is_created_deployed_to_and_dropped(fleet: Fleet) -> None:
    said = fleet.run("create acme")
    assert "Created schema acme of tenant acme" in said
    assert "create_sql has been executed" in said
    assert fleet.at() == {"acme": fleet.head}
    fleet.ask("INSERT INTO acme.items (name) VALUES ('pen')")
    fleet.ask("INSERT INTO acme.orders (item_id, state) SELECT id, 'paid' FROM acme.items")
    assert "None differs" in fleet.run("verify")

    fleet.revision("weight", ADD, DROP)
    fleet.snapshot()
    assert "1 tenant, target weight" in fleet.run("plan", code=3)
    said = fleet.run("deploy --no-backup")
    assert "1 of 1 tenant at weight" in said
    assert fleet.ask(COLUMNS) == [(1,)]
    assert "Nothing to do" in fleet.run("deploy")
    assert fleet.ask("SELECT verified FROM acme.migration_log") == [("yes",), ("yes",)]

    said = fleet.run("drop acme --yes")
    assert "its backup is" in said
    assert fleet.at() == {}
    assert fleet.ask("SELECT count(*) FROM pg_namespace WHERE nspname = 'acme'") == [(0,)]


def test_odd_names(fleet: Fleet) -> None:
    """Each is a schema like another."""
    names = ['we"ird', "Grün", "sel-ect", "x'y"]
    for name in names:
        words = [*COMMAND, "create", name]
        process = fleet.project.start(words, env=fleet.env(), together=True)
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0, said
    fleet.revision("weight", ADD, DROP)
    fleet.snapshot()
    fleet.run("deploy --no-backup")
    assert set(fleet.at().values()) == {"weight"}
    assert "None differs" in fleet.run("verify")


def test_lint_knows_the_tenant(fleet: Fleet) -> None:
    """A table that no revision tells of: its columns are known, and not those of public."""
    fleet.run("create acme")
    fleet.ask("CREATE TABLE acme.parts (id int PRIMARY KEY, code varchar(20))")
    fleet.ask("INSERT INTO acme.parts VALUES (1, 'a')")
    fleet.ask("CREATE TABLE public.parts (code int)")
    change = "op.execute('ALTER TABLE parts ALTER code TYPE varchar({})')"
    fleet.revision("narrower", change.format(10))
    assert "changing-column-type" in fleet.run("deploy --no-backup", code=5)
    fleet.files.pop().unlink()
    fleet.revision("wider", change.format(40))
    fleet.run("deploy --no-backup", env={"MIGRATOR_DRIFT": "false"})
    assert fleet.at() == {"acme": "wider"}


def test_names_of_what_is_dropped_are_each_for_their_history(fleet: Fleet) -> None:
    """A table of the one is nothing that the other would drop."""
    models = fleet.project.path / "app/models/shared.py"
    before = models.read_text(encoding="utf-8")
    existing = set((fleet.project.path / "migrations").rglob("*.py"))
    extra = (
        "\n\nclass Rate(Base):\n    __tablename__ = 'rates'\n"
        "    __table_args__ = {'schema': 'shared'}\n    id: Mapped[PrimaryKey]\n"
    )
    try:
        models.write_text(before + extra, encoding="utf-8")
        fleet.project.make('revision m="rates"')
        models.write_text(before, encoding="utf-8")
        said = fleet.project.make('revision m="no rates" drop=shared.rates')
        assert "The models and the revisions of the tenants agree" in said
        made = set((fleet.project.path / "migrations").rglob("*.py")) - existing
        assert {path.parent.name for path in made} == {"shared"}
        # As [alembic] has it, since the section of the history does not say.
        assert all(path.name.startswith("20") for path in made)
    finally:
        models.write_text(before, encoding="utf-8")
        for path in set((fleet.project.path / "migrations").rglob("*.py")) - existing:
            path.unlink()
