"""Changes of models that have to come right, or to be refused by name."""

from __future__ import annotations

import pytest

from tests.autogenerate.changing import Change, Workshop, prove, table

CHANGES = {
    "column": Change(table(), table("c: Mapped[str | None]")),
}


@pytest.mark.parametrize("name", CHANGES)
def test_is_written_and_right_both_ways(workshop: Workshop, name: str) -> None:
    prove(workshop, CHANGES[name])
