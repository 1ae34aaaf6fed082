"""Changes of models that once went wrong, one of each kind; the files beside this have the others.

Each is written and then right both ways, by the catalogs, with all rows there; or it is refused by
name, and nothing is written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest

from migrator import catalog
from tests.autogenerate.changing import HEAD, Workshop, counted, prove, table
from tests.autogenerate.changing import Change as Proved

TWO_SCHEMAS = """
class A(Base):
    __tablename__ = "a"
    __table_args__ = {{"schema": "s1"}}
    id: Mapped[PrimaryKey]
{second}
"""
SECOND = """
class B(Base):
    __tablename__ = "b"
    __table_args__ = {"schema": "s2"}
    id: Mapped[PrimaryKey]
"""
VECTOR = """
from sqlalchemy.types import UserDefinedType


class Vector(UserDefinedType):
    cache_ok = True

    def __init__(self, size: int) -> None:
        self.size = size

    def get_col_spec(self, **kw: Any) -> str:
        return f"numeric({{self.size}})"
""".replace("{{", "{").replace("}}", "}")
LONG = "a_name_that_is_longer_than_anybody_would_like_for_a_column"
CHINESE = "这是一个非常长的中文列名称用来测试"


@dataclass
class Case:
    """Columns and `__table_args__` of class T, before and after; `rest` follows the class.

    `asked` is what has to be named: without it the change is refused, and the refusal names it.
    `phase` is that of the newest revision; `says` has to be in its text.
    """

    before: str = ""
    after: str = ""
    arguments: tuple[str, str] = ("", "")
    rest: tuple[str, str] = ("", "")
    asked: dict[str, str] = field(default_factory=dict)
    setup: str = ""
    phase: str = ""
    says: str = ""


def args(before: str, after: str, **more: object) -> Case:
    return Case(arguments=(before, after), **more)  # type: ignore[arg-type]


CASES = {
    "computed_changed": Case(
        "c: Mapped[int | None] = mapped_column(Computed('a * 2', persisted=True))",
        "c: Mapped[int | None] = mapped_column(Computed('a * 3', persisted=True))",
        asked={"rewrite": "t.c"},
    ),
    "computed_to_plain": Case(
        "c: Mapped[int | None] = mapped_column(Computed('a * 2', persisted=True))",
        "c: Mapped[int | None]",
    ),
    "exclude_added": Case(
        "r: Mapped[Any] = mapped_column(INT4RANGE, nullable=True)",
        "r: Mapped[Any] = mapped_column(INT4RANGE, nullable=True)",
        (
            "",
            "(ExcludeConstraint(('r', '&&'), name='ex_t_r', using='gist',"
            " where=text('r IS NOT NULL')),)",
        ),
        phase="contract",
    ),
    "partial_unique_changes": args(
        "(Index('uq_live', 'id', unique=True, postgresql_where=text('a > 0')),)",
        "(Index('uq_live', 'id', unique=True, postgresql_where=text('a > 5')),)",
        phase="contract",
        says="op.replace_index",
    ),
    "index_include": args(
        "(Index('ix_b', 'b'),)", "(Index('ix_b', 'b', postgresql_include=['a']),)"
    ),
    "index_ops": args(
        "(Index('ix_b', 'b'),)",
        "(Index('ix_b', 'b', postgresql_ops={'b': 'varchar_pattern_ops'}),)",
    ),
    "index_using": args("(Index('ix_b', 'b'),)", "(Index('ix_b', 'b', postgresql_using='hash'),)"),
    "index_with": args(
        "(Index('ix_b', 'b'),)", "(Index('ix_b', 'b', postgresql_with={'fillfactor': 50}),)"
    ),
    "unique_deferrable": args(
        "(UniqueConstraint('id', 'b', name='uq_b'),)",
        "(UniqueConstraint('id', 'b', name='uq_b', deferrable=True),)",
        phase="contract",
    ),
    "collation": Case(
        "c: Mapped[str | None] = mapped_column(String(20), index=True)",
        "c: Mapped[str | None] = mapped_column(String(20, collation='C'), index=True)",
    ),
    "numeric_unbounded": Case(
        "c: Mapped[Any] = mapped_column(Numeric(10, 2), nullable=True)",
        "c: Mapped[Any] = mapped_column(Numeric(), nullable=True)",
    ),
    "custom_type_argument": Case(
        "c: Mapped[Any] = mapped_column(Vector(3), nullable=True)",
        "c: Mapped[Any] = mapped_column(Vector(4), nullable=True)",
    ),
    "default_with_quote": Case("", 'c: Mapped[str] = mapped_column(Text, server_default="it\'s")'),
    "json_default": Case("", "c: Mapped[Any] = mapped_column(JSON, server_default='{}')"),
    "default_and_type_together": Case(
        "c: Mapped[int] = mapped_column(server_default='1')",
        "c: Mapped[str] = mapped_column(String(9), server_default='low')",
        asked={"rewrite": "t.c"},
    ),
    "new_enum_value_as_default": Case(
        "c: Mapped[str] = mapped_column(Enum('new', 'paid', name='st'), server_default='new')",
        "c: Mapped[str] = mapped_column(Enum('new', 'paid', 'draft', name='st'),"
        " server_default='draft')",
    ),
    "boolean_with_its_check": Case(
        "", "c: Mapped[bool | None] = mapped_column(Boolean(create_constraint=True, name='cb'))"
    ),
    "names_over_63_bytes": Case(
        "",
        f"{LONG}: Mapped[int | None] = mapped_column(index=True, unique=False)\n"
        f"{CHINESE}: Mapped[int | None] = mapped_column(unique=True)\n"
        f"{CHINESE}2: Mapped[int | None] = mapped_column(ForeignKey('t.id'), index=True)",
        (
            "",
            f"(CheckConstraint('a > -1', name='{LONG}_is_small'),"
            f" CheckConstraint('id > 0', name='{CHINESE}大于零而且'))",
        ),
    ),
    "public_written_out": Case(
        arguments=("", "{'schema': 'public'}"),
        rest=(
            "",
            "class U(Base):\n    __tablename__ = 'u'\n    __table_args__ = {'schema': 'public'}\n"
            "    id: Mapped[PrimaryKey]\n"
            "    t: Mapped[int] = mapped_column(ForeignKey('public.t.id'))\n",
        ),
    ),
    "function_index": args(
        "",
        "(Index('ix_ts', text(\"to_tsvector('english'::regconfig, b)\"), postgresql_using='gin'),)",
    ),
    "volatile_default": Case(
        "", "c: Mapped[str] = mapped_column(Text, server_default=text('md5(random()::text)'))"
    ),
    "identity_added": Case(
        "n: Mapped[int] = mapped_column(server_default='1')",
        "n: Mapped[int] = mapped_column(Identity())",
    ),
    "identity_changed": Case(
        "n: Mapped[int] = mapped_column(Identity())",
        "n: Mapped[int] = mapped_column(Identity(always=True, increment=5))",
    ),
    "identity_removed": Case(
        "n: Mapped[int] = mapped_column(Identity())",
        "n: Mapped[int] = mapped_column(server_default='1')",
    ),
    "cycle_of_foreign_keys": Case(
        rest=(
            "",
            "class U(Base):\n    __tablename__ = 'u'\n    id: Mapped[PrimaryKey]\n"
            "    v: Mapped[int | None] = mapped_column(ForeignKey('v.id'))\n\n"
            "class V(Base):\n    __tablename__ = 'v'\n    id: Mapped[PrimaryKey]\n"
            "    u: Mapped[int | None] = mapped_column(ForeignKey('u.id'))\n",
        )
    ),
    "cycle_with_use_alter": Case(
        rest=(
            "",
            "class U(Base):\n    __tablename__ = 'u'\n    id: Mapped[PrimaryKey]\n"
            "    v: Mapped[int | None] = mapped_column(ForeignKey('v.id', use_alter=True,"
            " name='fk_u'))\n\n"
            "class V(Base):\n    __tablename__ = 'v'\n    id: Mapped[PrimaryKey]\n"
            "    u: Mapped[int | None] = mapped_column(ForeignKey('u.id'))\n",
        )
    ),
    "check_in_column": Case(
        rest=(
            "",
            "class U(Base):\n    __tablename__ = 'u'\n    id: Mapped[PrimaryKey]\n"
            "    c: Mapped[int] = mapped_column(CheckConstraint('c > 0', name='pos'),"
            " server_default='1')\n",
        )
    ),
    "sequence_default": Case(
        "",
        "n: Mapped[int] = mapped_column(Sequence('t_n_seq', metadata=Base.metadata),"
        " server_default=Sequence('t_n_seq').next_value())",
    ),
    "domain": Case(
        "",
        "c: Mapped[Any] = mapped_column(DOMAIN('pos', Integer(), check=text('VALUE > 0')),"
        " nullable=True)",
        asked={"rewrite": "t.c"},
    ),
    "covering_unique": args(
        "", "(UniqueConstraint('id', 'b', name='uq_b', postgresql_include=['a']),)"
    ),
    "text_to_uuid": Case(
        "c: Mapped[Any] = mapped_column(Text, nullable=True)",
        "c: Mapped[Any] = mapped_column(Uuid, nullable=True)",
        asked={"rewrite": "t.c"},
        says="postgresql_using",
    ),
    "enum_to_enum": Case(
        "c: Mapped[Any] = mapped_column(Enum('a', 'b', name='one'), nullable=True)",
        "c: Mapped[Any] = mapped_column(Enum('a', 'b', name='two'), nullable=True)",
        asked={"rewrite": "t.c"},
    ),
    "integer_to_boolean": Case(
        "c: Mapped[Any] = mapped_column(Integer, nullable=True)",
        "c: Mapped[Any] = mapped_column(Boolean, nullable=True)",
        asked={"rewrite": "t.c"},
    ),
    "unique_removed": args("(UniqueConstraint('id', 'b', name='uq_b'),)", ""),
    "index_moves_to_another_table": Case(
        arguments=("", "(Index('ix_n', 'a'),)"),
        rest=(
            "class U(Base):\n    __tablename__ = 'u'\n    __table_args__ = (Index('ix_n', 'n'),)\n"
            "    id: Mapped[PrimaryKey]\n    n: Mapped[int | None]\n",
            "class U(Base):\n    __tablename__ = 'u'\n"
            "    id: Mapped[PrimaryKey]\n    n: Mapped[int | None]\n",
        ),
    ),
    "rewrite_in_a_new_column": Case(
        "",
        "body: Mapped[str | None]\nsearch: Mapped[Any] = mapped_column(TSVECTOR,"
        " Computed(\"to_tsvector('english', coalesce(body, ''))\", persisted=True))",
        asked={"rewrite": "t.search"},
    ),
    "digits_are_cut": Case(
        "p: Mapped[Any] = mapped_column(Numeric(12, 4), nullable=True)",
        "p: Mapped[Any] = mapped_column(Numeric(12, 2), nullable=True)",
        asked={"rewrite": "t.p", "lose": "t.p"},
    ),
    "times_are_cut": Case(
        "d: Mapped[Any] = mapped_column(DateTime, nullable=True)",
        "d: Mapped[Any] = mapped_column(Date, nullable=True)",
        asked={"rewrite": "t.d", "lose": "t.d"},
    ),
    "check_replaced": args(
        "(CheckConstraint('a >= 0', name='pos'),)",
        "(CheckConstraint('a > -1', name='pos'),)",
        phase="contract",
        says="op.replace_constraint",
    ),
    "foreign_key_replaced": Case(
        "t: Mapped[int | None] = mapped_column(ForeignKey('t.id'))",
        "t: Mapped[int | None] = mapped_column(ForeignKey('t.id', ondelete='CASCADE'))",
        phase="contract",
        says="op.replace_constraint",
    ),
    "check_renamed": args(
        "(CheckConstraint('a >= 0', name='one'),)",
        "(CheckConstraint('a >= 0', name='two'),)",
        phase="contract",
        says="RENAME CONSTRAINT ck_t_one TO ck_t_two",
    ),
    "index_renamed": args(
        "(Index('one', 'b'),)",
        "(Index('two', 'b'),)",
        phase="expand",
        says="ALTER INDEX one RENAME TO two",
    ),
    "check_on_an_old_column": Case(
        "c: Mapped[int | None]",
        "c: Mapped[int | None]",
        ("", "(CheckConstraint('c IS NULL OR c > -5', name='cn'),)"),
        phase="contract",
    ),
    "unique_on_an_old_column": Case(
        "c: Mapped[int | None]",
        "c: Mapped[int | None] = mapped_column(unique=True)",
        phase="contract",
    ),
    "foreign_key_on_an_old_column": Case(
        "c: Mapped[int | None]",
        "c: Mapped[int | None] = mapped_column(ForeignKey('t.id'))",
        phase="contract",
    ),
    "generated_from_a_wider_column": Case(
        "n: Mapped[Any] = mapped_column(Numeric(8, 3), nullable=True)",
        "n: Mapped[Any] = mapped_column(Numeric(10, 3), nullable=True)\n"
        "c: Mapped[Any] = mapped_column(Numeric, Computed('n * n', persisted=True), nullable=True)",
        asked={"rewrite": "t.c"},
    ),
    "generated_from_a_rewritten_column": Case(
        "n: Mapped[Any] = mapped_column(Integer, nullable=True)",
        "n: Mapped[Any] = mapped_column(BigInteger, nullable=True)\n"
        "c: Mapped[Any] = mapped_column(BigInteger, Computed('n / 2', persisted=True),"
        " nullable=True)",
        asked={"rewrite": "t.c,t.n"},
        phase="contract",
    ),
    "index_dropped": Case(
        "c: Mapped[int | None] = mapped_column(index=True)",
        "c: Mapped[int | None]",
        phase="contract",
    ),
    "column_with_its_index_dropped": Case(
        "c: Mapped[int | None] = mapped_column(index=True)",
        "",
        asked={"drop": "t.c"},
        phase="contract",
    ),
}


def models(case: Case, number: int) -> str:
    """The module, before (0) or after (1)."""
    columns = (case.before, case.after)[number]
    text = table(columns, case.arguments[number], case.rest[number])
    return text.replace(HEAD, HEAD + VECTOR) if "Vector(" in columns else text


def texts(workshop: Workshop) -> str:
    """All revisions, oldest first."""
    return "\n".join(path.read_text("utf-8") for path in workshop.files())


@pytest.mark.parametrize("name", CASES)
def test_case(workshop: Workshop, name: str) -> None:
    case = CASES[name]
    before, after = models(case, 0), models(case, 1)
    if case.asked:
        workshop.reset()
        workshop.models(before)
        assert workshop.revise().code == 0
        workshop.models(after)
        done = workshop.revise()
        assert done.code == 5, done.output
        assert not workshop.written
        subject = next(iter(case.asked.values()))
        assert subject in done.output
    prove(workshop, Proved(before, after, case.asked, case.setup))
    assert case.says in texts(workshop)
    if case.phase:
        assert re.findall(r"^phase: str = ['\"](\w+)", texts(workshop), re.M)[-1] == case.phase


def test_the_last_table_of_a_schema_is_asked_for(workshop: Workshop) -> None:
    workshop.reset()
    workshop.models(HEAD + TWO_SCHEMAS.format(second=SECOND))
    assert workshop.revise().code == 0
    workshop.upgrade()
    workshop.models(HEAD + TWO_SCHEMAS.format(second=""))
    done = workshop.revise()
    assert (done.code, workshop.written) == (5, []), done.output
    assert "s2.b" in done.output
    done = workshop.revise(drop="s2.b")
    assert done.code == 0, done.output


def test_what_was_made_by_hand_is_not_dropped(workshop: Workshop) -> None:
    workshop.reset()
    workshop.models(table())
    assert workshop.revise().code == 0
    workshop.upgrade()
    workshop.run("CREATE INDEX by_hand ON t (a)")
    workshop.run("ALTER TABLE t ADD CONSTRAINT by_hand CHECK (a > -9), ALTER b SET DEFAULT 'x'")
    there = workshop.schema()
    workshop.models(
        table(rest="Table('u', Base.metadata, Column('id', Integer, primary_key=True))")
    )
    assert workshop.revise().code == 0
    workshop.upgrade()
    gone = [each for each in catalog.diff(there, workshop.schema()) if each.after is None]
    assert gone == []


def test_a_name_that_fits_two_things_is_asked_for(workshop: Workshop) -> None:
    nick = "class N(Base):\n    __tablename__ = 'nick'\n    __table_args__ = {'schema': 't'}\n"
    other = "class O(Base):\n    __tablename__ = 'o'\n    __table_args__ = {'schema': 't'}\n"
    keyed = "    id: Mapped[PrimaryKey]\n\n"
    workshop.reset()
    workshop.models(table("nick: Mapped[str | None]", rest=nick + keyed + other + keyed))
    assert workshop.revise().code == 0
    workshop.models(table(rest=other + keyed))
    done = workshop.revise(drop="t.nick")
    assert done.code in (2, 5) and not workshop.written, done.output
    assert "column:t.nick" in done.output and "table:t.nick" in done.output


def test_a_unique_index_that_rows_do_not_fit_stays(workshop: Workshop) -> None:
    workshop.reset()
    workshop.models(table(arguments="(Index('ix_email', 'b', unique=True),)"))
    assert workshop.revise().code == 0
    workshop.upgrade()
    workshop.run("INSERT INTO t (b) VALUES ('A'), ('a')")
    there, rows = workshop.schema(), counted(workshop)
    workshop.models(table(arguments="(Index('ix_email', text('lower(b)'), unique=True),)"))
    done = workshop.revise()
    assert done.code == 0, done.output
    with pytest.raises(Exception, match="The old one is still there"):
        workshop.upgrade()
    assert catalog.diff(there, workshop.schema()) == []
    assert counted(workshop) == rows
