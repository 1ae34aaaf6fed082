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
    assert "rewrite=shops.town" in done.stderr
    project.models(
        *changed(1, BEFORE[1].replace("sa.Integer()", 'sa.Integer(), sa.ForeignKey("towns.id")')),
        arguments='sa.UniqueConstraint("name", "id"),',
    )
    found = project.revise()
    assert list(found) == ["contract, non-transactional"]  # old code may write what they forbid
    assert "op.add_foreign_key_validated(" in found["contract, non-transactional"]
    assert "op.add_unique_concurrently(" in found["contract, non-transactional"]
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
    ("place", "kind", "asks"),
    [
        (0, "str | None] = mapped_column(sa.String(20))", "lose"),
        (0, "str | None] = mapped_column(sa.String(70))", ""),
        (0, "str | None] = mapped_column(sa.Text())", ""),
        (1, "int | None] = mapped_column(sa.BigInteger())", "rewrite"),
    ],
)
def test_types_that_rewrite_the_table_have_to_be_named(
    project: Project, place: int, kind: str, asks: str
) -> None:
    column = BEFORE[place].split(":")[0]
    project.models(*changed(place, f"{column}: Mapped[{kind}"))
    if not asks:
        assert list(project.revise()) == ["expand"]
        return
    name = f"shops.{column}"
    done = project.rendering.run("make revision m=step")
    assert done.returncode == 2
    assert "Error 5" in done.stderr
    said = done.stdout + done.stderr
    assert "This revision would change" in said
    assert f"{name} (" in said or f"change {name}" in said
    assert "add a column of the new type" in said
    done = project.rendering.run("make revision m=step rewrite=shops.nmae")
    assert "rewrite=shops.nmae names nothing" in done.stdout + done.stderr
    assert project.files() == project.first
    found = project.revise(f"-x {asks}={name}")
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
        assert "rewrite=shops.since" in done.stderr
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
        done = project.rendering.run(".venv/bin/alembic revision --autogenerate -m step")
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
    """What is on a column goes with it, and comes back with it."""
    project.models(BEFORE[0], BEFORE[1])
    found = project.revise("-x drop=shops.street,shops.code")
    assert list(found) == ["contract"]
    upgrade, downgrade = found["contract"].split("def downgrade")
    assert 'op.drop_column("shops", "street")' in upgrade
    for name in ("uq_shops_code", "ix_shops_street"):
        assert name not in upgrade
        assert name in downgrade
    project.round_trip()


def test_what_columns_share_goes_with_the_first(project: Project) -> None:
    """Over several columns, with a predicate, included, and in a CHECK constraint."""
    project.models(
        *BEFORE,
        arguments="""
        sa.Index("ix_two", "name", "town"), sa.Index("ix_expression", sa.text("lower(name)")),
        sa.Index("ix_where", "town", postgresql_where=sa.text("name IS NULL")),
        sa.CheckConstraint("name <> street", name="differ"), sa.Index("ix_town", "town"),
        sa.UniqueConstraint("town", "name", "id"),""",
    )
    project.revise()
    with settled(project):
        project.run("CREATE INDEX ix_include ON shops (town) INCLUDE (name)")
        project.models(*BEFORE[1:], arguments='sa.Index("ix_town", "town"),')
        found = project.revise("-x drop=shops.name")
        assert list(found) == ["contract"]
        upgrade, downgrade = found["contract"].split("def downgrade")
        assert upgrade.count("op.") == 1
        assert downgrade.count("op.create_index(") == 3
        assert downgrade.count("op.replace_index(") == 1  # an expression is written as SQL
        project.round_trip()
    project.run("DROP INDEX ix_include")


def test_what_old_code_uses_is_dropped_in_the_contract(project: Project) -> None:
    """An index makes it fast, or serves ON CONFLICT; a constraint keeps its promise."""
    arguments = 'sa.CheckConstraint("town > 0", name="town"), sa.UniqueConstraint("town", "id"),'
    project.models(*BEFORE, arguments=arguments)
    project.revise()
    with settled(project):
        project.models(*changed(2, "street: Mapped[str | None]"))
        found = project.revise()
        assert list(found) == ["contract, non-transactional", "contract"]
        assert "op.drop_index_concurrently(" in found["contract, non-transactional"]
        assert found["contract"].split("def downgrade")[0].count("op.drop_constraint(") == 2
        project.round_trip()


@pytest.mark.parametrize(
    ("column", "arguments", "expected"),
    [
        ("kind: Mapped[str | None]", 'sa.UniqueConstraint("kind")', "expand"),
        (
            "kind: Mapped[str | None]",
            'sa.Index("ix_kind", sa.text("lower(kind)"), unique=True)',
            "expand",
        ),
        ("kind: Mapped[str | None]", 'sa.CheckConstraint("kind <> \'x\'", name="kind")', "expand"),
        (
            "kind: Mapped[str | None]",
            'sa.CheckConstraint("kind IS NOT NULL OR id < 0", name="k")',
            "contract",
        ),
        ("kind: Mapped[str | None]", 'sa.UniqueConstraint("kind", "name")', "contract"),
        (
            "kind: Mapped[str | None]",
            'sa.Index("ix_kind", "kind", unique=True, postgresql_nulls_not_distinct=True)',
            "contract",
        ),
        ('kind: Mapped[int | None] = mapped_column(sa.ForeignKey("towns.id"))', "", "expand"),
        (
            'kind: Mapped[int] = mapped_column(sa.ForeignKey("towns.id"), server_default="1")',
            "",
            "contract",
        ),
        ("kind: Mapped[str] = mapped_column(unique=True, default='x')", "", "expand"),
    ],
)
def test_a_rule_on_new_columns(
    project: Project, column: str, arguments: str, expected: str
) -> None:
    """The old code cannot violate it, unless a row without them does."""
    project.models(*BEFORE, column, arguments=f"{arguments}," if arguments else "")
    found = project.revise()
    made = re.compile(r"op\.(add_unique|add_check|add_foreign|create_index)\w+\(")
    (written,) = [name for name, text in found.items() if made.search(text.split("def down")[0])]
    assert written == f"{expected}, non-transactional"


def test_a_replaced_default_is_the_contract(project: Project) -> None:
    """The old code may leave the column out; a first default is for the new code."""
    kind = "kind: Mapped[str | None] = mapped_column(server_default='{}')"
    project.models(*BEFORE, kind.format("old"))
    project.revise()
    with settled(project):
        named = changed(0, "name: Mapped[str | None] = mapped_column(server_default='none')")
        project.models(*named, kind.format("new"))
        found = project.revise()
        assert list(found) == ["expand", "contract"]
        assert '"none"' in found["expand"]
        assert '"new"' in found["contract"]
        project.round_trip()


def test_an_index_that_needs_the_new_type_comes_after_it(project: Project) -> None:
    column = 'town: Mapped[int | None] = mapped_column(sa.BigInteger(), sa.ForeignKey("towns.id"))'
    project.models(*changed(1, column), arguments='sa.Index("ix_town", "town", "name"),')
    found = project.revise("-x rewrite=shops.town")
    assert list(found) == ["contract"], found
    text = found["contract"]
    for later in ("op.create_index(", "op.create_foreign_key("):
        assert text.index("op.alter_column(") < text.index(later)
    project.run("INSERT INTO towns (id, name) VALUES (1, 'x')")
    project.round_trip()
    project.run("UPDATE shops SET town = NULL; DELETE FROM towns")


def test_an_index_that_moves_to_another_table(project: Project) -> None:
    """Its name has to be free first, so it is not left to the column that goes."""
    path = project.rendering.path / "app/models/shop.py"
    project.models(
        *BEFORE,
        "moved: Mapped[int | None] = mapped_column()",
        arguments='sa.Index("ix_moved", "moved"),',
    )
    project.revise()
    with settled(project):
        project.models(*BEFORE)
        text = path.read_text("utf-8")
        end = (
            '    moved: Mapped[int | None]\n    __table_args__ = (sa.Index("ix_moved", "moved"),)\n'
        )
        path.write_text(text + end, "utf-8")
        found = project.revise("-x drop=shops.moved")
        assert list(found) == ["expand", "contract, non-transactional", "contract"]
        text = found["contract, non-transactional"]
        assert text.index("op.drop_index_concurrently(") < text.index("op.create_index_conc")
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
        back = 'op.set_not_null("shops", "Rank: 5%", if_filled=True, plain=True)'
        assert back in found["expand"]
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
    upgrade = text.partition("def downgrade")[0]
    assert "op.replace_constraint(" in upgrade
    assert "ON DELETE CASCADE" in upgrade
    assert "op.drop" not in upgrade
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
        found = project.revise("-x lose=shops.name")
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
