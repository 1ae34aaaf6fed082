"""Each alembic command against the same command of a stock project."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from benchmarks import models
from benchmarks.pairing import compare
from benchmarks.projects import ALEMBIC, PYTHON, Project
from benchmarks.tables import COMPARED, Table, compared, modules
from benchmarks.workshop import Sizes, Workshop

AUTOGENERATE = ("revision", "--autogenerate", "-m", "more")
WITHOUT_HOOKS = ("-c", "alembic_nohooks.ini")
COMMANDS = {"current": ["current"], "no-op upgrade": ["upgrade", "head"], "check": ["check"]}
# The ratios that the project set itself, the first by number of modules.
UPGRADE_TARGETS: Mapping[int, float] = {1: 1.1, 1000: 0.35}
AUTOGENERATE_TARGET = 1.0
REVISION_TARGETS: Mapping[int, float] = {1: 2.5, 1000: 1.2}
CHECK_TARGET = 1.5


def commands(workshop: Workshop, sizes: Sizes) -> Table:
    """Each command against the same command of a stock project, on PostgreSQL."""
    table = Table(
        "Commands on PostgreSQL",
        "ours: python -m alembic in a rendering; theirs: the same after `alembic init`",
        COMPARED,
    )
    for count in sizes.modules:
        _add_commands(table, workshop.pair(count), count, sizes)
        _add_autogenerate(table, workshop.pair(count), count, sizes)
        _add_proved(table, workshop.pair(count), count, sizes)
    return table


def sqlite(workshop: Workshop, sizes: Sizes) -> Table:
    """The same without a server, where start-up is nearly everything."""
    table = Table("Commands on SQLite", "as on PostgreSQL", COMPARED)
    for count in sizes.modules_sqlite:
        _add_commands(table, workshop.pair(count, on_sqlite=True), count, sizes)
    return table


def _add_commands(table: Table, pair: tuple[Project, Project], count: int, sizes: Sizes) -> None:
    ours, stock = pair
    for name, command in COMMANDS.items():
        entries = [
            ours.contestant("ours", *ALEMBIC, *command),
            stock.contestant("theirs", *ALEMBIC, *command),
        ]
        found = compare(entries, sizes.effort)
        target = UPGRADE_TARGETS.get(count) if name == "no-op upgrade" else None
        row = compared(f"{name}, {modules(count)}", found, "ours", "theirs", target)
        table.rows.append(row)


def _add_autogenerate(
    table: Table, pair: tuple[Project, Project], count: int, sizes: Sizes
) -> None:
    ours, stock = pair
    entries = [
        ours.contestant("ours", *ALEMBIC, *AUTOGENERATE),
        ours.contestant("ours without", *ALEMBIC, *WITHOUT_HOOKS, *AUTOGENERATE),
        stock.contestant("theirs", *ALEMBIC, *AUTOGENERATE),
    ]
    with _changed_model(ours), _changed_model(stock):
        found = compare(entries, sizes.effort)
    for side, label in (("ours", "autogenerate"), ("ours without", "same without ruff")):
        what = f"{label}, {modules(count)}"
        table.rows.append(compared(what, found, side, "theirs", AUTOGENERATE_TARGET))


def _add_proved(table: Table, pair: tuple[Project, Project], count: int, sizes: Sizes) -> None:
    """Add the commands that compare and prove on shadow databases."""
    ours, stock = pair
    revision = (PYTHON, "-m", "migrator", "revision", "-m", "more")
    with _changed_model(ours), _changed_model(stock):
        entries = [
            ours.contestant("ours", *revision),
            stock.contestant("theirs", *ALEMBIC, *AUTOGENERATE),
        ]
        what = f"revision with proof, snapshot and lint, {modules(count)}"
        found = compare(entries, sizes.effort)
        target = REVISION_TARGETS.get(count)
        table.rows.append(compared(what, found, "ours", "theirs", target))
    entries = [
        ours.contestant("ours", PYTHON, "-m", "migrator", "drift"),
        stock.contestant("theirs", *ALEMBIC, "check"),
    ]
    found = compare(entries, sizes.effort)
    row = compared(f"drift against check, {modules(count)}", found, "ours", "theirs", CHECK_TARGET)
    table.rows.append(row)


@contextmanager
def _changed_model(project: Project) -> Iterator[None]:
    folder = project.folder / "app/models"
    models.change_model(folder)
    yield
    models.write_models(folder, 1)  # the first one again as it was
