"""Constraints that are replaced together with what refers to them, or by one of another kind."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import DBAPIError

from migrator import catalog
from migrator.errors import MigratorError
from tests.autogenerate.changing import HEAD, Change, Workshop, prove, table
from tests.autogenerate.test_new_objects import begin

PARENT = """
class P(Base):
    __tablename__ = "p"
    __table_args__ = ({arguments})
    {columns}


"""
CHILD = """
class K(Base):
    __tablename__ = "k"
    __table_args__ = ({arguments})
    id: Mapped[PrimaryKey]
    p_id: Mapped[int | None] = mapped_column(BigInteger)
    p_u: Mapped[int | None]
    p_n: Mapped[int | None]
"""
COLUMNS = """id: Mapped[int] = mapped_column(BigInteger, primary_key={}, autoincrement=False)
    u: Mapped[int] = mapped_column(primary_key={}, autoincrement=False)
    n: Mapped[int] = mapped_column(primary_key={}, autoincrement=False)
    up: Mapped[int | None] = mapped_column(BigInteger)"""
ROWS = """INSERT INTO {0}p VALUES (1, 7, 3, 1), (2, 8, 3, 1);
INSERT INTO k (p_id, p_u, p_n) VALUES (1, 7, 3), (NULL, NULL, NULL)"""


def key(columns: str, foreign: str, more: str = "", schema: str = "") -> str:
    """A table whose primary key are `columns` (of i, u, n), and another that refers to it."""
    chosen = COLUMNS.format(*(each in columns for each in "iun"))
    arguments = f"{more}{{'schema': '{schema}'}}" if schema else more
    return (
        HEAD + PARENT.format(arguments=arguments, columns=chosen) + CHILD.format(arguments=foreign)
    )


def foreign(columns: str, target: str, name: str = "f", more: str = "") -> str:
    """A foreign key."""
    own, other = columns.split(), target.split()
    return f"ForeignKeyConstraint({own}, {other}, name={name!r}{more}),"


OLD, NEW = foreign("p_id", "p.id"), foreign("p_u", "p.u")
MOVED = {
    "same name": (key("i", OLD), key("u", NEW)),
    "other name": (key("i", OLD), key("u", foreign("p_u", "p.u", "g"))),
    "two": (
        key("i", OLD + foreign("p_id", "p.id", "h")),
        key("u", NEW + foreign("p_n", "p.u", "h", ", ondelete='CASCADE'")),
    ),
    "of two columns": (key("i", OLD), key("in", foreign("p_id p_n", "p.id p.n"))),
    "to fewer columns": (key("in", foreign("p_id p_n", "p.id p.n")), key("i", OLD)),
    "of the table itself": (
        key("i", "", foreign("up", "p.id", "own")),
        key("u", "", foreign("n", "p.u", "own")),
    ),
    "in another schema": (
        key("i", foreign("p_id", "S.p.id"), schema="S"),
        key("u", foreign("p_u", "S.p.u"), schema="S"),
    ),
}


@pytest.mark.parametrize("name", MOVED)
def test_foreign_keys_move_with_the_primary_key(workshop: Workshop, name: str) -> None:
    before, after = MOVED[name]
    rows = ROWS.format('"S".' if "schema" in name else "")
    if name == "two":
        rows = rows.replace("(1, 7, 3), (NULL", "(1, 7, NULL), (NULL")
    if name == "of the table itself":
        rows = "INSERT INTO p VALUES (1, 3, 3, 1)"
    prove(workshop, Change(before, after, rows=rows))


def test_rows_that_refer_to_nothing_leave_the_old_keys(workshop: Workshop) -> None:
    before, after = MOVED["same name"]
    begin(workshop, before)
    workshop.models(after)
    assert workshop.revise().code == 0
    workshop.run(ROWS.format("") + "; INSERT INTO k (p_id, p_u) VALUES (1, 99)")
    there = workshop.schema()
    with pytest.raises((MigratorError, DBAPIError), match="f was not replaced: rows of k violate"):
        workshop.upgrade()
    (found,) = catalog.diff(there, workshop.schema())
    assert found.key.name == ("public", "p", "pk_p_replacement")
    workshop.run("DELETE FROM k WHERE p_u = 99")
    workshop.upgrade()
    assert workshop.differences() == []


UP = "up: Mapped[int | None] = mapped_column(BigInteger)"
OF_ONE_NAME = {
    "check": "CheckConstraint('a >= 0', name='u')",
    "unique": "UniqueConstraint('id', 'a', name='ck_t_u')",
    "foreign key": "ForeignKeyConstraint(['up'], ['t.id'], name='ck_t_u')",
}


@pytest.mark.parametrize("before", OF_ONE_NAME)
@pytest.mark.parametrize("after", OF_ONE_NAME)
def test_a_constraint_becomes_one_of_another_kind(
    workshop: Workshop, before: str, after: str
) -> None:
    if before != after:
        first, second = (table(UP, f"({OF_ONE_NAME[each]},)") for each in (before, after))
        prove(workshop, Change(first, second))
