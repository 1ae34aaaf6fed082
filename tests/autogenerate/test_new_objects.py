"""What a revision creates and drops besides columns: tables, types, sequences, schemas."""

from __future__ import annotations

import re
import shlex
from ast import literal_eval
from pathlib import Path

import pytest
from alembic import command

from tests.autogenerate.changing import Change, Workshop, prove, table

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
        "c: Mapped[str] = mapped_column(CheckConstraint("
        "\"c <> 'a:b' AND c NOT LIKE '5%'\", name=\"q\"))"
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
    return f"n: Mapped[int] = mapped_column({made}, server_default={made}.next_value())"


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


ARRAYS = "c: Mapped[Any] = mapped_column(ARRAY({}), nullable=True)"


def base(before: str, after: str) -> Change:
    """The domain is made of another type: each table with it is rewritten."""
    return Change(table(before), table(after), {"rewrite": "public.email"})


CHECK = "check=\"VALUE ~ '^[^@:]+@x:y'\", constraint_name='at', "
DOMAINS = {
    "new table": new(domain()),
    "new column": Change(table(), table(domain())),
    "check": new(domain(CHECK)),
    "check, default and not null": new(domain(CHECK + "default='a@x:y', not_null=True, ")),
    "check without a name": new(domain("check='char_length(VALUE) < 9', ")),
    "collation": new(domain("collation='C', ")),
    "schema": new(domain("schema='kinds', ")),
    "array": new(
        f"c: Mapped[Any] = mapped_column(ARRAY({EMAIL.format(options='')}), nullable=True)"
    ),
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
    "another base type": base(domain(CHECK), domain(CHECK).replace("String(200)", "Text")),
    "a longer base type": base(domain(), domain().replace("200", "300")),
    "another collation": base(
        domain("", ", index=True"), domain("collation='C', ", ", index=True")
    ),
    "another base type of arrays": base(
        ARRAYS.format(EMAIL.format(options="")),
        ARRAYS.format(EMAIL.format(options="")).replace("String(200)", "Text"),
    ),
    "not null gone": Change(
        table(domain("default='x', not_null=True, ")), table(domain("default='x', "))
    ),
}


def enum(values: str, more: str = "", wrap: str = "{}") -> str:
    made = wrap.format(f"Enum({values}, name='st'{more})")
    return f"c: Mapped[Any] = mapped_column({made}, nullable=True)"


ST = {"rewrite": "public.st"}
USES = (
    "(CheckConstraint(\"c <> '{0}' OR a IS NULL\", name='ck'), Index('ix', 'a',"
    " postgresql_where=text(\"c = '{0}'\")), Index('ix_c', 'c'))"
)


def states(values: str, default: str) -> str:
    """Columns of an enum type: a plain one, and an array with a default."""
    array = f"ARRAY(Enum({values}, name='st')), server_default='{{{default}}}'"
    return f"{enum(values)}\nd: Mapped[Any] = mapped_column({array})"


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
    "inherits its schema": new(enum("'x', 'y'", ", inherit_schema=True"), "{'schema': 'far'}"),
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
    "only in a variant": new(enum("'x', 'y'", wrap="String(9).with_variant({}, 'postgresql')")),
    "of the metadata only": Change(
        table(), table(rest="E = Enum('x', 'y', name='st', metadata=Base.metadata)")
    ),
    "shared, one table goes": Change(
        table(enum("'x', 'y'"), rest=other(enum("'x', 'y'"))),
        table(enum("'x', 'y'")),
        {"drop": "u"},
    ),
    "value in the middle": Change(table(enum("'x', 'z'")), table(enum("'x', 'y', 'z'"))),
    "value in front": Change(table(enum("'x', 'z'")), table(enum("'a', 'x', 'z'"))),
    "values everywhere": Change(table(enum("'b', 'd'")), table(enum("'a', 'b', 'c', 'd', 'e'"))),
    "odd labels": new(enum("\"it's\", '5%', 'a:b', '零', ''")),
    "odd names": new(enum("'x'").replace("'st'", "'My Type'")),
    "to text": Change(table(enum("'x', 'y'")), table("c: Mapped[str | None]"), {"rewrite": "t.c"}),
    "values in another order": Change(
        table(enum("'x', 'y', 'z'")), table(enum("'z', 'x', 'y'")), ST
    ),
    "values in another order, and one more": Change(
        table(enum("'x', 'y'")), table(enum("'y', 'n', 'x'")), ST
    ),
    "a value goes": Change(table(enum("'x', 'y', 'z'")), table(enum("'x', 'z'")), ST),
    "a value goes from arrays, defaults, checks and indexes": Change(
        table(states("'x', 'y'", "y"), USES.format("y")),
        table(states("'n', 'x'", "n"), USES.format("n")),
        ST,
        rows="INSERT INTO t (a, c, d) VALUES (1, 'x', '{x}'), (NULL, NULL, '{}')",
    ),
    "a value goes from a type of another schema with an odd name": Change(
        table(enum("'x', 'y'", ", schema='My Kinds'").replace("'st'", "'My Type'")),
        table(enum("'y'", ", schema='My Kinds'").replace("'st'", "'My Type'")),
        {"rewrite": "My Kinds.My Type"},
    ),
}

# A unique index is enough for a foreign key; a table may have no other key.
INDEXED = """
class U(Base):
    __tablename__ = "u"
    __table_args__ = ({index})
    id: Mapped[PrimaryKey]
    a: Mapped[int]
    b: Mapped[int]
"""
REFERRING = """
class A(Base):
    __tablename__ = "a"
    __table_args__ = (ForeignKeyConstraint(["x", "y"], {target}, name="fk"), {more})
    id: Mapped[PrimaryKey]
    x: Mapped[int]
    y: Mapped[int]
"""


def indexed(index: str, target: str = "['u.a', 'u.b']", more: str = "") -> str:
    return INDEXED.format(index=index) + REFERRING.format(target=target, more=more)


PAIR = "Index('ix_pair', 'a', 'b', unique=True),"
BACK = "ForeignKeyConstraint(['a', 'b'], ['a.x', 'a.y'], name='back', use_alter=True),"
indexes = {
    "a unique index": indexed(PAIR),
    "one in another order": indexed("Index('ix_pair', 'b', 'a', unique=True),"),
    "one with another column": indexed(PAIR.replace("True", "True, postgresql_include=['id']")),
    "one in another schema": indexed(PAIR + "{'schema': 'far'}", "['far.u.a', 'far.u.b']"),
    "each other": indexed(PAIR + BACK, more="Index('ix_xy', 'x', 'y', unique=True),"),
}
KEYS = {
    **{name: Change(table(), table(rest=rest)) for name, rest in indexes.items()},
    **{
        f"{name}, gone": Change(
            table(rest=rest), table(), {"drop": "far.u,a" if "schema" in name else "u,a"}
        )
        for name, rest in indexes.items()
    },
    **{
        f"a new {name} of a table that is there": Change(
            table(rest=INDEXED.format(index="")), table(rest=indexed(key))
        )
        for name, key in {"index": PAIR, "constraint": "UniqueConstraint('a', 'b'),"}.items()
    },
    "a new one, and both tables are there": Change(
        table(rest=re.sub("ForeignKeyConstraint.*?, name=.fk.., ", "", indexed(""))),
        table(rest=indexed(PAIR)),
    ),
}


def exclusion(more: str = "") -> str:
    return f"(ExcludeConstraint(('r', '&&'), name='ex', using='gist', {more}),)"


RANGE = "r: Mapped[Any] = mapped_column(INT4RANGE, nullable=True)"
N = "n: Mapped[int | None]\ns: Mapped[str | None] = mapped_column(String(50))"
LISTENER = "\n\nevent.listen(U.__table__, 'after_create', DDL({ddl!r}))\n"
FUNCTION = (
    "CREATE OR REPLACE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RETURN NULL; END $$"
)
TRIGGER = "CREATE TRIGGER never BEFORE DELETE ON u FOR EACH ROW EXECUTE FUNCTION stop()"
EVENT = LISTENER.replace("U.", "T.")
ON_T = TRIGGER.replace("ON u", "ON t").replace("never", "odd_name")
ODD = """
Table(
    "My Table",
    Base.metadata,
    Column("Wert 5%", Integer, primary_key=True),
    Column("a:b", String(9), index=True),
    Column("order", Integer),
    schema="Wo auch",
)
Table(
    "表",
    Base.metadata,
    Column("列", Integer, ForeignKey("Wo auch.My Table.Wert 5%")),
    Column("select", Integer, CheckConstraint('"select" > 0', name="检")),
)
"""
LONG = """
Table(
    "long_" * 12,
    Base.metadata,
    Column("id", Integer, primary_key=True),
    Column("column_" * 8, Integer, ForeignKey("t.id"), unique=True),
    Column("表" * 21, Integer, index=True),
)
"""
ASSOCIATION = """
Table(
    "u",
    Base.metadata,
    Column("l", ForeignKey("t.id"), primary_key=True),
    Column("r", ForeignKey("t.id", ondelete="CASCADE"), primary_key=True),
)
"""
VIEW = """
from sqlalchemy.schema import CreateView

CreateView(select(T.id, T.b), "v", metadata=Base.metadata)
"""
PUBLIC = "{'schema': 'public'}"
TO_PUBLIC = "t_id: Mapped[int] = mapped_column(ForeignKey('public.t.id'))"
TABLES = {
    "exclusion": new(RANGE, exclusion()),
    "exclusion with a condition": new(
        RANGE, exclusion("where=text('r IS NOT NULL'), deferrable=True")
    ),
    "exclusion with an operator class": new(RANGE, exclusion("ops={'r': 'range_ops'}")),
    "index of an expression": new(N, "(Index('ix', text('lower(s)'), 'n', unique=True),)"),
    "index with everything": new(
        N,
        "(Index('ix', 's', postgresql_ops={'s': 'text_pattern_ops'}, postgresql_include=['n'],"
        " postgresql_where=text('n > 5'), postgresql_with={'fillfactor': 50}),"
        " Index('h', 'n', postgresql_using='hash'), Index('d', desc('n'), 's'))",
    ),
    "index that is built concurrently": new(N, "(Index('ix', 's', postgresql_concurrently=True),)"),
    "unique with everything": new(
        N, "(UniqueConstraint('s', name='uq', deferrable=True, postgresql_include=['n']),)"
    ),
    "comments": new(
        N.replace("50))", '50), comment="it\'s: 5% 零")'),
        "(UniqueConstraint('s', name='uq', comment='of a constraint'),"
        " CheckConstraint('n > 0', name='ck', comment='of a check'), {'comment': 'of a table'})",
    ),
    "storage parameters": new(N, "{'postgresql_with': {'fillfactor': 70}}"),
    "unlogged": new(N, "{'prefixes': ['UNLOGGED']}"),
    "tablespace": new(N, "{'postgresql_tablespace': 'pg_default'}"),
    "partitioned": new(
        "p: Mapped[int] = mapped_column(primary_key=True)",
        "{'postgresql_partition_by': 'RANGE (p)'}",
    ),
    "inherits": new(N, "{'postgresql_inherits': 't'}"),
    "odd names": Change(table(), table(rest=ODD)),
    "long names": Change(table(), table(rest=LONG)),
    "association": Change(table(), table(rest=ASSOCIATION)),
    "generated and identity": new(
        "n: Mapped[int] = mapped_column(Identity(always=True, start=5, increment=2, cycle=True))\n"
        "d: Mapped[int] = mapped_column(Computed('n * 2', persisted=True))\n"
        "c: Mapped[str | None] = mapped_column(String(9, collation='C'), index=True)"
    ),
    "no columns": Change(table(), table(rest="Table('u', Base.metadata)")),
    "defaults": new(
        'a: Mapped[str] = mapped_column(server_default="it\'s 5% :x")\n'
        "b: Mapped[Any] = mapped_column(JSONB, server_default='{}')\n"
        "c: Mapped[Any] = mapped_column(ARRAY(Text), server_default=text(\"ARRAY['x:y']\"))\n"
        "d: Mapped[str] = mapped_column(server_default=text('md5(random()::text)'))"
    ),
    "event: trigger": new(N, rest=LISTENER.format(ddl=FUNCTION) + LISTENER.format(ddl=TRIGGER)),
    "event: row security": new(
        N, rest=LISTENER.format(ddl="ALTER TABLE u ENABLE ROW LEVEL SECURITY")
    ),
    "event: view": new(N, rest=LISTENER.format(ddl="CREATE OR REPLACE VIEW uv AS SELECT n FROM u")),
    "event: index": new(N, rest=LISTENER.format(ddl="CREATE INDEX extra ON u (n)")),
    "event: trigger of a table that is there": Change(
        table(), table(rest=EVENT.format(ddl=FUNCTION) + EVENT.format(ddl=ON_T))
    ),
    "event: function and trigger changed": Change(
        table(rest=EVENT.format(ddl=FUNCTION) + EVENT.format(ddl=ON_T)),
        table(
            rest=EVENT.format(ddl=FUNCTION.replace("NULL", "OLD"))
            + EVENT.format(ddl=ON_T.replace("DELETE", "UPDATE"))
        ),
    ),
    "view of the models": Change(table(), table(rest=VIEW)),
    "default schema written out": Change(
        table(arguments=PUBLIC),
        table(
            arguments=PUBLIC,
            rest=other(TO_PUBLIC, PUBLIC)
            + other(TO_PUBLIC).replace("class U", "class V").replace('"u"', '"v"'),
        ),
    ),
}
# What came also goes, and comes back as it was.
DROPS = {
    f"{name}, dropped": Change(change.after, change.before, {"drop": "u"}, rows="")
    for name, change in TABLES.items()
    if '"u"' in change.after
    and "schema" not in name
    and name not in ("event: trigger", "event: view")
}
ANOTHER = other(N, "{'schema': 's2'}")
MORE = ANOTHER.replace("U(", "V(").replace('"u"', '"v"')
SILENT = {
    "storage parameters": Change(
        table(arguments="{'postgresql_with': {'fillfactor': 70, 'autovacuum_enabled': False}}"),
        table(),
    ),
    "unlogged": Change(
        table(arguments="{'prefixes': ['UNLOGGED']}"), table(), {"rewrite": "public.t"}
    ),
    "logged": Change(
        table(), table(arguments="{'prefixes': ['UNLOGGED']}"), {"rewrite": "public.t"}
    ),
}
SCHEMAS = {
    "the last table of a schema": Change(table(rest=ANOTHER), table(), {"drop": "s2.u"}),
    "another table stays in the schema": Change(
        table(rest=ANOTHER + MORE), table(rest=MORE), {"drop": "s2.u"}
    ),
    "a type of the schema stays in use": Change(
        table(enum("'x'", ", schema='s2'"), rest=ANOTHER),
        table(enum("'x'", ", schema='s2'")),
        {"drop": "s2.u"},
    ),
    "table comment changed": Change(
        table(arguments="{'comment': 'one'}"), table(arguments="{'comment': 'two: 5%'}")
    ),
    "table renamed": Change(
        table(rest=other(N)), table(rest=other(N).replace('"u"', '"w"')), {"drop": "u"}
    ),
}


def status(name: str, default: str, more: str = "") -> str:
    kind = f"Enum('new', 'paid', {more}name='st')"
    return f"{name}: Mapped[str] = mapped_column({kind}, server_default='{default}')"


DRAFT = ("draft", "'draft', ")
NEW_VALUES = {
    "as a default": Change(
        table(status("c", "new")),
        table(status("c", *DRAFT)),
    ),
    "as the default of a new table": Change(
        table(enum("'new', 'paid'")),
        table(
            enum("'new', 'paid', 'draft'"),
            rest=other(status("c", *DRAFT)),
        ),
    ),
    "as the default of a new column": Change(
        table(enum("'new', 'paid'")),
        table(enum("'new', 'paid', 'draft'") + "\n" + status("d", *DRAFT)),
    ),
}
KINDS = {
    "check": CHECKS,
    "cycle": CYCLES,
    "key": KEYS,
    "sequence": SEQUENCES,
    "domain": DOMAINS,
    "enum": ENUMS,
    "table": TABLES | DROPS,
    "schema": SCHEMAS,
    "new value": NEW_VALUES,
    "no longer said": SILENT,
}
ALL = {f"{kind}: {name}": change for kind, each in KINDS.items() for name, change in each.items()}


@pytest.mark.parametrize("name", ALL)
def test_is_written_and_right_both_ways(workshop: Workshop, name: str) -> None:
    prove(workshop, ALL[name])


def test_a_domain_that_would_cut_values_is_refused_by_its_name(workshop: Workshop) -> None:
    digits = domain().replace("String(200)", "Numeric(10, {})")
    begin(workshop, table(digits.format(4)))
    workshop.models(table(digits.format(2)))
    done = workshop.revise()
    assert (done.code, workshop.written) == (5, [])
    assert "domain public.email" in done.output and "make empty-revision" in done.output


def begin(workshop: Workshop, models: str, by_hand: str = "") -> None:
    """Migrate to the models, and to what another revision creates with SQL."""
    workshop.reset()
    if by_hand:
        revision(workshop, by_hand)
    workshop.models(models)
    done = workshop.revise()
    assert done.code == 0, done.output
    workshop.upgrade()


def revision(workshop: Workshop, statement: str) -> None:
    """Write a revision by hand and apply it."""
    workshop.forget()
    script = command.revision(workshop.config(), "by hand")
    path = Path(script.path)  # type: ignore[union-attr]
    text = path.read_text("utf-8")
    begin_at = "def upgrade() -> None:\n    "
    path.write_text(
        text.replace(f"{begin_at}pass", f"{begin_at}op.execute({statement!r})"), "utf-8"
    )
    workshop.upgrade()


def test_values_that_are_gone_stay_and_are_named(workshop: Workshop) -> None:
    begin(workshop, table(enum("'x', 'y', 'z'")))
    workshop.models(table(enum("'x', 'z'")))
    done = workshop.revise()
    assert (done.code, workshop.written) == (0, [])
    assert "Enum type st keeps 'y'" in done.output
    assert "agree, but for values that enum types keep: no revision is needed" in done.output
    assert "agree, but for values that enum types keep." in workshop.migrator("drift").output


def test_a_type_that_is_replaced_as_the_message_says_rewrites_a_table_once(
    workshop: Workshop,
) -> None:
    def two(values: str) -> str:
        one = enum(values).replace("'st'", "'My st'")
        return table(f"{one}\n{one.replace('c:', 'd:', 1)}")

    begin(workshop, two("'x', 'y'"))
    workshop.models(two("'x'"))
    (shown,) = re.findall(r"rewrite=('.*?'|\S+)`", workshop.revise().output)
    done = workshop.revise(rewrite=shlex.split(shown)[0])
    assert done.code == 0, done.output
    (path,) = workshop.written
    assert path.read_text("utf-8").count("ALTER TABLE") == 2  # forward, and back


def test_a_value_with_another_name_is_renamed_as_the_message_says(workshop: Workshop) -> None:
    begin(workshop, table(enum("'x', '5% y', 'z'")))
    workshop.run("INSERT INTO t (c) VALUES ('5% y')")
    workshop.models(table(enum("'x', 'y:s', 'z'")))
    done = workshop.revise()
    assert done.code == 0, done.output
    for path in workshop.written:
        path.unlink()
    (statement,) = re.findall(r"op\.execute\((.*)\)\.", done.output)
    revision(workshop, literal_eval(statement))
    done = workshop.revise()
    assert (done.code, workshop.written) == (0, []), done.output
    assert workshop.run("SELECT c::text FROM t") == [("y:s",)]


EXTENSIONS = {
    "a type": ("citext", "c: Mapped[Any] = mapped_column(CITEXT, nullable=True)", ""),
    "another type": ("hstore", "c: Mapped[Any] = mapped_column(HSTORE, nullable=True)", ""),
    "an operator class": (
        "pg_trgm",
        "",
        "(Index('ix', 'b', postgresql_using='gin', postgresql_ops={'b': 'gin_trgm_ops'}),)",
    ),
    "a default operator class": (
        "btree_gist",
        "",
        "(ExcludeConstraint(('a', '='), name='ex', using='gist'),)",
    ),
    "a function": (
        "unaccent",
        "c: Mapped[str] = mapped_column(server_default=text(\"unaccent('x')\"))",
        "",
    ),
}


@pytest.mark.parametrize("name", EXTENSIONS)
def test_a_missing_extension_is_named_and_works_when_it_is_there(
    workshop: Workshop, name: str
) -> None:
    extension, columns, arguments = EXTENSIONS[name]
    begin(workshop, table())
    workshop.models(table(columns, arguments))
    done = workshop.revise()
    assert (done.code, workshop.written) == (1, [])
    assert f'CREATE EXTENSION IF NOT EXISTS "{extension}"' in done.output
    begin(workshop, table(columns, arguments), f'CREATE EXTENSION IF NOT EXISTS "{extension}"')
    done = workshop.revise()
    assert (done.code, workshop.written) == (0, []), done.output


HELPERS = {
    "table": ("CREATE TABLE helper (n int)", "helper"),
    "table of another schema": ("CREATE SCHEMA aside; CREATE TABLE aside.h (n int)", "aside.h"),
    "sequence": ("CREATE SEQUENCE numbers", "public.numbers"),
}


@pytest.mark.parametrize("name", HELPERS)
def test_what_a_revision_has_made_is_asked_for_and_can_be_accepted(
    workshop: Workshop, name: str
) -> None:
    statement, named = HELPERS[name]
    begin(workshop, table())
    revision(workshop, statement)
    workshop.models(table("c: Mapped[str | None]"))
    done = workshop.revise()
    assert (done.code, workshop.written) == (5, [])
    assert f"drop={named}" in done.output
    accepted = workshop.folder / "migrations/accepted_drift.toml"
    accepted.write_text(
        '[[difference]]\nbetween = "models"\n'
        f'object = "{name.split()[0]} *{named}"\nreason = "a helper"\n',
        "utf-8",
    )
    try:
        done = workshop.revise()
    finally:
        accepted.unlink()
    assert done.code == 0, done.output
    assert "DROP" not in workshop.texts().split("def downgrade")[0]


def test_a_model_of_a_view_that_a_revision_has_made_is_no_new_table(workshop: Workshop) -> None:
    begin(workshop, table())
    revision(workshop, "CREATE VIEW v AS SELECT id, b FROM t")
    view = 'Table("v", Base.metadata, Column("id", BigInteger, primary_key=True))'
    workshop.models(table("c: Mapped[str | None]", rest=view))
    done = workshop.revise()
    assert done.code == 0, done.output
    assert "create_table" not in workshop.texts() and "add_column" in workshop.texts()


NAMELESS = """
class Nameless(DeclarativeBase):
    metadata = Base.metadata


class W(Nameless):
    __tablename__ = "w"
    id: Mapped[int] = mapped_column(primary_key=True)
    c: Mapped[int] = mapped_column(CheckConstraint("c > 0"), unique=True, index=True)
    t_id: Mapped[int | None] = mapped_column(ForeignKey("w.id", use_alter=True))
"""


def test_constraints_without_names_get_those_of_postgresql(workshop: Workshop) -> None:
    base = workshop.folder / "made/base.py"
    before = base.read_text("utf-8")
    base.write_text(before.replace("MetaData(naming_convention=NAMING_CONVENTION)", "MetaData()"))
    try:
        prove(workshop, Change(table(), table(rest=NAMELESS)))
        prove(workshop, Change(table(rest=NAMELESS), table(), {"drop": "w"}))
    finally:
        base.write_text(before, "utf-8")


def test_a_view_of_the_models_that_changes_is_refused_by_its_name(workshop: Workshop) -> None:
    begin(workshop, table(rest=VIEW))
    workshop.models(table(rest=VIEW.replace("T.b", "T.a")))
    done = workshop.revise()
    assert (done.code, workshop.written) == (5, [])
    assert "view public.v" in done.output
