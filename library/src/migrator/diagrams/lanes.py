"""Where each revision of a history is drawn: in lanes, newest first, as `git log --graph` does."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Node:
    """A revision and those that it comes after: what it follows first, then what it depends on."""

    revision: str
    parents: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """One line of the picture; lanes are numbers from the left.

    Attributes:
        lane: where the revision is.
        above: lanes that come down to it.
        below: lanes that go on from it, one for each parent.
        beside: lanes that only pass.
    """

    lane: int
    above: tuple[int, ...]
    below: tuple[int, ...]
    beside: tuple[int, ...]


def rows(nodes: Sequence[Node]) -> Iterator[Row]:
    """Yield the row of each revision.

    Args:
        nodes: newest first: each one stands before its parents.
    """
    open_lanes: list[str | None] = []  # by lane, the revision that it leads to
    for node in nodes:
        above = tuple(i for i, wanted in enumerate(open_lanes) if wanted == node.revision)
        lane = above[0] if above else _free(open_lanes)
        beside = tuple(
            i for i, wanted in enumerate(open_lanes) if wanted and wanted != node.revision
        )
        for number in above or (lane,):
            open_lanes[number] = None
        below = []
        for parent in node.parents:
            number = lane if open_lanes[lane] is None else _free(open_lanes)
            open_lanes[number] = parent
            below.append(number)
        yield Row(lane, above, tuple(below), beside)
        while open_lanes and open_lanes[-1] is None:
            open_lanes.pop()


def _free(open_lanes: list[str | None]) -> int:
    if None not in open_lanes:
        open_lanes.append(None)
    return open_lanes.index(None)
