"""Random changes of models, over every property that the catalog reads and a model can have.

Each is either written, and then right both ways by the catalogs (see `prove`), or refused in one
sentence, with no file left. More of them by hand: RANDOM_CHANGES=500 pytest tests/autogenerate.
"""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from migrator import catalog
from tests.autogenerate.changing import HEAD, Done, Workshop

EXAMPLES = int(os.environ.get("RANDOM_CHANGES", "12"))
ON_SQLITE = "sqlite"
# Exit codes of what may be refused: by a safety check, or for want of an operation.
REFUSED = (1, 5)
CONSENT = re.compile(r'make revision m="\.\.\."((?: \w+=\S+)+)`')

# By column, the types and defaults that it may have; a type with another one before it is a change.
COLUMNS = {
    "amount": (["Numeric(10, 2)", "Numeric(12, 4)", "Numeric()"], ["text('0')", "text('1.5')"]),
    "at": (["DateTime(timezone=True)", "DateTime()", "Date()"], ["func.now()"]),
    "code": (
        ["String(20)", "String(50)", "Text()", "String(20, collation='C')"],
        ["'x'", '"it\'s"'],
    ),
    "count": (["Integer()", "BigInteger()", "SmallInteger()"], ["text('7')", "'3'"]),
    "done": (["Boolean()"], ["false()", "true()"]),
    "note": (["JSON()", "postgresql.JSONB()"], ["'{}'"]),
    "size": (["Enum('s', 'l', name='size_{t}')", "Enum('s', 'm', 'l', name='size_{t}')"], ["'s'"]),
    "tags": (["postgresql.ARRAY(Text())", "postgresql.ARRAY(String(9))"], ["'{}'"]),
    "token": (["Uuid()"], ["text('gen_random_uuid()')"]),
    "span": (["postgresql.INT4RANGE()"], []),
    "raw": (["LargeBinary()"], []),
    "kept": (["Interval()"], ["text(\"'1 day'\")"]),
}
PLAIN = {"amount", "at", "code", "count", "done"}  # what SQLite has, too
EXTRAS = ["", "", "index=True", "unique=True", "comment='说明'"]
MADE = ["Computed('id * 2', persisted=True)", "Computed('id * 3', persisted=True)", "Identity()"]
INDEXES = [
    "Index('ix_{t}', 'id', {c!r})",
    "Index('ix_{t}', {c!r}, unique=True)",
    "Index('ix_{t}', {c!r}, postgresql_where=text('id > 5'))",
    "Index('ix_{t}', {c!r}, postgresql_where=text('id > 7'))",
    "Index('ix_{t}', 'id', postgresql_include=[{c!r}])",
    "Index('ix_{t}', 'id', postgresql_using='hash')",
    "Index('ix_{t}', text('id DESC NULLS LAST'))",
    "Index('ix_{t}', text('(id % 10)'), postgresql_with={{'fillfactor': 70}})",
]
UNIQUES = [
    "UniqueConstraint('id', {c!r}, name='uq_{t}')",
    "UniqueConstraint({c!r}, name='uq_{t}')",
    "UniqueConstraint({c!r}, name='uq_{t}', deferrable=True, initially='DEFERRED')",
    "UniqueConstraint('id', name='uq_{t}', postgresql_include=[{c!r}])",
]
CHECKS = [
    "CheckConstraint('id > 0', name='sense')",
    "CheckConstraint('id > -5', name='sense')",
    "CheckConstraint('id IN (1, 2) OR id > 9', name='sense')",
]
KEYS = [
    "ForeignKeyConstraint(['ref'], ['{o}.id'], name='fk_{t}')",
    "ForeignKeyConstraint(['ref'], ['{o}.id'], name='fk_{t}', ondelete='CASCADE')",
    "ForeignKeyConstraint(['ref'], ['{o}.id'], name='fk_{t}', deferrable=True)",
]
TABLES = ["alpha", "Beta"]


@st.composite
def sources(draw: st.DrawFn, sqlite: bool) -> str:
    """Models as a module."""
    text = HEAD
    for number, name in enumerate(TABLES):
        if number and not draw(st.booleans()):
            continue
        columns, keyed = drawn_columns(draw, sqlite)
        arguments = [
            f"Column('id', {draw(st.sampled_from(['Integer()', 'BigInteger()']))}, "
            "primary_key=True)"
            if not sqlite
            else "Column('id', Integer(), primary_key=True)"
        ]
        arguments += columns
        first = keyed[0] if keyed else "id"
        choices = (UNIQUES[:2], CHECKS) if sqlite else (INDEXES, UNIQUES, CHECKS)
        if draw(st.booleans()):
            arguments += ["Column('ref', Integer())"]
            arguments += draw(st.lists(st.sampled_from(KEYS), max_size=1))
        for some in choices:
            arguments += draw(st.lists(st.sampled_from(some), max_size=1))
        if not sqlite and draw(st.booleans()):
            arguments.append(f"comment={draw(st.sampled_from(['一', 'two']))!r}")
        lines = ",\n    ".join(arguments)
        text += (
            f"Table({name!r}, Base.metadata,\n    {lines},\n)\n".replace("{{", "{")
            .replace("}}", "}")
            .replace("{c!r}", repr(first))
            .replace("{t}", name.lower())
            .replace("{o}", TABLES[0])
        )
    return text


def drawn_columns(draw: st.DrawFn, sqlite: bool) -> tuple[list[str], list[str]]:
    """Columns, and the names of those that an index or a constraint may be on."""
    written, keyed = [], []
    names = sorted(PLAIN if sqlite else COLUMNS)
    for name in draw(st.lists(st.sampled_from(names), unique=True, max_size=4)):
        types, defaults = COLUMNS[name]
        default = draw(st.sampled_from(["", *defaults]))
        parts = [repr(name), draw(st.sampled_from(types[:1] if sqlite else types))]
        parts.append(f"nullable={draw(st.booleans()) if default else True}")
        parts.append(f"server_default={default}" if default else "")
        if name not in ("note", "span", "raw", "tags"):
            extra = draw(st.sampled_from(EXTRAS[:4] if sqlite else EXTRAS))
            parts.append(extra)
            keyed.append(name)
        written.append(f"Column({', '.join(filter(None, parts))})")
    if not sqlite and draw(st.booleans()):
        made = draw(st.sampled_from(MADE))
        written.append(f"Column('made', Integer(), {made})")
    return written, keyed


def revise(project: Workshop) -> Done:
    """`make revision`, naming what it asks to be named."""
    asked: dict[str, str] = {}
    for _ in range(4):
        done = project.revise(**asked)
        found = CONSENT.findall(done.output) if done.code in REFUSED else []
        more: dict[str, Any] = dict(each.split("=", 1) for each in " ".join(found).split())
        if not more or more.items() <= asked.items():
            return done
        asked |= more
    return done


def check(project: Workshop, before: str, after: str) -> None:
    """One change, as `prove` does it, or refused."""
    project.reset()
    project.models(before)
    first = revise(project)
    assert first.code == 0, first.output + before
    project.upgrade()
    assert project.differences() == [], before
    there = project.schema()
    project.models(after)
    done = revise(project)
    if done.code:
        event("refused")
        assert done.code in REFUSED and not project.written, done.output + before + after
        return
    if not project.written:
        assert catalog.diff(there, project.built()) == [], before + after
        return
    event("written")
    project.upgrade()
    assert project.differences() == [], project.texts() + before + after
    project.downgrade()
    assert catalog.diff(there, project.schema()) == [], project.texts() + before + after
    project.upgrade()
    assert project.differences() == [], project.texts()


RANDOM = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES < 100,
    database=None,
    phases=[Phase.generate] + [Phase.shrink] * (EXAMPLES >= 100),
    suppress_health_check=list(HealthCheck),
)


@RANDOM
@given(before=sources(sqlite=False), after=sources(sqlite=False))
def test_on_postgresql(workshop: Workshop, before: str, after: str) -> None:
    check(workshop, before, after)


@RANDOM
@given(before=sources(sqlite=True), after=sources(sqlite=True))
@pytest.mark.parametrize("workshop", [ON_SQLITE], indirect=True)
def test_on_sqlite(workshop: Workshop, before: str, after: str) -> None:
    check(workshop, before, after)
