"""The phase of each kind of change, and whether it is applied in a transaction.

Each change is proved, as `make revision` does it; what is compared here is what the revisions say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest

from tests.autogenerate.autogenerating import attributes
from tests.autogenerate.changing import Workshop, table

EXPAND, FILL = "expand", "expand, non-transactional"
BUILD, CONTRACT = "contract, non-transactional", "contract"
NEW = "c: Mapped[int | None]"
OTHER = """
class U(Base):
    __tablename__ = "u"
    id: Mapped[PrimaryKey]
    n: Mapped[int | None] = mapped_column({index})
"""


@dataclass
class Kind:
    """A change of the models, and the revisions that it needs, in their order."""

    before: str
    after: str
    expected: list[str]
    asked: dict[str, str] = field(default_factory=dict)


def arguments(text: str, columns: str = "") -> str:
    return table(columns, f"({text},)" if text else "")


KINDS = {
    "new table": Kind(table(), table(rest=OTHER.format(index="index=True, unique=True")), [EXPAND]),
    "nullable column": Kind(table(), table(NEW), [EXPAND]),
    "default": Kind(table(), table("c: Mapped[int] = mapped_column(server_default='1')"), [EXPAND]),
    "required column": Kind(
        table(),
        table("c: Mapped[int] = mapped_column(default=1)"),
        [EXPAND, FILL, BUILD],
    ),
    "index": Kind(table(), arguments("Index('ix', 'a')"), [FILL]),
    "index on an expression": Kind(table(), arguments("Index('ix', text('lower(b)'))"), [FILL]),
    "unique index": Kind(table(), arguments("Index('ix', 'id', 'a', unique=True)"), [BUILD]),
    "unique": Kind(table(), arguments("UniqueConstraint('id', 'b')"), [BUILD]),
    "check": Kind(table(), arguments("CheckConstraint('a < 99', name='few')"), [BUILD]),
    "foreign key": Kind(table(), arguments("ForeignKeyConstraint(['a'], ['t.id'])"), [BUILD]),
    "unique on a new column": Kind(
        table(), arguments("UniqueConstraint('c')", NEW), [EXPAND, FILL]
    ),
    "unique on a new one and an old one": Kind(
        table(), arguments("UniqueConstraint('c', 'id')", NEW), [EXPAND, BUILD]
    ),
    "unique on two new ones": Kind(
        table(),
        arguments("UniqueConstraint('c', 'd')", f"{NEW}\nd: Mapped[int | None]"),
        [EXPAND, FILL],
    ),
    "check on a new column": Kind(
        table(), arguments("CheckConstraint('c > 0', name='few')", NEW), [EXPAND, FILL]
    ),
    "foreign key of a new column": Kind(
        table(),
        table("c: Mapped[int | None] = mapped_column(ForeignKey('t.id'), index=True)"),
        [EXPAND, FILL],
    ),
    "foreign key of a new table": Kind(
        table(),
        table(
            "u_id: Mapped[int | None] = mapped_column(ForeignKey('u.id'))",
            rest=OTHER.format(index=""),
        ),
        [EXPAND, FILL],
    ),
    "wider type": Kind(
        table("c: Mapped[str | None] = mapped_column(String(9))"),
        table("c: Mapped[str | None] = mapped_column(Text)"),
        [EXPAND],
    ),
    "narrower type": Kind(
        table("c: Mapped[str | None] = mapped_column(Text)"),
        table("c: Mapped[str | None] = mapped_column(String(9))"),
        [CONTRACT],
        {"rewrite": "t.c"},
    ),
    "narrower type with an index": Kind(
        table("c: Mapped[str | None] = mapped_column(Text)"),
        table("c: Mapped[str | None] = mapped_column(String(9), index=True)"),
        [CONTRACT],
        {"lose": "t.c"},
    ),
    "not null": Kind(
        table("c: Mapped[int | None]"),
        table("c: Mapped[int] = mapped_column(default=3)"),
        [BUILD],
    ),
    "null": Kind(
        table("c: Mapped[int] = mapped_column(server_default='1')"),
        table("c: Mapped[int | None] = mapped_column(server_default='1')"),
        [EXPAND],
    ),
    "first default": Kind(
        table(NEW), table("c: Mapped[int | None] = mapped_column(server_default='1')"), [EXPAND]
    ),
    "other default": Kind(
        table("c: Mapped[int | None] = mapped_column(server_default='1')"),
        table("c: Mapped[int | None] = mapped_column(server_default='2')"),
        [CONTRACT],
    ),
    "no default": Kind(
        table("c: Mapped[int | None] = mapped_column(server_default='1')"), table(NEW), [CONTRACT]
    ),
    "dropped index": Kind(arguments("Index('ix', 'a')"), table(), [BUILD]),
    "replaced index": Kind(arguments("Index('ix', 'a')"), arguments("Index('ix', 'b')"), [BUILD]),
    "index under another name": Kind(
        arguments("Index('ix', 'a')"), arguments("Index('iy', 'a')"), [FILL, BUILD]
    ),
    "dropped check": Kind(arguments("CheckConstraint('a < 99', name='few')"), table(), [CONTRACT]),
    "dropped foreign key": Kind(
        arguments("ForeignKeyConstraint(['a'], ['t.id'])"), table(), [CONTRACT]
    ),
    "dropped column": Kind(
        table("c: Mapped[int | None] = mapped_column(index=True, unique=True)"),
        table(),
        [CONTRACT],
        {"drop": "t.c"},
    ),
    "dropped required column": Kind(
        arguments(
            "Index('ix', 'c', 'a'), CheckConstraint('c < a', name='less')",
            "c: Mapped[int] = mapped_column(default=1)",
        ),
        table(),
        [EXPAND, CONTRACT],
        {"drop": "t.c"},
    ),
    "dropped table": Kind(
        table(rest=OTHER.format(index="index=True, unique=True")),
        table(),
        [CONTRACT],
        {"drop": "u"},
    ),
    "enum value": Kind(
        table("c: Mapped[str | None] = mapped_column(Enum('a', name='st'))"),
        table("c: Mapped[str | None] = mapped_column(Enum('a', 'b', name='st'))"),
        [FILL],
    ),
    "enum value and index": Kind(
        table("c: Mapped[str | None] = mapped_column(Enum('a', name='st'))"),
        table("c: Mapped[str | None] = mapped_column(Enum('a', 'b', name='st'), index=True)"),
        [FILL],
    ),
    "comment": Kind(
        table(NEW), table("c: Mapped[int | None] = mapped_column(comment='x')"), [EXPAND]
    ),
    "renamed by a new column": Kind(
        table("old: Mapped[str] = mapped_column(String(9), default='x', unique=True)"),
        table("new: Mapped[str] = mapped_column(String(9), default='x')"),
        [EXPAND, FILL, BUILD, CONTRACT],
        {"drop": "t.old"},
    ),
}


@pytest.mark.parametrize("name", KINDS)
def test_phase_and_transaction(workshop: Workshop, name: str) -> None:
    kind = KINDS[name]
    workshop.reset()
    workshop.models(kind.before)
    done = workshop.revise()
    assert done.code == 0, done.output
    workshop.upgrade()
    workshop.models(kind.after)
    done = workshop.revise(**kind.asked)
    assert done.code == 0, done.output
    texts = [path.read_text("utf-8") for path in workshop.written]
    assert [attributes(text) for text in texts] == kind.expected, "\n".join(texts)
    for path, expected in zip(workshop.written, kind.expected, strict=True):
        phase, _, rest = expected.partition(", ")
        assert f"{path.name}: {phase}, {rest or 'transactional'}." in done.output
    text = "\n".join(texts)
    assert not re.search(r"DO \$|with_variant", text)
