"""What a revision creates and drops besides columns: tables, types, sequences, schemas."""

from __future__ import annotations

import pytest

from tests.autogenerate.changing import HEAD, Change, Workshop, prove, table

SECOND = """
class U(Base):
    __tablename__ = "u"
    id: Mapped[PrimaryKey]
    {columns}
"""


def new(columns: str = "", arguments: str = "", rest: str = "") -> Change:
    """A table is new, with a column that is of interest; T is there all the time."""
    return Change(table(), table(rest=other(columns, arguments, rest)))


def other(columns: str = "", arguments: str = "", rest: str = "") -> str:
    """A second table."""
    lines = "\n    ".join(columns.splitlines())
    args = f"__table_args__ = {arguments}\n    " if arguments else ""
    return SECOND.format(columns=args + lines) + rest


CHECKS = {
    "check in a column": new(
        "c: Mapped[int] = mapped_column(CheckConstraint('c > 0', name='pos'), server_default='1')"
    ),
    "check with a long name": new(
        "c: Mapped[int] = mapped_column(CheckConstraint('c > 0', name='zahl_' * 13))"
    ),
    "check with a long name in Chinese": new(
        "c: Mapped[int] = mapped_column(CheckConstraint('c > 0', name='检查' * 13))"
    ),
    "check of two columns in a column": new(
        "c: Mapped[int]\nd: Mapped[int] = mapped_column(CheckConstraint('c > d', name='order'))"
    ),
    "several checks": new(
        "c: Mapped[int] = mapped_column(CheckConstraint('c > 0', name='a'),"
        " CheckConstraint('c < 9', name='b'))"
    ),
    "check with quotes, percent and colon": new(
        "c: Mapped[str] = mapped_column(CheckConstraint(\"c <> 'a:b' AND c NOT LIKE '5%'\", name='q'))"
    ),
    "check in a column of another schema": new(
        "c: Mapped[int] = mapped_column(CheckConstraint('c > 0', name='pos'))",
        "{'schema': 'other'}",
    ),
    "boolean with its check": new(
        "c: Mapped[bool | None] = mapped_column(Boolean(create_constraint=True, name='cb'))"
    ),
    "enum as text with its check": new(
        "c: Mapped[Any] = mapped_column(Enum('x', 'y', native_enum=False, create_constraint=True,"
        " name='xy'), nullable=True)"
    ),
}

CYCLE = """
class U(Base):
    __tablename__ = "u"
    id: Mapped[PrimaryKey]
    v_id: Mapped[int | None] = mapped_column(ForeignKey("v.id"{alter}))


class V(Base):
    __tablename__ = "v"
    id: Mapped[PrimaryKey]
    u_id: Mapped[int | None] = mapped_column(ForeignKey("u.id"{other}))
"""
THREE = """
class U(Base):
    __tablename__ = "u"
    id: Mapped[PrimaryKey]
    v_id: Mapped[int | None] = mapped_column(ForeignKey("v.id"))
    t_id: Mapped[int | None] = mapped_column(ForeignKey("t.id", ondelete="CASCADE"))


class V(Base):
    __tablename__ = "v"
    __table_args__ = {"schema": "far"}
    id: Mapped[PrimaryKey]
    w_id: Mapped[int | None] = mapped_column(ForeignKey("w.id"))


class W(Base):
    __tablename__ = "w"
    id: Mapped[PrimaryKey]
    u_id: Mapped[int | None] = mapped_column(ForeignKey("u.id", name="back", deferrable=True))
    w_id: Mapped[int | None] = mapped_column(ForeignKey("w.id"))
""".replace('ForeignKey("v.id")', 'ForeignKey("far.v.id")')
ALTER = ", use_alter=True"
NAMED = ", use_alter=True, name='fk_named'"
cycles = {
    "cycle": CYCLE.format(alter="", other=""),
    "cycle with use_alter": CYCLE.format(alter=ALTER, other=""),
    "cycle with use_alter and names": CYCLE.format(alter=NAMED, other=NAMED.replace("_n", "_m")),
    "cycle of three in two schemas": THREE,
    "self reference": other("u_id: Mapped[int | None] = mapped_column(ForeignKey('u.id'))"),
    "self reference with use_alter": other(
        "u_id: Mapped[int | None] = mapped_column(ForeignKey('u.id', use_alter=True))"
    ),
}
GONE = {"cycle of three in two schemas": "u,far.v,w"}
CYCLES = {
    **{name: Change(table(), table(rest=rest)) for name, rest in cycles.items()},
    **{
        f"{name}, dropped": Change(
            table(rest=rest), table(), {"drop": GONE.get(name, "u,v" if "class V" in rest else "u")}
        )
        for name, rest in cycles.items()
    },
    "cycle with a table that is there": Change(
        table(),
        table(
            "u_id: Mapped[int | None] = mapped_column(ForeignKey('u.id'))",
            rest=other("t_id: Mapped[int | None] = mapped_column(ForeignKey('t.id'))"),
        ),
    ),
    "cycle with a table that is there, dropped": Change(
        table(
            "u_id: Mapped[int | None] = mapped_column(ForeignKey('u.id'))",
            rest=other("t_id: Mapped[int | None] = mapped_column(ForeignKey('t.id'))"),
        ),
        table(),
        {"drop": "t.u_id,u"},
    ),
}

S = "Sequence('t_n_seq', {options}metadata=Base.metadata)"


def sequence(options: str = "") -> str:
    made = S.format(options=options)
    return (
        f"n: Mapped[int] = mapped_column({made}, server_default={made}.next_value())"
    )


ALONE = "S = Sequence('alone', {options}metadata=Base.metadata)"
SEQUENCES = {
    "new table": new(sequence()),
    "new column": Change(table(), table(sequence())),
    "options": new(sequence("start=100, increment=5, maxvalue=10000, cycle=True, cache=7, ")),
    "downwards": new(sequence("start=-1, increment=-1, ")),
    "small": new(sequence("data_type=Integer, ")),
    "schema": new(sequence("schema='counters', ")),
    "column dropped": Change(table(sequence()), table(), {"drop": "t.n"}),
    "table dropped": Change(table(rest=other(sequence("start=7, "))), table(), {"drop": "u"}),
    "of a key": Change(
        table(),
        table(
            rest="class U(Base):\n    __tablename__ = 'u'\n"
            "    id: Mapped[int] = mapped_column(Sequence('u_keys'), primary_key=True)\n"
        ),
    ),
    "alone": Change(table(), table(rest=ALONE.format(options=""))),
    "alone, gone": Change(table(rest=ALONE.format(options="")), table(), {"drop": "public.alone"}),
    "changed": Change(
        table(rest=ALONE.format(options="")),
        table(rest=ALONE.format(options="start=1000, minvalue=1000, increment=10, ")),
    ),
    "changed to a smaller type": Change(
        table(rest=ALONE.format(options="")),
        table(rest=ALONE.format(options="data_type=Integer, cycle=True, ")),
    ),
    "odd name": new(sequence().replace("t_n_seq", "Zähler 50%")),
}

EMAIL = "DOMAIN('email', String(200), {options})"


def domain(options: str = "", column: str = "") -> str:
    made = EMAIL.format(options=options)
    return f"c: Mapped[Any] = mapped_column({made}, nullable=True{column})"


CHECK = "check=\"VALUE ~ '^[^@:]+@x:y'\", constraint_name='at', "
DOMAINS = {
    "new table": new(domain()),
    "new column": Change(table(), table(domain())),
    "check": new(domain(CHECK)),
    "check, default and not null": new(domain(CHECK + "default='a@x:y', not_null=True, ")),
    "check without a name": new(domain("check='char_length(VALUE) < 9', ")),
    "collation": new(domain("collation='C', ")),
    "schema": new(domain("schema='kinds', ")),
    "array": new(f"c: Mapped[Any] = mapped_column(ARRAY({EMAIL.format(options='')}), nullable=True)"),
    "column dropped": Change(table(domain(CHECK)), table(), {"drop": "t.c"}),
    "default": Change(table(domain()), table(domain("default='x', "))),
    "default gone": Change(table(domain("default='x', ")), table(domain())),
    "check added": Change(table(domain()), table(domain(CHECK))),
    "check gone": Change(table(domain(CHECK)), table(domain())),
    "check changed": Change(table(domain(CHECK)), table(domain(CHECK.replace("@:]+", "@]+")))),
    "not null": Change(
        table(domain("default='x', ", ", server_default='y'")),
        table(domain("default='x', not_null=True, ", ", server_default='y'")),
        rows="",
    ),
    "not null gone": Change(
        table(domain("default='x', not_null=True, ")), table(domain("default='x', "))
    ),
}


def enum(values: str, more: str = "", wrap: str = "{}") -> str:
    made = wrap.format(f"Enum({values}, name='st'{more})")
    return f"c: Mapped[Any] = mapped_column({made}, nullable=True)"


DECORATED = """
class Decorated(TypeDecorator[Any]):
    impl = Enum("x", "y", name="st")
    cache_ok = True


class T("""
ENUMS = {
    "new table": new(enum("'x', 'y'")),
    "new column": Change(table(), table(enum("'x', 'y'"))),
    "schema without tables": new(enum("'x', 'y'", ", schema='kinds'")),
    "schema without tables, gone": Change(
        table(rest=other(enum("'x', 'y'", ", schema='kinds'"))), table(), {"drop": "u"}
    ),
    "inherits its schema": new(
        enum("'x', 'y'", ", inherit_schema=True"), "{'schema': 'far'}"
    ),
    "only in an array": new(enum("'x', 'y'", wrap="ARRAY({})")),
    "only in an array, gone": Change(
        table(enum("'x', 'y'", wrap="ARRAY({})")), table(), {"drop": "t.c"}
    ),
    "only in a decorator": Change(
        table(),
        table("c: Mapped[Any] = mapped_column(Decorated, nullable=True)").replace(
            "\nclass T(", DECORATED
        ),
    ),
    "only in a variant": new(
        enum("'x', 'y'", wrap="String(9).with_variant({}, 'postgresql')")
    ),
    "of the metadata only": Change(
        table(), table(rest="E = Enum('x', 'y', name='st', metadata=Base.metadata)")
    ),
    "shared, one table goes": Change(
        table(enum("'x', 'y'"), rest=other(enum("'x', 'y'"))), table(enum("'x', 'y'")), {"drop": "u"}
    ),
    "value in the middle": Change(table(enum("'x', 'z'")), table(enum("'x', 'y', 'z'"))),
    "value in front": Change(table(enum("'x', 'z'")), table(enum("'a', 'x', 'z'"))),
    "values everywhere": Change(table(enum("'b', 'd'")), table(enum("'a', 'b', 'c', 'd', 'e'"))),
    "odd labels": new(enum("\"it's\", '5%', 'a:b', '零', ''")),
    "odd names": new(enum("'x'").replace("'st'", "'My Type'")),
    "to text": Change(table(enum("'x', 'y'")), table("c: Mapped[str | None]"), {"rewrite": "t.c"}),
}
KINDS = {"check": CHECKS, "cycle": CYCLES, "sequence": SEQUENCES, "domain": DOMAINS, "enum": ENUMS}
ALL = {f"{kind}: {name}": change for kind, each in KINDS.items() for name, change in each.items()}


@pytest.mark.parametrize("name", ALL)
def test_is_written_and_right_both_ways(workshop: Workshop, name: str) -> None:
    prove(workshop, ALL[name])
