"""A broad schema on each version: written, applied, reverted, compared; read and traced."""

from __future__ import annotations

from tests.autogenerate.changing import Change, Workshop, prove, table
from tests.deploy.deploying import REVISION, execute, steps
from tests.versions.server import Server

BEFORE = table(
    """c: Mapped[decimal.Decimal | None] = mapped_column(Numeric(10, 2))
d: Mapped[str | None] = mapped_column(Text, comment="a note")
e: Mapped[list[int] | None] = mapped_column(ARRAY(Integer))
f: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
g: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True))
h: Mapped[Any | None] = mapped_column(postgresql.INT4RANGE)
i: Mapped[int] = mapped_column(Identity(always=True))
j: Mapped[int | None] = mapped_column(Computed("a * 2"))
k: Mapped[str | None] = mapped_column(Enum("new", "old", name="state"))
l: Mapped[uuid.UUID | None]
m: Mapped[str] = mapped_column(String(5), server_default="x")
o: Mapped[int | None] = mapped_column(ForeignKey("other.id", ondelete="CASCADE"))""",
    """(
        Index("ix_t_ab", "a", text("b DESC NULLS LAST")),
        Index("ix_t_part", "a", postgresql_where=text("b IS NOT NULL")),
        Index("ix_t_inc", "d", postgresql_include=["a"]),
        Index("ix_t_gin", "f", postgresql_using="gin"),
        UniqueConstraint("c", "d", name="uq_t_cd"),
        CheckConstraint("a < 100", name="small"),
        ExcludeConstraint(("h", "&&"), name="ex_t_h"),
    )""",
    """class Other(Base):
    __tablename__ = "other"
    __table_args__ = (Index("uq_other_lower", text("lower(name)"), unique=True),)

    id: Mapped[PrimaryKey]
    name: Mapped[str | None] = mapped_column(String(20))""",
)
AFTER = table(
    """c: Mapped[decimal.Decimal | None] = mapped_column(Numeric(12, 2))
d: Mapped[str | None] = mapped_column(Text, comment="another note")
e: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
f: Mapped[dict[str, Any] | None] = mapped_column(JSONB, server_default=text("'{}'"))
g: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True), index=True)
h: Mapped[Any | None] = mapped_column(postgresql.INT4RANGE)
i: Mapped[int] = mapped_column(Identity(always=False))
j: Mapped[int | None] = mapped_column(Computed("a * 3"))
k: Mapped[str | None] = mapped_column(Enum("new", "old", "gone", name="state"))
l: Mapped[uuid.UUID | None] = mapped_column(server_default=text("gen_random_uuid()"))
m: Mapped[str] = mapped_column(String(50), server_default="y")
o: Mapped[int | None] = mapped_column(ForeignKey("other.id", ondelete="SET NULL"))
p: Mapped[datetime.date] = mapped_column(server_default=text("CURRENT_DATE"))""",
    """(
        Index("ix_t_ab", "b", "a"),
        Index("ix_t_part", "a", postgresql_where=text("b IS NULL")),
        Index("ix_t_inc", "d", postgresql_include=["c"]),
        Index("ix_t_gin", "f", postgresql_using="gin", postgresql_ops={"f": "jsonb_path_ops"}),
        UniqueConstraint("c", "m", "d", name="uq_t_cd"),
        CheckConstraint("a < 1000", name="small"),
        ExcludeConstraint(("h", "&&"), name="ex_t_h", where=text("a > 0")),
    )""",
    """class Other(Base):
    __tablename__ = "other"
    __table_args__ = (Index("uq_other_lower", text("lower(name)"), "id", unique=True),)

    id: Mapped[PrimaryKey]
    name: Mapped[str | None] = mapped_column(String(40))


class Third(Base):
    __tablename__ = "third"

    id: Mapped[PrimaryKey]
    other: Mapped[int | None] = mapped_column(
        ForeignKey("other.id", deferrable=True, initially="DEFERRED")
    )""",
)


def test_a_broad_schema_goes_there_and_back(workshop: Workshop, server_version: Server) -> None:
    # Only 18 has generated columns that are not stored.
    rewrite = "t.e" if server_version.major >= 18 else "t.e,t.j"
    prove(workshop, Change(BEFORE, AFTER, asked={"rewrite": rewrite}))


def test_a_unique_constraint_is_replaced_there_and_back(
    workshop: Workshop, server_version: Server
) -> None:
    """NULLS NOT DISTINCT and NULLS DISTINCT are said only to a server that knows them."""
    unique = '(UniqueConstraint("a", "b"{}, name="uq_t_ab"{}),)'
    knows = server_version.major >= 15
    before = table("", unique.format("", ", postgresql_nulls_not_distinct=True" if knows else ""))
    after = table("", unique.format("" if knows else ', "id"', ""))
    rows = "INSERT INTO t (a, b) SELECT g, g::text FROM generate_series(1, 10) g"
    prove(workshop, Change(before, after, rows=rows))


def test_a_trace_sees_locks_and_rewritten_tables(workshop: Workshop) -> None:
    """And lint finds them, in what was written by hand."""
    workshop.reset()
    workshop.models(table())
    assert workshop.revise().code == 0
    workshop.upgrade()
    (first,) = workshop.files()
    text = REVISION.format(
        name="by_hand",
        before=first.name.partition("_")[0],
        upgrade=steps(
            execute("ALTER TABLE t ALTER a TYPE numeric"), execute("CREATE INDEX ix_t_b ON t (b)")
        ),
        downgrade="pass",
    )
    (first.parent / "by_hand_step.py").write_text(text, "utf-8")
    traced = workshop.migrator("trace", "by_hand")
    assert traced.code == 5, traced.output
    for words in ("blocks reads and writes of t", "blocks-while-rewriting", "locked by an earlier"):
        assert words in " ".join(traced.output.split())
    linted = workshop.migrator("lint", "by_hand")
    assert linted.code == 5, linted.output
    assert "changing-column-type" in linted.output
