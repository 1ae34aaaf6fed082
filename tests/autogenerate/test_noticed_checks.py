"""Checks in the models: what autogenerate notices of them, and what it must not."""

from __future__ import annotations

import re
import sqlite3

import pytest

from tests.autogenerate.autogenerating import BEFORE, Project, changed
from tests.conftest import Render, Rendering


def check(condition: str, name: str = "town") -> str:
    return f'sa.CheckConstraint({condition!r}, name="{name}"),'


def conditions(project: Project) -> list[tuple[object, ...]]:
    return project.run(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'c' AND conrelid = 'shops'::regclass ORDER BY 1"
    )


def test_a_new_check_is_validated_apart(project: Project) -> None:
    project.models(*BEFORE, arguments=check("town > 0"))
    found = project.revise()
    assert list(found) == ["contract, non-transactional"]
    added = """op.add_check_validated(op.f("ck_shops_town"), "shops", "town > 0")"""
    assert added in found["contract, non-transactional"].replace(
        """(
        op.f("ck_shops_town"), "shops", "town > 0"
    )""",
        """(op.f("ck_shops_town"), "shops", "town > 0")""",
    )
    project.types()
    project.round_trip()
    assert conditions(project) == [("ck_shops_town", "CHECK ((town > 0))")]


@pytest.mark.parametrize(
    "type_",
    [
        'sa.Integer(), sa.CheckConstraint("kind > 0", name="town")',
        'sa.Enum("x", "y", name="town", native_enum=False, create_constraint=True)',
    ],
    ids=["of a column", "of an enum"],
)
def test_a_check_that_a_column_brings(project: Project, type_: str) -> None:
    """It comes with the column, and is not seen as missing, or as too many, from then on."""
    project.models(*BEFORE, f"kind: Mapped[object | None] = mapped_column({type_})")
    project.revise()
    project.round_trip()
    assert [name for name, _ in conditions(project)] == ["ck_shops_town"]


def test_a_percent_sign_stays_one(project: Project) -> None:
    """Drivers want two; Alembic wrote those into the revision, and then into the database."""
    project.models(
        *BEFORE,
        'rate: Mapped[str] = mapped_column(server_default="5%")',
        """fee: Mapped[str] = mapped_column(server_default=sa.text("'6%' || 'x'"))""",
        """due: Mapped[str] = mapped_column(sa.String(20), sa.Computed("name || '7%'"))""",
        arguments=check("rate <> '1%'")
        + """ sa.Index("ix_shops_off", "town", postgresql_where=sa.text("name LIKE '2%'")),"""
        + """ sa.Index("ix_shops_per", sa.text("(name || '3%')")),""",
    )
    texts = project.revise()
    assert "%%" not in "".join(texts.values())
    project.round_trip()
    ((dumped,),) = project.run(
        "SELECT string_agg(pg_get_expr(adbin, adrelid), ' ') FROM pg_attrdef"
        " WHERE adrelid = 'shops'::regclass"
    )
    dumped = f"{dumped} {conditions(project)} " + str(
        project.run("SELECT indexdef FROM pg_indexes WHERE tablename = 'shops'")
    )
    assert "%%" not in dumped
    assert {f"{number}%" for number in (1, 2, 3, 5, 6, 7)} <= set(re.findall(r"\d%", dumped))


def test_another_condition_under_the_same_name(project: Project) -> None:
    project.models(*BEFORE, arguments=check("town > 0"))
    project.revise()
    project.alembic("upgrade head")
    head, before = project.head, project.first
    project.head = project.alembic("heads").split()[0]
    project.first = project.files()
    try:
        project.models(*BEFORE, arguments=check("town >= 0 AND name LIKE '100%'"))
        assert "ck_shops_town" in project.rendering.run(".venv/bin/alembic check").stdout
        found = project.revise()
        assert list(found) == ["contract, non-transactional"]
        assert "op.replace_constraint(" in found["contract, non-transactional"]
        project.alembic("upgrade head")
        assert "No new upgrade" in project.alembic("check")
        assert ">= 0" in str(conditions(project)[0][1])
        project.alembic(f"downgrade {project.head}")
        assert conditions(project) == [("ck_shops_town", "CHECK ((town > 0))")]
    finally:
        project.head, project.first = head, before


@pytest.mark.parametrize(
    "condition",
    [
        "code IN ('a', 'b')",
        "code NOT IN ('a') OR town BETWEEN 1 AND 5",
        "name ~ '^x%' AND NOT (town IS NULL)",
        "length(name) < 10 AND coalesce(street, '') <> ''",
        "CASE WHEN town = 1 THEN name = 'n' ELSE true END",
        "(town)::text <> 'y:z' AND code LIKE 'a%'",
    ],
)
def test_how_postgresql_writes_a_condition_is_no_difference(
    project: Project, condition: str
) -> None:
    """Neither as it is written first, nor as a dump has it, nor after a column's type changed."""
    project.models(*BEFORE, arguments=check(condition))
    project.revise()
    project.alembic("upgrade head")
    assert "No new upgrade" in project.alembic("check")
    definition = conditions(project)[0][1]
    project.run("ALTER TABLE shops DROP CONSTRAINT ck_shops_town")
    project.run(f"ALTER TABLE shops ADD CONSTRAINT ck_shops_town {definition}")
    assert "No new upgrade" in project.alembic("check")
    wider = changed(0, "name: Mapped[str | None] = mapped_column(sa.Text())")
    project.models(*wider, arguments=check(condition))
    project.alembic("revision --autogenerate -m wider")
    project.alembic("upgrade head")
    assert "No new upgrade" in project.alembic("check")


def test_a_check_that_went_with_its_column(project: Project) -> None:
    project.models(*BEFORE, "kind: Mapped[int | None]", arguments=check("kind > town"))
    project.revise()
    project.alembic("upgrade head")
    project.models(*BEFORE)
    project.alembic("-x drop=shops.kind revision --autogenerate -m gone")
    project.alembic("upgrade head")
    assert conditions(project) == []
    assert "No new upgrade" in project.alembic("check")
    project.alembic("downgrade -1")
    assert [name for name, _ in conditions(project)] == ["ck_shops_town"]


def test_on_sqlite_checks_are_compared_by_name(ready: Render) -> None:
    project: Rendering = ready(database="sqlite")
    model = """from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped

from app.models.base import Base, PrimaryKey


class Shop(Base):
    __tablename__ = "shops"
    __table_args__ = ({checks})

    id: Mapped[PrimaryKey]
    town: Mapped[int]
"""
    path = project.path / "app/models/shop.py"
    for name, checks in {
        "plain": "",
        "added": check("town > 0").replace("sa.", ""),
        "renamed": check("town > 1", "place").replace("sa.", ""),
    }.items():
        path.write_text(model.format(checks=checks), "utf-8")
        project.make("migrate")
        project.make(f"revision m={name}")
        project.make("migrate")
        assert "No new upgrade" in project.run(".venv/bin/alembic check").stdout
    project.make("downgrade to=-2")
    project.make("migrate")
    with sqlite3.connect(project.path / "my_service.db") as database:
        ((schema,),) = database.execute("SELECT sql FROM sqlite_master WHERE name = 'shops'")
    assert "CONSTRAINT ck_shops_place CHECK (town > 1)" in schema
    assert "ck_shops_town" not in schema
