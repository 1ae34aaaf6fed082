"""The proof of revisions: what it refuses, what it leaves behind, and what it needs."""

from __future__ import annotations

import re

import pytest

from migrator.config.context import Context
from migrator.proof import whole_history
from migrator.proof.whole_history import Proved
from tests.autogenerate.changing import Workshop, table

SHADOWS = "SELECT datname FROM pg_database WHERE starts_with(datname, '{}_shadow_')"


def written_by_hand(workshop: Workshop, up: str, down: str, more: str = "") -> Proved:
    """What the proof says of a revision after that of the table t, which has rows meanwhile."""
    workshop.reset()
    workshop.models(table())
    assert workshop.revise().code == 0
    (first,) = workshop.files()
    text = first.read_text("utf-8")
    own = re.findall(r"^revision: str = ['\"](\w+)", text, re.MULTILINE)[0]
    start = text[: text.index("def upgrade")].replace(own, "aaaa")
    start = re.sub("^down_revision: .*$", f'down_revision: str = "{own}"', start, flags=re.M)
    body = f"def upgrade() -> None:\n    {up}\n\n\ndef downgrade() -> None:\n    {down}\n"
    first.with_name("aaaa_by_hand.py").write_text(f"{start}{more}\n{body}", "utf-8")
    workshop.forget()
    (found,) = whole_history.prove(Context.of(workshop.config()), ["aaaa"])
    return found


def test_a_revision_by_hand_that_holds(workshop: Workshop) -> None:
    up = 'op.add_column("t", sa.Column("c", sa.Text()))'
    found = written_by_hand(workshop, up, 'op.drop_column("t", "c")')
    assert found.problem == ""


WRONG = {
    "a downgrade that does nothing": (
        'op.add_column("t", sa.Column("c", sa.Text()))',
        "pass",
        "The schema is another one after a downgrade",
        "column public.t.c is in the schema after it, but not in the schema before",
    ),
    "a downgrade that forgets a property": (
        'op.alter_column("t", "a", server_default="1", existing_type=sa.BigInteger())',
        'op.alter_column("t", "a", server_default="2", existing_type=sa.BigInteger())',
        "The schema is another one after a downgrade",
        "column public.t.a: default is",
    ),
    "a downgrade that fails": (
        'op.add_column("t", sa.Column("c", sa.Text()))',
        'op.drop_column("t", "d")',
        "The downgrade fails on a shadow database",
        "",
    ),
    "rows that are deleted": (
        'op.execute("DELETE FROM t WHERE a IS NOT NULL")',
        "pass",
        "Rows or values are lost by the upgrade",
        "public.t: 3 rows are gone",
    ),
    "values that are cut": (
        'op.alter_column("t", "b", type_=sa.String(1), postgresql_using="left(b, 1)")',
        'op.alter_column("t", "b", type_=sa.String(50))',
        "Rows or values are lost by the upgrade",
        "public.t.b: ",
        'phase = "contract"',
    ),
    "an expand revision that old code notices": (
        'op.create_check_constraint("few", "t", "a < 100000")',
        'op.drop_constraint(op.f("ck_t_few"), "t")',
        "of phase expand, the server refuses what code that does not know of it may send",
        "violates check constraint",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_revision_by_hand_that_is_wrong(workshop: Workshop, name: str) -> None:
    up, down, problem, detail, *more = WRONG[name]
    found = written_by_hand(workshop, up, down, *more)
    assert problem in found.problem
    assert detail in " ".join(text for _, text in found.details)
    assert workshop.run(SHADOWS.format(workshop.url.database)) == []


def test_one_that_says_that_it_has_no_way_back(workshop: Workshop) -> None:
    up = 'op.execute("DELETE FROM t")'
    found = written_by_hand(workshop, up, "raise NotImplementedError", 'irreversible = "cleaning"')
    assert found.problem == ""


def test_what_it_leaves_out_is_said(workshop: Workshop) -> None:
    """Duplicates are in the way of a unique column: it is proved without rows."""
    found = written_by_hand(
        workshop,
        'op.execute("ALTER TABLE t ADD CONSTRAINT one CHECK (a IS NULL)")',
        'op.execute("ALTER TABLE t DROP CONSTRAINT one")',
        'phase = "contract"',
    )
    assert found.problem == ""
    assert "It was tried without rows in public.t: with some rows it fails" in " ".join(found.notes)


def test_a_history_that_fails_is_named(workshop: Workshop) -> None:
    workshop.reset()
    workshop.models(table())
    assert workshop.revise().code == 0
    (first,) = workshop.files()
    text = first.read_text("utf-8").replace(
        "def upgrade() -> None:", "def upgrade() -> None:\n    1 / 0"
    )
    first.write_text(text, "utf-8")
    workshop.models(table("c: Mapped[int | None]"))
    done = workshop.revise()
    assert done.code == 1
    assert "The revisions cannot be applied to an empty database (ZeroDivisionError" in done.output
    assert workshop.files() == [first]


def test_an_env_py_that_fails_is_named(workshop: Workshop) -> None:
    workshop.reset()
    workshop.models(table())
    assert workshop.revise().code == 0
    env = workshop.folder / "migrations/env.py"
    text = env.read_text("utf-8")
    env.write_text(f"{text}\nmissing\n", "utf-8")
    try:
        workshop.models(table("c: Mapped[int | None]"))
        done = workshop.revise()
    finally:
        env.write_text(text, "utf-8")
    assert done.code == 1
    assert "migrations/env.py fails (NameError: name 'missing' is not defined (" in done.output
    line = len(text.splitlines()) + 2
    assert f"env.py, line {line})), so no revision was run and nothing was written" in done.output


BROKEN = {
    "function": (
        table("c: Mapped[Any] = mapped_column(Text, server_default=text('nothing()'))"),
        "function nothing() does not",
    ),
    "table": (table("c: Mapped[int] = mapped_column(ForeignKey('no.id'))"), "find table 'no'"),
    "column": (table("c: Mapped[int] = mapped_column(ForeignKey('t.no'))"), "no column named 'no'"),
    "key": (table("c: Mapped[str] = mapped_column(ForeignKey('t.b'))"), "no unique constraint"),
    "name": (table(arguments="(Index('i' * 64, 'a'),)"), "exceeds maximum length of 63"),
    "type": (table(rest="Table('u', Base.metadata, Column('c'))"), "did you forget to specify"),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("before", [False, True])
def test_models_that_cannot_be_built_are_named(
    workshop: Workshop, name: str, *, before: bool
) -> None:
    models, reason = BROKEN[name]
    workshop.reset()
    if before:
        workshop.models(table())
        assert workshop.revise().code == 0
    files = workshop.files()
    workshop.models(models)
    for done in (workshop.revise(), workshop.migrator("drift")):
        assert done.code == 1
        assert "The tables of the models cannot be created" in done.output
        assert reason in done.output
        advice = "create that in a revision" if name == "function" else "Correct the models"
        assert advice in done.output
    assert workshop.files() == files
