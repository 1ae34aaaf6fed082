"""What has to be named for `make revision`: drops, loss of values, rewritten tables."""

from __future__ import annotations

import pytest

from tests.autogenerate.changing import Change, Workshop, prove, table


def column(definition: str) -> str:
    """The models with one more column, c."""
    return table(f"c: Mapped[Any] = mapped_column({definition}, nullable=True)")


def refused(workshop: Workshop, change: Change) -> str:
    """Return what is said when the change is not written, having checked that it is not."""
    workshop.reset()
    workshop.models(change.before)
    done = workshop.revise()
    assert done.code == 0, done.output
    workshop.upgrade()
    if change.rows:
        workshop.run(change.rows)
    workshop.models(change.after)
    done = workshop.revise(**change.asked)
    assert (done.code, workshop.written) in ((5, []), (2, [])), done.output
    return " ".join(done.output.split())


# Types, and how the rows that lose something are counted.
LOSSES = {
    "fewer_digits": ("Numeric(12, 4)", "Numeric(12, 2)", "1.2345", "lose digits"),
    "date": ("DateTime", "Date", "'2025-06-01 13:45:10'", "lose a part of the time"),
    "shorter": ("String(50)", "String(5)", "'longer than that'", "lose characters"),
    "text_to_varchar": ("Text", "String(20)", "repeat('x', 30)", "lose characters"),
    "float_to_integer": ("Double", "Integer", "0.75", "lose digits"),
    "double_to_real": ("Double", "REAL", "0.1234567890123", "lose digits"),
    "bigint_to_double": ("BigInteger", "Double", "9007199254740993", "lose digits"),
    "milliseconds": (
        *("TIMESTAMP(precision=6)", "TIMESTAMP(precision=0)"),
        *("'2025-06-01 13:45:10.5'", "lose a part of the time"),
    ),
    "numeric_array": ("ARRAY(Numeric(12, 4))", "ARRAY(Integer)", "'{1.5}'", "lose digits"),
    "to_computed": ("BigInteger", "BigInteger, Computed('a * 2', persisted=True)", "7", "digits"),
}


@pytest.mark.parametrize("name", LOSSES)
def test_loss_of_values_is_asked_for_by_name(workshop: Workshop, name: str) -> None:
    old, new, value, loss = LOSSES[name]
    rows = f"INSERT INTO t (a, c) SELECT g, {value} FROM generate_series(1, 3) g"
    change = Change(column(old), column(new), {}, rows=f"INSERT INTO t (a) VALUES (1); {rows}")
    said = refused(workshop, change)
    assert "lose=t.c" in said
    assert "3 of 4 rows would lose" in said
    assert loss in said
    change.asked["rewrite"] = "t.c"
    assert "lose=t.c" in refused(workshop, change)
    prove(workshop, Change(change.before, change.after, {"lose": "t.c"}, rows=change.rows))


KEPT = {
    "digits": ("Numeric(10, 2)", "Numeric(12, 2)", {}),
    "integer": ("Integer", "BigInteger", {"rewrite": "t.c"}),
    "real": ("REAL", "Double", {"rewrite": "t.c"}),
    "text": ("String(20)", "Text", {}),
    "date_to_timestamp": ("Date", "DateTime", {"rewrite": "t.c"}),
    "zone": ("DateTime", "DateTime(timezone=True)", {"rewrite": "t.c"}),
    "number_to_text": ("Numeric(10, 2)", "Text", {"rewrite": "t.c"}),
}


@pytest.mark.parametrize("name", KEPT)
def test_what_keeps_its_values_asks_for_no_loss(workshop: Workshop, name: str) -> None:
    old, new, asked = KEPT[name]
    prove(workshop, Change(column(old), column(new), asked))


def test_a_rewrite_that_comes_with_a_new_column(workshop: Workshop) -> None:
    search = (
        "body: Mapped[str | None]\n"
        "search: Mapped[Any] = mapped_column(TSVECTOR,"
        " Computed(\"to_tsvector('english', coalesce(body, ''))\", persisted=True))"
    )
    said = refused(workshop, Change(table(), table(search)))
    assert "rewrite=t.search" in said
    prove(workshop, Change(table(), table(search), {"rewrite": "t.search"}))


def test_a_change_that_postgresql_cannot_make_is_refused_by_name(workshop: Workshop) -> None:
    change = Change(column("Integer"), column("INET"))
    assert "t.c from integer to inet" in refused(workshop, change)


AMBIGUOUS = """
class Nick(Base):
    __tablename__ = "nick"
    __table_args__ = {"schema": "t"}
    id: Mapped[PrimaryKey]
"""
STAYS = """
class Other(Base):
    __tablename__ = "other"
    __table_args__ = {"schema": "t"}
    id: Mapped[PrimaryKey]
"""


def test_a_name_that_fits_two_things(workshop: Workshop) -> None:
    before = table("nick: Mapped[str | None]", rest=AMBIGUOUS + STAYS)
    after = table(rest=STAYS)
    change = Change(before, after, {"drop": "t.nick"})
    said = refused(workshop, change)
    assert "drop=column:t.nick or drop=table:t.nick" in said
    change.asked["drop"] = "column:t.nick"
    assert "would drop t.nick" in refused(workshop, change)
    prove(workshop, Change(before, after, {"drop": "column:t.nick,table:t.nick"}))


def test_plan_and_deploy_count_the_rows_that_lose_something(workshop: Workshop) -> None:
    rows = "INSERT INTO t (a, c) SELECT g, g + 0.1234 FROM generate_series(1, 1200) g"
    change = Change(column("Numeric(12, 4)"), column("Numeric(12, 2)"), {}, rows=rows)
    refused(workshop, change)
    done = workshop.revise(lose="t.c")
    assert done.code == 0, done.output
    plan = workshop.migrator("plan")
    assert plan.code == 3
    assert "t.c: 1,200 of 1,200 rows would lose digits" in plan.output
    done = workshop.migrator("deploy", "--no-backup", "--no-lint")
    assert done.code == 0, done.output
    assert "t.c: 1,200 of 1,200 rows would lose digits" in done.output
