"""A scratch folder with a PostgreSQL server, and the pairs of projects to measure."""

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit, urlunsplit

import psycopg

from benchmarks import models, projects
from benchmarks.pairing import Effort
from benchmarks.projects import ALEMBIC, PYTHON, Project
from benchmarks.stock import init_stock
from migrator.devserver import binaries


@dataclass(frozen=True)
class Sizes:
    """How many model modules, how many revisions, and how much effort for each comparison."""

    modules: tuple[int, ...] = (1, 100, 1000)
    modules_sqlite: tuple[int, ...] = (1, 100)
    revisions: int = 1000
    effort: Effort = field(default_factory=Effort)


class Workshop:
    """Makes what is measured; everything of it is gone in the end. See `workshop`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.template = projects.copy_template(folder / "template")
        self._home = projects.render(self.template, folder / "server")
        self._url = self._home.run(PYTHON, "-m", "migrator", "db", "url").strip()
        self._pairs: dict[str, tuple[Project, Project]] = {}

    def close(self) -> None:
        """Stop the server."""
        self._home.run(PYTHON, "-m", "migrator", "db", "stop")

    def database(self, name: str) -> str:
        """Make an empty database, dropping what was there; return its URL."""
        with psycopg.connect(self._url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{name}"))

    def program(self, name: str) -> str:
        """Return the path of one of PostgreSQL's programs, of the server's version."""
        return str(binaries() / name)

    def pair(self, count: int, on_sqlite: bool = False) -> tuple[Project, Project]:
        """Return our project and the stock one, with `count` model modules and at head."""
        name = f"{'sqlite' if on_sqlite else 'postgresql'}-{count}"
        if name not in self._pairs:
            print(f"Making two projects: {name}", file=sys.stderr, flush=True)
            url = f"sqlite:///{self.folder}/{{}}.db".format if on_sqlite else self.database
            ours, stock = self._bare_pair(name, url)
            for each in (ours, stock):
                models.write_models(each.folder / "app/models", count)
                each.run(*ALEMBIC, "revision", "--autogenerate", "-m", "initial")
                each.run(*ALEMBIC, "upgrade", "head")
            self._pairs[name] = ours, stock
        return self._pairs[name]

    def histories(self, count: int) -> tuple[Project, Project, Project]:
        """Return ours, stock, and stock with transaction_per_migration: `count` revisions each.

        None of them is applied.
        """
        print(f"Making three projects: {count} revisions", file=sys.stderr, flush=True)
        ours, stock = self._bare_pair("history", self.database)
        url = self.database("single-history")
        single = init_stock(self.folder / "single-history", url, transaction_per_migration=True)
        shutil.copytree(ours.folder / "app", single.folder / "app")
        for each in (ours, stock, single):
            models.write_revisions(each.versions, count)
        return ours, stock, single

    def history(self, count: int) -> Project:
        """Return ours with `count` revisions, none of them applied."""
        name = f"ours-history-{count}"
        ours = projects.render(self.template, self.folder / name, self.database(name))
        models.write_revisions(ours.versions, count)
        return ours

    def emptying(self, project: Project) -> partial[str]:
        """Return what empties the database of `project` when it is called."""
        return partial(self.database, urlsplit(project.url).path.lstrip("/"))

    def _bare_pair(self, name: str, url: Callable[[str], str]) -> tuple[Project, Project]:
        first, second = f"ours-{name}", f"stock-{name}"
        ours = projects.render(self.template, self.folder / first, url(first))
        stock = init_stock(self.folder / second, url(second))
        shutil.copytree(ours.folder / "app", stock.folder / "app")
        return ours, stock


@contextmanager
def workshop() -> Iterator[Workshop]:
    """Yield a Workshop in a new folder, and clear it away afterwards."""
    with TemporaryDirectory(prefix="alembic-starter-bench-") as name:
        made = Workshop(Path(name))
        try:
            yield made
        finally:
            made.close()
