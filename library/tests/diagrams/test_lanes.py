"""Lanes: what goes up in one row is what came down in the row before."""

import random

from migrator.diagrams import lanes
from migrator.diagrams.lanes import Node, Row


def test_a_line_is_one_lane() -> None:
    rows = list(lanes.rows([Node("c", ("b",)), Node("b", ("a",)), Node("a", ())]))
    assert rows == [Row(0, (), (0,), ()), Row(0, (0,), (0,), ()), Row(0, (0,), (), ())]


def test_branches_meet_in_a_merge_and_at_their_parent() -> None:
    nodes = [Node("m", ("x", "y")), Node("y", ("a",)), Node("x", ("a",)), Node("a", ())]
    rows = list(lanes.rows(nodes))
    assert rows == [
        Row(0, (), (0, 1), ()),
        Row(1, (1,), (1,), (0,)),
        Row(0, (0,), (0,), (1,)),
        Row(0, (0, 1), (), ()),
    ]


def test_every_line_leads_from_a_revision_to_its_parent() -> None:
    for seed in range(50):
        chance = random.Random(seed)
        nodes = [
            Node(str(number), tuple(map(str, chance.sample(range(number), min(number, k)))))
            for number, k in ((n, chance.choice((0, 1, 1, 1, 2, 3))) for n in range(30))
        ][::-1]
        leads: dict[int, str] = {}  # by lane, what the lines above come from and go to
        for node, row in zip(nodes, lanes.rows(nodes), strict=True):
            assert {lane for lane, to in leads.items() if to == node.revision} == set(row.above)
            assert {lane for lane, to in leads.items() if to != node.revision} == set(row.beside)
            leads = {lane: leads[lane] for lane in row.beside}
            assert not set(row.below) & set(leads)
            leads |= dict(zip(row.below, node.parents, strict=True))
        assert leads == {}
