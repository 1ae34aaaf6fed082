"""Changed columns of existing tables, on PostgreSQL."""

from __future__ import annotations

import pytest

from tests.autogenerate.changing import Change, Workshop, prove, table

NUMBERED = "INSERT INTO t (a, b, n) SELECT g % 10, 'v' || g, g FROM generate_series(1, 100) g"


def column(definition: str) -> str:
    """The models with one more column, c."""
    return table(f"c: Mapped[Any] = mapped_column({definition}, nullable=True)")


def computed(expression: str, kind: str = "BigInteger", more: str = "") -> str:
    return column(f"{kind}, Computed({expression!r}, persisted=True){more}")


REWRITE = {"rewrite": "t.c"}
LOSE = {"lose": "t.c"}
CHANGES = {
    "computed_changed": Change(computed("a * 2"), computed("a * 3"), REWRITE),
    "computed_to_plain": Change(computed("a * 2"), column("BigInteger")),
    "plain_to_computed": Change(column("BigInteger"), computed("a * 2"), LOSE),
    "computed_indexed": Change(
        computed("a * 2", more=", index=True"), computed("a * 3", more=", index=True"), REWRITE
    ),
    "computed_text": Change(
        computed("coalesce(b, '') || ':x'", "Text"), computed("upper(b) || '%'", "Text"), REWRITE
    ),
    "computed_type": Change(computed("a * 2", "Integer"), computed("a * 2", "BigInteger"), REWRITE),
    "collation": Change(column("String(20)"), column("String(20, collation='C')")),
    "collation_gone": Change(column("Text(collation='C')"), column("Text")),
    "array": Change(column("Integer"), column("ARRAY(Integer)"), REWRITE),
    "numeric_unbounded": Change(column("Numeric(10, 2)"), column("Numeric()")),
    "longer": Change(column("String(20)"), column("String(40)")),
    "default_with_quote": Change(table(), column('Text, server_default="it\'s"')),
    "default_quote_changes": Change(
        column('Text, server_default="it\'s"'), column("Text, server_default='50% :x'")
    ),
    "json_default": Change(table(), column("JSON, server_default='{}'")),
    "json_default_changes": Change(
        column("JSON, server_default='{}'"), column("JSON, server_default='[]'")
    ),
    "json_array_default": Change(table(), column("ARRAY(JSON), server_default='{}'")),
    "default_and_type": Change(
        column("Integer, server_default='1'"), column("String(9), server_default='low'"), REWRITE
    ),
    "volatile_default": Change(table(), column("Text, server_default=text('md5(random()::text)')")),
    "uuid": Change(column("Text"), column("Uuid"), REWRITE),
    "boolean": Change(column("Integer"), column("Boolean"), REWRITE),
    "text_array": Change(column("ARRAY(Text)"), column("ARRAY(Numeric)"), REWRITE),
    "comment": Change(column("Text, comment='one'"), column('Text, comment="it\'s two"')),
}


@pytest.mark.parametrize("name", CHANGES)
def test_is_written_and_right_both_ways(workshop: Workshop, name: str) -> None:
    prove(workshop, CHANGES[name])


def numbered(definition: str) -> str:
    """The models with one more column, n."""
    return table(f"n: Mapped[int] = mapped_column({definition})")


def key(definition: str, rest: str = "") -> str:
    """A table s whose key is defined so, and what follows it."""
    return (
        table()
        + f"""
class S(Base):
    __tablename__ = "s"
    id: Mapped[int] = mapped_column({definition}, primary_key=True)
    name: Mapped[str | None]

{rest}
"""
    )


CHILD = """
class C(Base):
    __tablename__ = "c"
    id: Mapped[PrimaryKey]
    s_id: Mapped[int | None] = mapped_column({kind}, ForeignKey("s.id"))
"""
KEYS = "INSERT INTO s (name) SELECT 'v' || g FROM generate_series(1, 50) g"
SEQUENCES = {
    "identity_added": Change(numbered("Integer"), numbered("Integer, Identity()"), rows=NUMBERED),
    "identity_always": Change(
        numbered("BigInteger"),
        numbered("BigInteger, Identity(always=True, start=1000, increment=5)"),
        rows=NUMBERED,
    ),
    "identity_removed": Change(numbered("Integer, Identity()"), numbered("Integer")),
    "identity_options": Change(
        numbered("Integer, Identity(start=10)"),
        numbered("Integer, Identity(always=True, increment=2, cycle=True, maxvalue=100000)"),
    ),
    "identity_down": Change(
        numbered("Integer, Identity()"), numbered("Integer, Identity(increment=-1)")
    ),
    "identity_bigint": Change(
        numbered("Integer, Identity()"), numbered("BigInteger, Identity()"), {"rewrite": "t.n"}
    ),
    "identity_text": Change(numbered("Integer, Identity()"), numbered("Text"), {"rewrite": "t.n"}),
    "default_to_identity": Change(
        numbered("Integer, server_default='1'"), numbered("Integer, Identity()"), rows=NUMBERED
    ),
    "serial_to_identity": Change(key("BigInteger"), key("BigInteger, Identity()"), rows=KEYS),
    "identity_to_serial": Change(key("Integer, Identity(always=True)"), key("Integer"), rows=KEYS),
    "bigint_key": Change(
        key("Integer", CHILD.format(kind="Integer")),
        key("BigInteger", CHILD.format(kind="BigInteger")),
        {"rewrite": "s.id,c.s_id"},
        rows=KEYS,
    ),
    "smallint_identity_key": Change(
        key("SmallInteger, Identity()"), key("Integer"), {"rewrite": "s.id"}, rows=KEYS
    ),
    "serial_gone": Change(key("Integer"), key("Integer, autoincrement=False"), rows=KEYS),
    "serial_dropped": Change(key("Integer"), table(), {"drop": "s"}, rows=KEYS),
}


@pytest.mark.parametrize("name", SEQUENCES)
def test_numbering_is_right_both_ways(workshop: Workshop, name: str) -> None:
    prove(workshop, SEQUENCES[name])
