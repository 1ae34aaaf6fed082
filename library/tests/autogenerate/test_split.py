"""The steps of a change as revisions: every combination of phases and transactions."""

from itertools import combinations

import pytest
from alembic.operations import ops

from migrator.autogenerate import split
from migrator.autogenerate.steps import FILL, INDEX, Step, outside
from migrator.operations.drop_index_concurrently import DropIndexConcurrentlyOp
from migrator.operations.set_not_null import SetNotNullOp
from migrator.revisions.phase_and_transaction import CONTRACT, EXPAND, Attributes

CHOICES = [chosen for n in range(1, 5) for chosen in combinations(split.ORDER, n)]
WORDS = {
    Attributes(EXPAND): "expand",
    Attributes(EXPAND, transactional=False): "expand, non-transactional",
    Attributes(CONTRACT, transactional=False): "contract, non-transactional",
    Attributes(CONTRACT): "contract",
}


def sql(text: str) -> ops.ExecuteSQLOp:
    return ops.ExecuteSQLOp(text)


def step(attributes: Attributes, rank: int, name: str) -> Step:
    up, down = [sql(f"up {name}")], [sql(f"down {name}")]
    return Step(attributes.phase, [*up], [*down], rank, attributes.transactional)


def texts(operations: list[ops.MigrateOperation]) -> list[str]:
    return [str(op.sqltext) for op in operations if isinstance(op, ops.ExecuteSQLOp)]


@pytest.mark.parametrize("chosen", CHOICES, ids=str)
def test_only_what_is_needed_in_one_order(chosen: tuple[Attributes, ...]) -> None:
    found = [step(each, rank, f"{each} {rank}") for each in chosen[::-1] for rank in (INDEX, FILL)]
    made = split.parts(found)
    assert tuple(part.attributes for part in made) == chosen
    for part in made:
        first, second = (f"{part.attributes} {rank}" for rank in (FILL, INDEX))
        assert texts(part.upgrade) == [f"up {first}", f"up {second}"]
        assert texts(part.downgrade) == [f"down {second}", f"down {first}"]


@pytest.mark.parametrize("chosen", CHOICES, ids=str)
def test_messages_tell_the_revisions_of_a_change_apart(chosen: tuple[Attributes, ...]) -> None:
    found = [split.message("more", each, chosen) for each in chosen]
    assert len(set(found)) == len(chosen)
    if len(chosen) == 1:
        assert found == ["more"]
        return
    phases = [each.phase for each in chosen]
    for each, text in zip(chosen, found, strict=True):
        words = each.phase if phases.count(each.phase) == 1 else WORDS[each]
        assert text == f"more ({words})"
        assert split.message(None, each, chosen) == f"empty message ({words})"


def test_a_step_without_operations_makes_no_revision() -> None:
    assert split.parts([Step(EXPAND, []), Step(CONTRACT, [], [sql("x")])]) == []


def test_a_downgrade_begins_with_what_runs_outside_the_transaction() -> None:
    drop = DropIndexConcurrentlyOp("ix", "t")
    (part,) = split.parts(
        [
            Step(EXPAND, [sql("up")], [drop], FILL, transactional=False),
            outside(EXPAND, SetNotNullOp("t", "c"), rank=INDEX),
        ]
    )
    assert part.downgrade[0] is drop
    assert isinstance(part.downgrade[1], ops.AlterColumnOp)
