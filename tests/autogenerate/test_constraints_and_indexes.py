"""Indexes and constraints of every kind that come, go, and are replaced."""

from __future__ import annotations

import pytest

from tests.autogenerate.changing import Change, Workshop, prove, table


def arguments(before: str, after: str, columns: str = "", **more: object) -> Change:
    """A change of `__table_args__`."""
    return Change(table(columns, before), table(columns, after), **more)  # type: ignore[arg-type]


RANGE = "r: Mapped[Any] = mapped_column(INT4RANGE, nullable=True)"
C = "c: Mapped[int | None]"
LIVE = "(Index('uq_live', 'id', 'b', unique=True, postgresql_where=text({!r})),)"
B = "(Index('ix_b', 'b'{}),)"
UQ = "(UniqueConstraint('id', 'b', name='uq_b'{}),)"
EXCLUDE = "(ExcludeConstraint(('r', '&&'), name='ex_t_r', using='gist'{}),)"

CHANGES = {
    # Indexes.
    "index added": arguments("", B.format("")),
    "index dropped": arguments(B.format(""), ""),
    "partial unique changes": arguments(LIVE.format("a > 0"), LIVE.format("a > 5")),
    "becomes partial": arguments(B.format(""), B.format(", postgresql_where=text('a IS NULL')")),
    "no longer partial": arguments(B.format(", postgresql_where=text('a > 1')"), B.format("")),
    "include": arguments(B.format(""), B.format(", postgresql_include=['a']")),
    "include goes": arguments(B.format(", postgresql_include=['a']"), B.format("")),
    "operator class": arguments(
        B.format(""), B.format(", postgresql_ops={'b': 'varchar_pattern_ops'}")
    ),
    "method": arguments(B.format(""), B.format(", postgresql_using='hash'")),
    "parameters": arguments(B.format(""), B.format(", postgresql_with={'fillfactor': 70}")),
    "parameters change": arguments(
        B.format(", postgresql_with={'fillfactor': 70}"),
        B.format(", postgresql_with={'fillfactor': 80}"),
    ),
    "descending": arguments(B.format(""), "(Index('ix_b', text('b DESC NULLS LAST')),)"),
    "more columns": arguments(B.format(""), B.format(", 'a'")),
    "fewer columns": arguments(B.format(", 'a'"), B.format("")),
    "other order": arguments("(Index('ix_b', 'a', 'b'),)", "(Index('ix_b', 'b', 'a'),)"),
    "expression": arguments(B.format(""), "(Index('ix_b', text('lower(b)')),)"),
    "expression goes": arguments("(Index('ix_b', text('lower(b)'), 'a'),)", ""),
    "other expression": arguments(
        "(Index('ix_b', text('lower(b)')),)", "(Index('ix_b', text('upper(b)')),)"
    ),
    "becomes unique": arguments(B.format(", 'id'"), B.format(", 'id', unique=True")),
    "no longer unique": arguments(B.format(", 'id', unique=True"), B.format(", 'id'")),
    "function index": arguments(
        "",
        "(Index('ix_ts', text(\"to_tsvector('english'::regconfig, b)\"), postgresql_using='gin'),)",
    ),
    "operator class of an expression goes": arguments(
        "(Index('ix_b', text('lower(b) text_pattern_ops'), postgresql_include=['a']),)", ""
    ),
    "index of another table": Change(
        table("n: Mapped[int | None]", "", "Table('u', Base.metadata, Column('id', Integer,"
              " primary_key=True), Column('n', Integer), Index('ix_n', 'n'))"),
        table("n: Mapped[int | None]", "(Index('ix_n', 'n'),)", "Table('u', Base.metadata,"
              " Column('id', Integer, primary_key=True), Column('n', Integer))"),
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_is_written_and_right_both_ways(workshop: Workshop, name: str) -> None:
    prove(workshop, CHANGES[name])
