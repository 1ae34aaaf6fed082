"""Which trials a whole run has, and in which order."""

from collections.abc import Iterator, Sequence

from benchmarks.underload.changes import BY_NAME, MAIN
from benchmarks.underload.peers import registry
from benchmarks.underload.results import NOTHING

FILLING_ROUNDS = 3  # of changes that take minutes


def plan(
    wanted: Sequence[str], changes: Sequence[str], rounds: int, peer_rounds: int
) -> Iterator[tuple[str, str, int]]:
    """Yield tool, change and round, in turns, so that noise of the machine hits all alike.

    The peers' trials, which are fewer, are spread over all rounds.
    """
    peers = [name for name in wanted if name not in (NOTHING, registry.OURS)]
    brief = [change for change in changes if not BY_NAME[change].fills]
    theirs = [(change, turn) for turn in range(peer_rounds) for change in brief]
    for round_ in range(rounds):
        # At the begin of one round, in the middle of another.
        some = changes if round_ < FILLING_ROUNDS else brief
        mine = [(registry.OURS, change, round_) for change in some if registry.OURS in wanted]
        if NOTHING in wanted:
            mine.insert(round_ * 3 % (len(mine) + 1), (NOTHING, MAIN.name, round_))
        yield from mine
        for change, turn in theirs[round_::rounds]:
            yield from ((peer, change, turn) for peer in peers)
