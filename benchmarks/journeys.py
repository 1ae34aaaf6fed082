"""Whole ways: a deploy, a database from nothing to head, a project from the template."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from benchmarks.measuring import Contestant, environment
from benchmarks.pairing import compare
from benchmarks.projects import ALEMBIC, PYTHON, cookiecutter
from benchmarks.tables import COMPARED, Table, compared, modules
from benchmarks.workshop import Sizes, Workshop

# The ratios that the project set itself, the first by number of modules.
DEPLOY_TARGETS: Mapping[int, float] = {1: 0.4, 1000: 0.15}
HISTORY_TARGET = 1.1
RENDERING_TARGET = 1.3


def deploys(workshop: Workshop, sizes: Sizes) -> Table:
    """A deploy with nothing to do against a script that calls alembic twice."""
    table = Table(
        "Deploy with nothing pending, on PostgreSQL",
        "ours: scripts/deploy_migrations.py; theirs: a script that calls `alembic current`, then"
        " `alembic upgrade head`",
        COMPARED,
    )
    for count in sizes.modules:
        ours, stock = workshop.pair(count)
        entries = [
            ours.contestant("ours", PYTHON, "scripts/deploy_migrations.py"),
            stock.contestant("theirs", PYTHON, "deploy_migrations.py"),
        ]
        found = compare(entries, sizes.effort)
        target = DEPLOY_TARGETS.get(count)
        table.rows.append(compared(modules(count), found, "ours", "theirs", target))
    return table


def history(workshop: Workshop, sizes: Sizes) -> Table:
    """From an empty database to head."""
    table = Table(
        f"Base to head, {sizes.revisions} revisions, on PostgreSQL",
        "theirs: alembic upgrade head in a stock project",
        COMPARED,
    )
    ours, stock, single = workshop.histories(sizes.revisions)
    upgrade, empty = (*ALEMBIC, "upgrade", "head"), workshop.emptying
    deploy = (PYTHON, "scripts/deploy_migrations.py")
    entries = [
        ours.contestant("upgrade", *upgrade, before=empty(ours)),
        ours.contestant("deploy", *deploy, before=empty(ours)),
        stock.contestant("stock", *upgrade, before=empty(stock)),
        single.contestant("single", *upgrade, before=empty(single)),
    ]
    found = compare(entries, sizes.effort)
    fair, other = "stock with transaction_per_migration", "stock, one transaction for all"
    table.rows += [
        compared(f"upgrade against {fair}", found, "upgrade", "single", HISTORY_TARGET),
        compared(f"upgrade against {other}", found, "upgrade", "stock"),
        compared(f"deploy against {fair}", found, "deploy", "single"),
        compared(f"transaction_per_migration against {other}", found, "single", "stock"),
    ]
    return table


def rendering(workshop: Workshop, sizes: Sizes) -> Table:
    """What the whole template costs over the smallest one."""
    table = Table(
        "Rendering", "ours: this template; theirs: a template of one file, no hooks", COMPARED
    )
    smallest = workshop.folder / "one-file"
    (smallest / "{{cookiecutter.project_slug}}").mkdir(parents=True)
    (smallest / "cookiecutter.json").write_text(json.dumps({"project_slug": "my_service"}))
    (smallest / "{{cookiecutter.project_slug}}/README.md").write_text("# {{cookiecutter}}\n")
    entries = [_rendering("ours", workshop.template), _rendering("theirs", smallest)]
    found = compare(entries, sizes.effort)
    table.rows.append(compared("cookiecutter", found, "ours", "theirs", RENDERING_TARGET))
    return table


def _rendering(name: str, template: Path) -> Contestant:
    output = template.with_name(f"{template.name}-output")
    return Contestant(
        name,
        cookiecutter(template, output),
        template,
        environment(),
        before=lambda: shutil.rmtree(output, ignore_errors=True),
    )
