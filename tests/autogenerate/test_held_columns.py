"""Columns whose types PostgreSQL does not change, because something else is made of them.

It is dropped and made again around the change: generated columns, foreign keys of both ends, and
what revisions have made by hand, such as views, of which no model knows.
"""

from __future__ import annotations

import pytest

from migrator import catalog
from tests.autogenerate.changing import Change, Workshop, prove, table
from tests.autogenerate.test_new_objects import begin, revision

N = "n: Mapped[Any] = mapped_column({}, nullable=True)\n"
G = "g: Mapped[Any] = mapped_column({}, Computed({!r}, persisted=True), nullable=True, {}=True)\n"
ROWS = "INSERT INTO t (n) SELECT CASE WHEN g % 7 > 0 THEN g END FROM generate_series(1, 90) g"


def made_of(
    before: tuple[str, str], after: tuple[str, str], asked: str, more: str = "index"
) -> Change:
    """A column n, and one that is generated from it, by their types and the expression."""
    first, second = (
        table(N.format(kind) + (G.format(*generated.split("|"), more) if generated else ""))
        for kind, generated in (before, after)
    )
    return Change(first, second, {"rewrite": asked}, rows=ROWS)


TIMES = (
    "f: Mapped[Any] = mapped_column({0}, nullable=True)\n"
    "u: Mapped[Any] = mapped_column({0}, nullable=True)\n"
    "d: Mapped[Any] = mapped_column({1}, Computed('{2}range(f, u)', persisted=True), nullable=True)"
)
GENERATED = {
    "only the source": made_of(
        ("Integer", "Integer|n * 2"), ("BigInteger", "Integer|n * 2"), "t.n"
    ),
    "both": made_of(
        ("Integer", "Integer|n * 2"), ("BigInteger", "BigInteger|n * 2"), "t.n,t.g", "unique"
    ),
    "the expression does not take the old type": made_of(
        ("Integer", "Integer|n * 2"), ("Text", "Text|upper(n)"), "t.n,t.g"
    ),
    "without a rewrite of the source": made_of(
        ("String(20)", "String(50)|lower(n)"), ("String(40)", "String(50)|lower(n)"), "t.n"
    ),
    "becomes a plain one": Change(
        table(N.format("Integer") + G.format("Integer", "n * 2", "index")),
        table(N.format("BigInteger") + N.format("Integer, index=True").replace("n:", "g:", 1)),
        {"rewrite": "t.n"},
        rows=ROWS,
    ),
    "times with a range that is made of them": Change(
        table(TIMES.format("DateTime", "TSRANGE", "ts")),
        table(TIMES.format("DateTime(timezone=True)", "TSTZRANGE", "tstz")),
        {"rewrite": "t.f,t.u,t.d"},
        rows="INSERT INTO t (f, u) VALUES ('2026-01-01', '2026-02-01')",
    ),
    "new, with an index": made_of(("BigInteger", ""), ("Numeric", "Numeric|n * 2"), "t.n,t.g"),
}
ENDS = """
class P(Base):
    __tablename__ = "p"
    id: Mapped[Any] = mapped_column({kind}, primary_key=True, autoincrement=False)
    u: Mapped[Any] = mapped_column({kind}, unique=True)
    parent: Mapped[Any] = mapped_column({kind}, ForeignKey("p.id"), nullable=True)


class C(Base):
    __tablename__ = "c"
    id: Mapped[PrimaryKey]
    p_id: Mapped[Any] = mapped_column({kind}, ForeignKey("p.id", ondelete="{action}"), index=True)
    p_u: Mapped[Any] = mapped_column({kind}, ForeignKey("p.u"), nullable=True)
"""
PARENTS = (
    "INSERT INTO p VALUES (1, 7, NULL), (2, 8, 1);"
    "INSERT INTO c (p_id, p_u) VALUES (1, 8), (2, NULL)"
)


def ends(before: str, after: str, action: str = "CASCADE") -> Change:
    """Both columns of each foreign key get another type."""
    first = ENDS.format(kind=before, action="CASCADE")
    second = ENDS.format(kind=after, action=action)
    asked = {"rewrite": "c.p_id,c.p_u,p.id,p.parent,p.u"}
    return Change(table(rest=first), table(rest=second), asked, rows=PARENTS)


FOREIGN_KEYS = {
    "number to text": ends("Integer", "Text"),
    "wider number": ends("Integer", "BigInteger"),
    "and the action": ends("BigInteger", "Text", "SET NULL"),
}
CHANGES = GENERATED | FOREIGN_KEYS


@pytest.mark.parametrize("name", CHANGES)
def test_is_written_and_right_both_ways(workshop: Workshop, name: str) -> None:
    prove(workshop, CHANGES[name])


BY_HAND = """
CREATE VIEW v AS SELECT t.id, t.n AS num, b FROM t WHERE b <> 'x';
COMMENT ON VIEW v IS 'of t: 5%';
COMMENT ON COLUMN v.num IS 'n';
GRANT SELECT ON v TO PUBLIC;
CREATE VIEW w WITH (security_barrier) AS SELECT * FROM v;
CREATE MATERIALIZED VIEW m AS SELECT num, count(*) AS c FROM w GROUP BY num;
CREATE UNIQUE INDEX m_num ON m (num);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER tr AFTER UPDATE OF n ON t FOR EACH ROW WHEN (NEW.n > 5) EXECUTE FUNCTION f();
CREATE TRIGGER tv INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION f();
ALTER TABLE t DISABLE TRIGGER tr;
CREATE POLICY p ON t AS RESTRICTIVE FOR UPDATE TO PUBLIC USING (n > 3) WITH CHECK (n > 4)
"""
HELD = {
    "wider": (N.format("Integer"), N.format("BigInteger"), {"rewrite": "t.n"}),
    "longer": (N.format("String(20)"), N.format("String(40)"), {}),
    "generated": (
        G.format("Integer", "a * 2", "index").replace("g:", "n:", 1),
        G.format("Integer", "a * 3", "index").replace("g:", "n:", 1),
        {"rewrite": "t.n"},
    ),
}


@pytest.mark.parametrize("name", HELD)
def test_what_revisions_have_made_by_hand_is_made_again(workshop: Workshop, name: str) -> None:
    before, after, asked = HELD[name]
    by_hand = BY_HAND
    if "String" in before:
        by_hand = by_hand.replace("NEW.n > 5", "NEW.n > 'a'").replace("(n > ", "(length(n) > ")
    begin(workshop, table(before))
    revision(workshop, by_hand)
    workshop.run("INSERT INTO t (b, a) VALUES ('v', 1), (NULL, 2)")
    workshop.run("REFRESH MATERIALIZED VIEW m")
    there = workshop.schema()
    workshop.models(table(after))
    done = workshop.revise(**asked)
    assert done.code == 0, done.output
    workshop.upgrade()
    kinds = ("view", "materialized_view", "index", "policy", "trigger", "function")
    changed = {
        each.property for each in catalog.diff(there, workshop.schema()) if each.key.kind in kinds
    }
    assert changed <= {"columns"}
    assert len(workshop.run("SELECT * FROM m")) == 1
    workshop.downgrade()
    assert catalog.diff(there, workshop.schema()) == []
    workshop.upgrade()
    done = workshop.revise()
    assert (done.code, workshop.written) == (0, []), done.output


def test_a_view_that_keeps_the_casts_of_the_other_type_is_refused(workshop: Workshop) -> None:
    """Made again from its text, `n * 2` stays numeric when the column is an integer again."""
    begin(workshop, table(N.format("Integer")))
    revision(workshop, "CREATE VIEW v AS SELECT n * 2 AS twice FROM t WHERE n > 5")
    workshop.models(table(N.format("Numeric(12, 2)")))
    done = workshop.revise(rewrite="t.n")
    assert (done.code, workshop.written) == (5, [])
    assert "view public.v: columns is twice integer in the schema before, twice numeric" in (
        " ".join(done.output.split())
    )
    assert 'write it by hand (`make empty-revision m="..."`)' in " ".join(done.output.split())
