"""Small benchmarks beside the large one: deployers at once, a killed deploy, hard moments, none."""

from collections.abc import Callable
from functools import partial

from benchmarks import journeys
from benchmarks.pairing import Effort
from benchmarks.tables import Table
from benchmarks.underload.crowd import three_deployers
from benchmarks.underload.hard import hard
from benchmarks.underload.killed import killed
from benchmarks.workshop import Sizes, Workshop

NO_OP = Sizes(modules=(1,), effort=Effort(least=5, most=15, seconds=20))

SMALL: tuple[Callable[[Workshop], Table], ...] = (
    three_deployers,
    killed,
    hard,
    partial(journeys.deploys, sizes=NO_OP),
)
