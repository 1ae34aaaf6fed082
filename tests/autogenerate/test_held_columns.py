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
TESTED = """(CheckConstraint("coalesce(n, {0}) <> {1}", name="c"),
    CheckConstraint("a > 2", name="d"),
    Index("i", text("coalesce(n, {0})"), postgresql_where=text("n <> {1}")), Index("j", "n"))"""


def with_definitions(before: str, after: str, values: str, **asked: str) -> Change:
    """CHECK constraints and indexes of a column, whose definitions stay the same in the models."""
    arguments = TESTED.format(*values.split())
    first, second = (table(N.format(kind), arguments) for kind in (before, after))
    return Change(first, second, asked, rows="INSERT INTO t (n) VALUES (NULL)")


DEFINITIONS = {
    "integer to numeric": with_definitions("Integer", "Numeric(12, 2)", "5 7", rewrite="t.n"),
    "numeric to integer": with_definitions("Numeric(12, 2)", "Integer", "5 7", lose="t.n"),
    "string to text": with_definitions("String(20)", "Text", "'x' 'y'"),
    "text to string": with_definitions("Text", "String(20)", "'x' 'y'", lose="t.n"),
    "date to time": with_definitions(
        "Date", "DateTime", "'2020-01-01' '2021-01-01'", rewrite="t.n"
    ),
    "changed as well": Change(
        table(N.format("Integer"), "(CheckConstraint('n > 5', name='c'),)"),
        table(N.format("Numeric"), "(CheckConstraint('n > 6.5', name='c'),)"),
        {"rewrite": "t.n"},
        rows="",
    ),
}
CHANGES = GENERATED | FOREIGN_KEYS | DEFINITIONS


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
COMMENT ON TRIGGER tr ON t IS 'of a table';
CREATE POLICY p ON t AS RESTRICTIVE FOR UPDATE TO PUBLIC USING (n > 3) WITH CHECK (n > 4);
COMMENT ON POLICY p ON t IS 'of rows';
CREATE RULE r AS ON UPDATE TO t WHERE NEW.n > 5 AND OLD.n > 7 DO ALSO NOTHING;
COMMENT ON RULE r ON t IS 'of a table';
ALTER TABLE t DISABLE RULE r;
CREATE RULE d AS ON DELETE TO w DO INSTEAD NOTHING;
ALTER VIEW v ALTER COLUMN b SET DEFAULT 'new';
COMMENT ON INDEX m_num IS 'of a materialized view';
CREATE INDEX m_some ON m (c) WHERE num > 5
"""
# From PostgreSQL 14 on: functions in standard SQL, and statistics of expressions.
LATER = """;
CREATE FUNCTION s(x bigint) RETURNS bigint BEGIN ATOMIC SELECT count(*) FROM t WHERE n > 5; END;
COMMENT ON FUNCTION s IS 'of a table';
REVOKE ALL ON FUNCTION s FROM PUBLIC;
CREATE PROCEDURE s2() BEGIN ATOMIC DELETE FROM t USING w WHERE w.num > 8 AND w.id = t.id; END;
CREATE STATISTICS st ON (n || 'x'), (n || 'y') FROM t
"""
HELD = {
    "numeric": (N.format("Integer"), N.format("Numeric(12, 2)"), {"rewrite": "t.n"}),
    "text": (N.format("String(20)"), N.format("Text"), {}),
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
    later = int(str(workshop.run("SHOW server_version_num")[0][0])) >= 140000
    by_hand = BY_HAND + (LATER if later else "")
    if "String" in before:
        by_hand = by_hand.replace("NEW.n > 5", "NEW.n > 'a'").replace("(n > ", "(length(n) > ")
        for number in range(5, 9):
            by_hand = by_hand.replace(f"n > {number}", f"n > 'a{number}'")
            by_hand = by_hand.replace(f"num > {number}", f"num > 'a{number}'")
    begin(workshop, table(before))
    revision(workshop, by_hand)
    workshop.run("INSERT INTO t (b, a) VALUES ('v', 1), (NULL, 2)")
    workshop.run("REFRESH MATERIALIZED VIEW m")
    there = workshop.schema()
    workshop.models(table(after))
    done = workshop.revise(**asked)
    assert done.code == 0, done.output
    workshop.upgrade()
    kinds = ("table", "column", "constraint")
    changed = {
        each.property
        for each in catalog.diff(there, workshop.schema())
        if each.key.kind not in kinds
    }
    casts = {"definition", "using", "with_check", "body"} if name in ("numeric", "text") else set()
    assert changed <= {"columns"} | casts
    assert len(workshop.run("SELECT * FROM m")) == 1
    workshop.downgrade()
    assert catalog.diff(there, workshop.schema()) == []
    workshop.upgrade()
    done = workshop.revise()
    assert (done.code, workshop.written) == (0, []), done.output


FOREIGN = "CREATE VIEW v AS SELECT id FROM t WHERE n = 'a'"


@pytest.mark.parametrize(
    ("before", "after"), [("Text", "Enum('a', 'b', name='ab')"), ("Enum('a', name='ab')", "Text")]
)
def test_a_view_that_does_not_fit_the_new_type_is_refused(
    workshop: Workshop, before: str, after: str
) -> None:
    """It is known only as text, which has the type of the constant: `'a'::text`."""
    begin(workshop, table(N.format(before)))
    revision(workshop, FOREIGN)
    workshop.models(table(N.format(after)))
    done = workshop.revise(rewrite="t.n")
    assert (done.code, workshop.written) == (5, [])
    said = " ".join(done.output.split())
    assert "made of t.n cannot be made again for another type: operator does not exist" in said
    assert "op.restore_dependents({'DROP VIEW v': 'CREATE VIEW v AS ...'})" in said
    revision(workshop, "DROP VIEW v")
    assert workshop.revise(rewrite="t.n").code == 0
