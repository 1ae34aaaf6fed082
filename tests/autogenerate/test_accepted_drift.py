"""Differences that a team accepts are no business of the next revision."""

from __future__ import annotations

import pytest

from migrator.revisions import accepted_drift
from tests.autogenerate.changing import Workshop, table
from tests.autogenerate.test_new_objects import EVENT, FUNCTION, ON_T, begin

W = """
class W(Base):
    __tablename__ = "w"
    id: Mapped[PrimaryKey]
    t_id: Mapped[int | None] = mapped_column({key})
"""
INDEX = 'Index("ix_a", "a")'
NEW = "fresh: Mapped[str | None]"

# What the database has, and what the models have instead.
ACCEPTED = {
    "NOT NULL": (table("c: Mapped[int | None]"), "c: Mapped[int]", "", ""),
    "NULL in a key": (
        table("c: Mapped[int]", '(PrimaryKeyConstraint("id", "c"),)'),
        "c: Mapped[int | None]",
        "",
        "",
    ),
    "type": (table("c: Mapped[int | None]"), "c: Mapped[str | None]", "", ""),
    "shorter type": (
        table("c: Mapped[str | None] = mapped_column(String(20))"),
        "c: Mapped[str | None] = mapped_column(String(10))",
        "",
        "",
    ),
    "default": (
        table("c: Mapped[int | None]"),
        'c: Mapped[int | None] = mapped_column(server_default="7")',
        "",
        "",
    ),
    "column of the models": (table(), "c: Mapped[int | None]", "", ""),
    "column of the database": (table("c: Mapped[int | None]"), "", "", ""),
    "index of the models": (table(), "", f"({INDEX},)", ""),
    "index of the database": (table(arguments=f"({INDEX},)"), "", "", ""),
    "index": (table(arguments=f"({INDEX},)"), "", '(Index("ix_a", "a", "b"),)', ""),
    "other key": (
        table("c: Mapped[int]", '(UniqueConstraint("c", name="uq"),)'),
        "c: Mapped[int]",
        '(UniqueConstraint("c", "a", name="uq"),)',
        "",
    ),
    "table of the models": (table(), "", "", W.format(key="index=True")),
    "table of the database": (table(rest=W.format(key="index=True")), "", "", ""),
    "foreign key": (
        table(rest=W.format(key="ForeignKey('t.id')")),
        "",
        "",
        W.format(key="ForeignKey('t.id', ondelete='CASCADE')"),
    ),
    "foreign key of the database": (
        table(rest=W.format(key="ForeignKey('t.id')")),
        "",
        "",
        W.format(key=""),
    ),
    "function and trigger of events": (
        table(rest=EVENT.format(ddl=FUNCTION) + EVENT.format(ddl=ON_T)),
        "",
        "",
        EVENT.format(ddl=FUNCTION.replace("NULL", "OLD"))
        + EVENT.format(ddl=ON_T.replace("DELETE", "UPDATE")),
    ),
    "comment": (table("c: Mapped[int] = mapped_column(comment='x')"), "c: Mapped[int]", "", ""),
}
ONLY_POSTGRESQL = ("comment", "function and trigger of events")


@pytest.mark.parametrize("name", ACCEPTED)
@pytest.mark.parametrize("workshop", ["postgresql", "sqlite"], indirect=True)
def test_a_revision_leaves_it_as_it_is(workshop: Workshop, name: str) -> None:
    before, columns, arguments, rest = ACCEPTED[name]
    if workshop.url.get_backend_name() == "sqlite" and name in ONLY_POSTGRESQL:
        pytest.skip("SQLite has none")
    begin(workshop, before)
    workshop.models(table(columns, arguments, rest))
    differences = workshop.differences()
    assert differences
    assert workshop.migrator("drift").code == 1
    folder = workshop.folder / "migrations"
    accepted_drift.add(folder, "models", differences, "a reason")
    try:
        done = workshop.migrator("drift")
        assert done.code == 0, done.output
        workshop.models(table(f"{columns}\n{NEW}", arguments, rest))
        done = workshop.revise()
        assert done.code == 0, done.output
        assert len(workshop.written) == 1
        assert workshop.texts().count("op.") == 2, workshop.texts()
        workshop.upgrade()
        assert workshop.differences() == differences
    finally:
        (folder / accepted_drift.FILE).unlink()
