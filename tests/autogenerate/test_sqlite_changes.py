"""Changes of models on SQLite: nothing of a table may get lost when it is rebuilt."""

from __future__ import annotations

import pytest

from tests.autogenerate.changing import SQLITE_ROWS, Change, Workshop, prove, table

pytestmark = pytest.mark.parametrize("workshop", ["sqlite"], indirect=True)

X = "x: Mapped[int]"
EVERYTHING = """
n: Mapped[str | None] = mapped_column(String(50, collation="NOCASE"))
g: Mapped[int | None] = mapped_column(Computed("a * 2", persisted=True))
v: Mapped[int | None] = mapped_column(Computed("a + 1"))
c: Mapped[int] = mapped_column(CheckConstraint("c > 0", name="pos"), server_default="1")
"""
KEPT = """(
    UniqueConstraint("n", name="uq_n", sqlite_on_conflict="IGNORE"),
    Index("ix_lower", text("lower(n)"), unique=True),
    Index("ix_part", "a", sqlite_where=text("a > 5")),
    Index("ix_desc", text("a DESC")),
    CheckConstraint("a < 100", name="small"),
    {"sqlite_autoincrement": True},
)"""
PARENT = "p: Mapped[int | None] = mapped_column(ForeignKey('p.id', ondelete='CASCADE'))"
S = """
class S(Base):
    __tablename__ = "s"
    __table_args__ = {"sqlite_strict": True}
    id: Mapped[PrimaryKey]
    x: Mapped[Any] = mapped_column(Integer, nullable=True)
"""
P = "class P(Base):\n    __tablename__ = 'p'\n    id: Mapped[PrimaryKey]\n    {}\n"


def changed(before: str, after: str, **more: object) -> Change:
    """Change columns of the table."""
    return Change(table(before), table(after), **more)  # type: ignore[arg-type]


def arguments(before: str, after: str, columns: str = "") -> Change:
    """Change `__table_args__`."""
    return Change(table(columns, before), table(columns, after))


CHANGES = {
    "type": changed("x: Mapped[int | None]", "x: Mapped[str | None]"),
    "type_back": changed("x: Mapped[str | None]", "x: Mapped[int | None]"),
    "length": changed("x: Mapped[str | None] = mapped_column(String(5))", "x: Mapped[str | None]"),
    "numeric": changed(
        "x: Mapped[Any] = mapped_column(Numeric(8, 2), nullable=True)",
        "x: Mapped[Any] = mapped_column(Numeric(12, 2), nullable=True)",
    ),
    "type_beside_everything": Change(
        table(EVERYTHING + "x: Mapped[int | None]", KEPT),
        table(EVERYTHING + "x: Mapped[str | None]", KEPT),
    ),
    "everything_added_later": Change(table(), table(EVERYTHING, KEPT)),
    "everything_removed": Change(table(EVERYTHING, KEPT), table(), {"drop": "t.n,t.g,t.v,t.c"}),
    "column": changed("", "c: Mapped[str | None]"),
    "column_with_default": changed("", "c: Mapped[str] = mapped_column(server_default='x')"),
    "column_with_clock": changed(
        "", "c: Mapped[datetime.datetime] = mapped_column(server_default=func.now())"
    ),
    "column_with_python_default": changed("", "c: Mapped[int] = mapped_column(default=7)"),
    "column_with_foreign_key": Change(table(), table(PARENT, rest=P.format(""))),
    "column_with_check": changed(
        "", "c: Mapped[int | None] = mapped_column(CheckConstraint('c > 0', name='pos'))"
    ),
    "column_unique": changed("", "c: Mapped[int | None] = mapped_column(unique=True)"),
    "column_indexed": changed("", "c: Mapped[int | None] = mapped_column(index=True)"),
    "column_dropped": changed("c: Mapped[str | None]", "", asked={"drop": "t.c"}),
    "column_dropped_not_null": changed(
        "c: Mapped[str] = mapped_column(server_default='x')\nd: Mapped[int] = mapped_column(server_default='1')",
        "",
        asked={"drop": "t.c,t.d"},
    ),
    "column_dropped_indexed": changed(
        "c: Mapped[int | None] = mapped_column(index=True)", "", asked={"drop": "t.c"}
    ),
    "not_null": changed(
        "c: Mapped[int | None]", "c: Mapped[int] = mapped_column(server_default='3')"
    ),
    "nullable": changed(
        "c: Mapped[int] = mapped_column(server_default='3')", "c: Mapped[int | None]"
    ),
    "default_quote": changed("", 'c: Mapped[str] = mapped_column(server_default="it\'s")'),
    "default_empty": changed("", "c: Mapped[str] = mapped_column(server_default='')"),
    "default_percent": changed(
        "", "c: Mapped[str] = mapped_column(server_default='5% :x \\\\ \"')"
    ),
    "default_function": changed(
        "", "c: Mapped[str] = mapped_column(server_default=text('(lower(hex(randomblob(4))))'))"
    ),
    "default_number": changed(
        "c: Mapped[int] = mapped_column(server_default='1')",
        "c: Mapped[int] = mapped_column(server_default=text('2'))",
    ),
    "default_changed": changed(
        "c: Mapped[str] = mapped_column(server_default='a')",
        "c: Mapped[str] = mapped_column(server_default='b')",
    ),
    "default_gone": changed("c: Mapped[str] = mapped_column(server_default='a')", "c: Mapped[str]"),
    "collation": changed(
        "c: Mapped[str | None] = mapped_column(String(20))",
        "c: Mapped[str | None] = mapped_column(String(20, collation='NOCASE'))",
    ),
    "collation_gone": changed(
        "c: Mapped[str | None] = mapped_column(String(20, collation='RTRIM'))",
        "c: Mapped[str | None] = mapped_column(String(20))",
    ),
    "computed_changed": changed(
        "c: Mapped[int | None] = mapped_column(Computed('a * 2', persisted=True))",
        "c: Mapped[int | None] = mapped_column(Computed('a * 3', persisted=True))",
    ),
    "computed_kind": changed(
        "c: Mapped[int | None] = mapped_column(Computed('a * 2', persisted=True))",
        "c: Mapped[int | None] = mapped_column(Computed('a * 2', persisted=False))",
    ),
    "computed_to_plain": changed(
        "c: Mapped[int | None] = mapped_column(Computed('a * 2', persisted=True))",
        "c: Mapped[int | None]",
    ),
    "plain_to_computed": changed(
        "c: Mapped[int | None]",
        "c: Mapped[int | None] = mapped_column(Computed('a * 2'))",
    ),
    "computed_added": changed("", "c: Mapped[int | None] = mapped_column(Computed('a * 2'))"),
    "computed_stored_added": changed(
        "", "c: Mapped[int | None] = mapped_column(Computed('a * 2', persisted=True))"
    ),
    "key": Change(
        table("k: Mapped[int] = mapped_column(server_default='1')"),
        table("k: Mapped[int] = mapped_column(primary_key=True, server_default='1')"),
    ),
    "key_loses_a_column": Change(
        table("k: Mapped[int] = mapped_column(primary_key=True, server_default='1')"),
        table("k: Mapped[int] = mapped_column(server_default='1')"),
        rows="INSERT INTO t (id, a, b) VALUES (1, 1, 'x'), (2, 2, 'y')",
    ),
    "enum_value": changed(
        "c: Mapped[str] = mapped_column(Enum('new', 'paid', name='st', create_constraint=True), server_default='new')",
        "c: Mapped[str] = mapped_column(Enum('new', 'paid', 'draft', name='st', create_constraint=True), server_default='new')",
    ),
    "enum_longer": changed(
        "c: Mapped[str | None] = mapped_column(Enum('a', 'b', name='st', native_enum=False))",
        "c: Mapped[str | None] = mapped_column(Enum('a', 'b', 'much longer', name='st', native_enum=False))",
    ),
    "boolean_check": changed(
        "", "c: Mapped[bool | None] = mapped_column(Boolean(create_constraint=True, name='cb'))"
    ),
    "check_added": arguments("", "(CheckConstraint('a < 100', name='small'),)"),
    "check_changed": arguments(
        "(CheckConstraint('a < 100', name='small'),)", "(CheckConstraint('a < 101', name='small'),)"
    ),
    "check_gone": arguments("(CheckConstraint('a < 100', name='small'),)", "()"),
    "check_with_colon": arguments("", "(CheckConstraint(\"b <> ':x %s 5%'\", name='odd'),)"),
    "unique_added": arguments("", "(UniqueConstraint('id', 'a', name='uq_a'),)"),
    "unique_conflict": arguments(
        "(UniqueConstraint('id', 'a', name='uq_a'),)",
        "(UniqueConstraint('id', 'a', name='uq_a', sqlite_on_conflict='REPLACE'),)",
    ),
    "unique_conflict_gone": arguments(
        "(UniqueConstraint('id', 'a', name='uq_a', sqlite_on_conflict='IGNORE'),)",
        "(UniqueConstraint('id', 'a', name='uq_a'),)",
    ),
    "unique_columns": arguments(
        "(UniqueConstraint('id', 'a', name='uq_a'),)", "(UniqueConstraint('id', 'b', name='uq_a'),)"
    ),
    "not_null_conflict": changed(
        "c: Mapped[int] = mapped_column(server_default='1')",
        "c: Mapped[int] = mapped_column(server_default='1', sqlite_on_conflict_not_null='REPLACE')",
    ),
    "autoincrement": arguments("", "{'sqlite_autoincrement': True}"),
    "autoincrement_gone": arguments("{'sqlite_autoincrement': True}", ""),
    "without_rowid": arguments("", "{'sqlite_with_rowid': False}"),
    "strict": Change(table(), table(rest=S)),
    "strict_type": Change(table(rest=S), table(rest=S.replace("Integer", "Text"))),
    "with_rowid": Change(
        table("", "{'sqlite_with_rowid': False}"),
        table(),
        rows="INSERT INTO t (id, a) VALUES (5, 1), (7, NULL)",
    ),
    "index_added": arguments("", "(Index('ix_b', 'b'),)"),
    "index_expression": arguments("", "(Index('ix_b', text('lower(b)')),)"),
    "index_expression_changed": arguments(
        "(Index('ix_b', text('lower(b)')),)", "(Index('ix_b', text('upper(b)')),)"
    ),
    "index_partial": arguments(
        "(Index('ix_b', 'b', sqlite_where=text('a > 0')),)",
        "(Index('ix_b', 'b', sqlite_where=text('a > 5')),)",
    ),
    "index_desc": arguments("(Index('ix_b', 'b'),)", "(Index('ix_b', text('b DESC')),)"),
    "index_collation": arguments(
        "(Index('ix_b', 'b'),)", "(Index('ix_b', text('b COLLATE NOCASE')),)"
    ),
    "index_unique": arguments(
        "(Index('ix_b', 'b', 'id'),)", "(Index('ix_b', 'b', 'id', unique=True),)"
    ),
    "index_gone": arguments("(Index('ix_b', text('lower(b)'), unique=False),)", ""),
    "index_and_type": Change(
        table("x: Mapped[int | None]", "(Index('ix_x', 'x'),)"),
        table("x: Mapped[str | None]", "(Index('ix_x', text('lower(x)')),)"),
    ),
    "unique_to_index": arguments(
        "(UniqueConstraint('id', 'a', name='uq_a'),)", "(Index('uq_a', 'id', 'a', unique=True),)"
    ),
    "foreign_key": Change(
        table("p: Mapped[int | None]", rest=P.format("")), table(PARENT, rest=P.format(""))
    ),
    "foreign_key_action": Change(
        table("p: Mapped[int | None] = mapped_column(ForeignKey('p.id'))", rest=P.format("")),
        table(PARENT, rest=P.format("")),
    ),
    "foreign_key_deferrable": Change(
        table("p: Mapped[int | None] = mapped_column(ForeignKey('p.id'))", rest=P.format("")),
        table(
            "p: Mapped[int | None] = mapped_column(ForeignKey('p.id', deferrable=True, initially='DEFERRED'))",
            rest=P.format(""),
        ),
    ),
    "self_reference": changed("", "p: Mapped[int | None] = mapped_column(ForeignKey('t.id'))"),
    "cycle": Change(
        table(),
        table(
            "p: Mapped[int | None] = mapped_column(ForeignKey('p.id', use_alter=True, name='fk_tp'))",
            rest=P.format(
                "t: Mapped[int | None] = mapped_column(ForeignKey('t.id', name='fk_pt'))"
            ),
        ),
    ),
    "table_dropped": Change(
        table(
            rest=P.format(
                "n: Mapped[str | None] = mapped_column(String(5, collation='NOCASE'), index=True)"
            )
        ),
        table(),
        {"drop": "p"},
    ),
    "table_with_everything": Change(
        table(),
        table(
            rest="class P(Base):\n    __tablename__ = 'p'\n"
            + "    __table_args__ = (Index('ix_p', text('lower(n)'), sqlite_where=text('n > 5')), UniqueConstraint('n', name='un', sqlite_on_conflict='IGNORE'), {'sqlite_autoincrement': True})\n"
            + "    id: Mapped[PrimaryKey]\n"
            + "    n: Mapped[str | None] = mapped_column(String(5, collation='NOCASE'))\n"
            + "    g: Mapped[int | None] = mapped_column(Computed('id * 2'))\n"
        ),
    ),
    "odd_names": Change(
        table('x: Mapped[int | None] = mapped_column("Odd \\" %s:y")'),
        table('x: Mapped[str | None] = mapped_column("Odd \\" %s:y")'),
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_is_written_and_right_both_ways(workshop: Workshop, name: str) -> None:
    prove(workshop, CHANGES[name])
    assert SQLITE_ROWS
