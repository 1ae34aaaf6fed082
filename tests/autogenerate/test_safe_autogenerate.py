"""What autogenerate writes for tables that are in use, and that it can be applied beside them."""

from __future__ import annotations

import re

import pytest

from tests.autogenerate.autogenerating import (
    BEFORE,
    MODELS,
    ROWS,
    Project,
    changed,
    settled,
)


def test_an_index_is_one_non_transactional_revision(project: Project) -> None:
    index = (
        'sa.Index("ix_shops_lower", sa.text("lower(name)"), postgresql_where=sa.text("town > 1")),'
    )
    project.models(*changed(0, BEFORE[0][:-1] + ", index=True)"), arguments=index)
    found = project.revise()
    assert list(found) == ["expand, non-transactional"]
    text = found["expand, non-transactional"]
    assert 'op.create_index_concurrently(op.f("ix_shops_name"), "shops", ["name"])' in text
    assert 'op.drop_index_concurrently(op.f("ix_shops_name"), "shops")' in text
    assert "###" not in text
    assert "from alembic import op" not in text
    project.types()
    project.round_trip()
    assert project.run("SELECT 1 FROM pg_index WHERE NOT indisvalid") == []


def test_constraints_are_validated_apart(project: Project) -> None:
    project.models(
        *changed(1, 'town: Mapped[int | None] = mapped_column(sa.ForeignKey("towns.id"))'),
        arguments='sa.UniqueConstraint("name", "id"),',
    )
    done = project.rendering.run("make revision m=step")
    assert done.returncode != 0  # int becomes bigint with the foreign key
    assert "rewrite=shops.town" in done.stdout
    project.models(
        *changed(1, BEFORE[1].replace("sa.Integer()", 'sa.Integer(), sa.ForeignKey("towns.id")')),
        arguments='sa.UniqueConstraint("name", "id"),',
    )
    found = project.revise()
    assert list(found) == ["expand, non-transactional"]
    assert "op.add_foreign_key_validated(" in found["expand, non-transactional"]
    assert "op.add_unique_concurrently(" in found["expand, non-transactional"]
    project.run("INSERT INTO towns (id, name) VALUES (1, 'x')")
    project.round_trip()
    assert project.run("SELECT conname FROM pg_constraint WHERE NOT convalidated") == []
    project.run(
        "UPDATE shops SET town = NULL; DELETE FROM towns; ALTER SEQUENCE towns_id_seq RESTART"
    )


def test_a_new_not_null_column_with_a_python_default(project: Project) -> None:
    project.models(*BEFORE, "stars: Mapped[int] = mapped_column(sa.Integer(), default=3)")
    found = project.revise()
    assert list(found) == ["expand", "expand, non-transactional", "contract, non-transactional"]
    assert 'sa.Column("stars", sa.Integer(), nullable=True)' in found["expand"]
    assert 'op.backfill("shops", {"stars": 3}, key="id")' in found["expand, non-transactional"]
    assert "set_not_null" not in found["expand, non-transactional"]
    assert 'op.backfill("shops", {"stars": 3}, key="id")' in found["contract, non-transactional"]
    assert 'op.set_not_null("shops", "stars")' in found["contract, non-transactional"]
    project.types()
    project.round_trip()
    assert project.run("SELECT DISTINCT stars FROM shops") == [(3,)]


def test_only_defaults_that_the_database_would_have_are_copied(project: Project) -> None:
    """An enum's label is; what a decorator or a class would make of a value is asked for."""
    project.models(
        *BEFORE,
        "status: Mapped[Status] = mapped_column(default=Status.ACTIVE)",
        'other: Mapped[Status] = mapped_column(sa.Enum(Status, name="other",'
        " values_callable=lambda kind: [each.value for each in kind]), default=Status.GONE)",
        """quote: Mapped[str] = mapped_column(sa.String(9), default="it's 5%")""",
        "open: Mapped[bool] = mapped_column(default=True)",
        "ratio: Mapped[float] = mapped_column(default=0.5)",
        "word: Mapped[str] = mapped_column(sa.String(9), default=Status.ACTIVE)",
        "level: Mapped[int] = mapped_column(sa.Integer(), default=Level.LOW)",
        "price: Mapped[int] = mapped_column(Cents(), default=10)",
        'notes: Mapped[str] = mapped_column(sa.JSON(), default="none")',
        'most: Mapped[float] = mapped_column(default=float("inf"))',
    )
    found = project.revise()
    assert list(found) == ["expand", "expand, non-transactional", "contract, non-transactional"]
    for phase in ("expand, non-transactional", "contract, non-transactional"):
        written = dict(re.findall(r'op.backfill\("shops", {"(\w+)": (.+)}, key="id"', found[phase]))
        assert written == {
            "status": '"ACTIVE"',
            "other": '"gone"',
            "quote": '"it\'s 5%"',
            "open": "True",
            "ratio": "0.5",
            "word": "None",
            "level": "None",
            "price": "None",
            "notes": "None",
            "most": "None",
        }
    for name in project.files():
        path = project.folder / name
        text = path.read_text("utf-8").replace('"notes": None', '"notes": "{}"')
        path.write_text(text.replace('": None}', '": 1}'), "utf-8")
    project.round_trip()
    query = "SELECT DISTINCT status::text, other::text, quote, open, ratio FROM shops"
    assert project.run(query) == [("ACTIVE", "gone", "it's 5%", True, 0.5)]


def test_a_new_not_null_column_that_nobody_has_a_value_for(project: Project) -> None:
    project.models(*BEFORE, "owner: Mapped[str]")
    found = project.revise()
    assert "# Decide what the rows that are there get" in found["expand, non-transactional"]
    project.run(ROWS)
    done = project.rendering.run(".venv/bin/alembic upgrade head")
    assert done.returncode == 1
    assert "shops has rows, and the revision does not say what they get in owner" in done.stdout
    for name in project.files():
        path = project.folder / name
        text = path.read_text("utf-8")
        path.write_text(text.replace('{"owner": None}', '{"owner": sa.text("name || \'!\'")}'))
    project.round_trip()
    assert project.run("SELECT DISTINCT owner FROM shops") == [("n!",)]


def test_a_default_that_differs_from_row_to_row(project: Project) -> None:
    project.models(
        *BEFORE,
        "token: Mapped[str] = mapped_column(sa.UUID(), server_default=sa.func.gen_random_uuid())",
        "since: Mapped[str] = mapped_column(sa.DateTime(), server_default=sa.func.now())",
        'kind: Mapped[str] = mapped_column(sa.String(9), server_default="shop")',
    )
    found = project.revise()
    assert list(found) == ["expand", "expand, non-transactional"]
    assert 'sa.Column("token", sa.UUID(), nullable=True)' in found["expand"]
    assert "since" not in found["expand, non-transactional"]
    assert "kind" not in found["expand, non-transactional"]
    assert 'sa.text("gen_random_uuid()")' in found["expand, non-transactional"]
    assert 'op.set_not_null("shops", "token")' in found["expand, non-transactional"]
    file = "SELECT pg_relation_filenode('shops')"
    before = project.run(file)
    project.round_trip()
    assert project.run(file) == before  # it was never rewritten
    assert project.run("SELECT count(DISTINCT token) FROM shops") == [(50,)]


def test_not_null_is_the_contract(project: Project) -> None:
    project.models(*changed(0, "name: Mapped[str] = mapped_column(sa.String(70))"))
    found = project.revise()
    assert list(found) == ["expand", "contract, non-transactional"]
    assert "type_=sa.String(length=70)" in found["expand"]
    assert 'op.set_not_null("shops", "name")' in found["contract, non-transactional"]
    project.round_trip()


@pytest.mark.parametrize(
    ("place", "kind", "rewrites"),
    [
        (0, "str | None] = mapped_column(sa.String(20))", True),
        (0, "str | None] = mapped_column(sa.String(70))", False),
        (0, "str | None] = mapped_column(sa.Text())", False),
        (1, "int | None] = mapped_column(sa.BigInteger())", True),
    ],
)
def test_types_that_rewrite_the_table_have_to_be_named(
    project: Project, place: int, kind: str, rewrites: bool
) -> None:
    column = BEFORE[place].split(":")[0]
    project.models(*changed(place, f"{column}: Mapped[{kind}"))
    if not rewrites:
        assert list(project.revise()) == ["expand"]
        return
    name = f"shops.{column}"
    done = project.rendering.run("make revision m=step")
    assert done.returncode == 2
    assert "Error 5" in done.stderr
    assert f"This revision would change {name}" in done.stdout
    assert "add a column of the new type" in done.stdout
    done = project.rendering.run("make revision m=step rewrite=shops.nmae")
    assert "rewrite=shops.nmae names nothing" in done.stdout
    assert project.files() == project.first
    found = project.revise(f"-x rewrite={name}")
    assert list(found) == ["contract"]
    assert "# PostgreSQL rewrites shops for this" in found["contract"]
    project.round_trip()


def test_a_time_zone_rewrites_where_the_server_is_not_in_utc(project: Project) -> None:
    column = "since: Mapped[datetime.datetime | None] = mapped_column(sa.DateTime({}))"
    project.models(*BEFORE, column.format(""))
    project.revise()
    assert project.run("SHOW TimeZone") in ([("UTC",)], [("Etc/UTC",)])
    with settled(project):
        project.models(*BEFORE, column.format("timezone=True"))
        done = project.rendering.run("make revision m=step")
        assert "rewrite=shops.since" in done.stdout
        assert list(project.revise("-x rewrite=shops.since")) == ["contract"]
        project.round_trip()


def test_a_domain_is_checked_row_by_row(project: Project) -> None:
    """So PostgreSQL rewrites the table for a new column of it, with or without a default."""
    project.run("CREATE DOMAIN short AS text CHECK (length(VALUE) < 9)")
    kind = "postgresql.DOMAIN('short', sa.Text(), create_type=False)"
    project.models(
        *BEFORE,
        f"nick: Mapped[str | None] = mapped_column({kind})",
        f"kind: Mapped[str] = mapped_column({kind}, server_default='shop')",
    )
    try:
        done = project.rendering.run("make revision m=step")
        assert "rewrite=shops.nick,shops.kind" in done.stdout
        found = project.revise("-x rewrite=shops.nick,shops.kind")
        assert list(found) == ["expand"]
        assert found["expand"].count("# PostgreSQL rewrites shops for this") == 2
        project.round_trip()
        assert project.run("SELECT DISTINCT nick, kind FROM shops") == [(None, "shop")]
        project.alembic(f"downgrade {project.head}")
    finally:
        project.run("DROP DOMAIN short CASCADE")


def test_drops_are_the_contract(project: Project) -> None:
    """An index goes online; what ON CONFLICT may need stays until the old code is gone."""
    project.models(BEFORE[0], BEFORE[1])
    found = project.revise("-x drop=shops.street,shops.code")
    assert list(found) == ["expand, non-transactional", "contract"]
    assert "op.drop_index_concurrently(" in found["expand, non-transactional"]
    assert "uq_shops_code" not in found["expand, non-transactional"]
    for part in ('op.drop_constraint(op.f("uq_shops_code")', 'op.drop_column("shops", "street")'):
        assert part in found["contract"]
    project.round_trip()


def test_a_dropped_column_that_new_rows_would_need(project: Project) -> None:
    """The new code, which comes before the contract, writes rows without it."""
    rank = 'rank: Mapped[int] = mapped_column("Rank: 5%", sa.Integer())'
    project.models(*BEFORE, rank)
    project.revise()
    with settled(project):
        project.models(*BEFORE)
        found = project.revise("-x 'drop=shops.Rank: 5%'")
        assert list(found) == ["expand", "contract"]
        assert "nullable=True" in found["expand"]
        assert 'op.drop_column("shops", "Rank: 5%")' in found["contract"]
        old_code, new_code = (
            """INSERT INTO shops ("Rank: 5%") VALUES (1)""",
            "INSERT INTO shops DEFAULT VALUES",
        )
        is_not_null = "SELECT attnotnull FROM pg_attribute WHERE attname = 'Rank: 5%'"
        project.run(old_code)
        project.alembic("upgrade +1")
        project.run(old_code)
        project.alembic("downgrade -1")
        assert project.run(is_not_null) == [(True,)]
        project.alembic("upgrade +1")
        project.run(new_code)
        project.alembic("upgrade +1")
        project.run(new_code)
        # As far as it can go: the rows are there, and have no value.
        project.alembic(f"downgrade {project.head}")
        assert project.run(is_not_null) == [(False,)]
        project.run(old_code)
        project.round_trip()
        project.run("DELETE FROM shops")


def test_a_column_that_fills_itself_is_dropped_in_one_step(project: Project) -> None:
    project.models(*BEFORE, "stars: Mapped[int] = mapped_column(server_default='3')")
    project.revise()
    with settled(project):
        project.models(*BEFORE)
        assert list(project.revise("-x drop=shops.stars")) == ["contract"]
        project.round_trip()


def test_a_default_goes_when_no_old_code_relies_on_it(project: Project) -> None:
    project.models(
        *BEFORE, "kind: Mapped[str] = mapped_column(sa.String(9), server_default='shop')"
    )
    project.revise()
    with settled(project):
        project.models(*BEFORE, "kind: Mapped[str] = mapped_column(sa.String(20), comment='new')")
        found = project.revise()
        assert list(found) == ["expand", "contract"]
        assert "type_=sa.String(length=20)" in found["expand"]
        assert "comment=" in found["expand"]
        assert "server_default=None" in found["contract"]
        project.alembic("upgrade +1")
        project.run("INSERT INTO shops DEFAULT VALUES")
        project.round_trip()


def test_a_constraint_that_changes_under_its_name(project: Project) -> None:
    column = BEFORE[1].replace(
        "sa.Integer()", 'sa.Integer(), sa.ForeignKey("towns.id", ondelete="CASCADE")'
    )
    project.models(*changed(1, column.replace(', ondelete="CASCADE"', "")))
    project.revise()
    project.run("INSERT INTO towns (id, name) VALUES (1, 'x')")
    project.alembic("upgrade head")
    before = project.files()
    project.models(*changed(1, column))
    project.alembic("revision --autogenerate -m again")
    (name,) = set(project.files()) - set(before)
    text = (project.folder / name).read_text("utf-8")
    assert text.index("drop_constraint_if_exists") < text.index("add_foreign_key_validated")
    project.round_trip()
    query = "SELECT confdeltype::text FROM pg_constraint WHERE conname = 'fk_shops_town_towns'"
    assert project.run(query) == [("c",)]
    project.run("DELETE FROM towns")


def test_a_new_table_stays_plain(project: Project) -> None:
    path = project.rendering.path / "app/models/another.py"
    project.models(*BEFORE)
    text = (
        MODELS[: MODELS.index("class Town")].replace("shops", "markets").replace("Shop", "Market")
    )
    columns = """name: Mapped[str] = mapped_column(index=True)
    town: Mapped[int] = mapped_column(sa.ForeignKey("towns.id"))"""
    path.write_text(text.format(columns=columns, arguments=""), "utf-8")
    try:
        found = project.revise()
        assert list(found) == ["expand"]
        assert "concurrently" not in found["expand"]
        assert "from alembic import op" in found["expand"]
        project.round_trip()
    finally:
        path.unlink()


def test_one_line_turns_it_off(project: Project) -> None:
    ini = project.rendering.path / "alembic.ini"
    text = ini.read_text("utf-8")
    project.models(*changed(0, "name: Mapped[str] = mapped_column(sa.String(20), index=True)"))
    try:
        ini.write_text(text.replace("lock_safe = true", "lock_safe = false"), "utf-8")
        found = project.revise()
        assert list(found) == ["expand"]
        assert "op.create_index(" in found["expand"]
        assert "nullable=False" in found["expand"]
        project.round_trip()
        ini.write_text(text.replace("lock_safe = true", "lock_safe = maybe"), "utf-8")
        done = project.rendering.run(".venv/bin/alembic revision --autogenerate -m x")
        assert "lock_safe in the ini is true or false, not 'maybe'" in done.stdout
    finally:
        ini.write_text(text, "utf-8")


def test_a_name_of_the_revision_that_was_asked_for(project: Project) -> None:
    project.models(*BEFORE, "stars: Mapped[int] = mapped_column(sa.Integer(), default=3)")
    done = project.rendering.run(".venv/bin/alembic revision --autogenerate -m x --rev-id 0007")
    assert done.returncode == 0, done.stderr
    names = [name for name in project.files() if name not in project.first]
    assert [re.findall(r"-(\w+?)_x_(\w+)\.py", name)[0] for name in names] == [
        ("0007", "expand"),
        ("0007b", "expand_non_transactional"),
        ("0007c", "contract"),
    ]


def test_alembic_check_sees_everything(project: Project) -> None:
    """Called by a program too, which has no command line to be known by."""
    project.models(*BEFORE, "stars: Mapped[int] = mapped_column(sa.Integer(), default=3)")
    code = (
        "from alembic import command; from alembic.config import Config\n"
        "try: command.check(Config('alembic.ini'))\n"
        "except Exception as error: print(error)\n"
    )
    (project.rendering.path / "checks.py").write_text(code, "utf-8")
    for goal in (".venv/bin/alembic check", ".venv/bin/python checks.py"):
        done = project.rendering.run(goal)
        assert "New upgrade operations detected" in done.stdout + done.stderr
        assert "stars" in done.stdout + done.stderr
    assert project.files() == project.first
