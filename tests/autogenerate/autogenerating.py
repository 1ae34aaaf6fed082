"""A project with tables that are in use, and what autogenerate writes for changes of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.conftest import Renderer, Rendering

MODELS = '''"""Models of this test."""

import datetime
import decimal
import enum

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, PrimaryKey


class Status(enum.StrEnum):
    ACTIVE = "active"
    GONE = "gone"


class Level(enum.IntEnum):
    LOW = 1


class Cents(sa.TypeDecorator):
    impl = sa.Integer
    cache_ok = True

    def process_bind_param(self, value, dialect):
        return value * 100


class Shop(Base):
    __tablename__ = "shops"
    __table_args__ = ({arguments})

    id: Mapped[PrimaryKey]
    {columns}


class Town(Base):
    __tablename__ = "towns"

    id: Mapped[PrimaryKey]
    name: Mapped[str]
'''
BEFORE = [
    "name: Mapped[str | None] = mapped_column(sa.String(50))",
    "town: Mapped[int | None] = mapped_column(sa.Integer())",
    "street: Mapped[str | None] = mapped_column(index=True)",
    "code: Mapped[str | None] = mapped_column(unique=True)",
]
ROWS = "INSERT INTO shops (name, town, street) SELECT 'n', 1, 's' FROM generate_series(1, 50)"


class Project:
    """A rendering with the tables above, at the revision `first`."""

    def __init__(self, rendering: Rendering, url: str) -> None:
        self.rendering = rendering
        self.folder = rendering.path / "migrations/versions"
        self.url = url
        self.models(*BEFORE)
        self.alembic("upgrade head")
        self.alembic("revision --autogenerate -m first")
        self.alembic("upgrade head")
        self.first = self.files()
        head = rendering.run(".venv/bin/alembic heads").stdout.split()[0]
        self.head = head

    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("*.py"))

    def alembic(self, goal: str) -> str:
        done = self.rendering.run(f".venv/bin/alembic {goal}")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def models(self, *columns: str, arguments: str = "") -> None:
        text = MODELS.format(columns="\n    ".join(columns), arguments=arguments)
        (self.rendering.path / "app/models/shop.py").write_text(text, "utf-8")

    def revise(self, arguments: str = "") -> dict[str, str]:
        """Write what changed; the texts of the revisions by what they say of themselves, in the
        order of their names: "expand", "expand, non-transactional" and so on."""
        self.alembic(f"{arguments} revision --autogenerate -m step")
        names = [name for name in self.files() if name not in self.first]
        paths = " ".join(f"migrations/versions/{name}" for name in names)
        for check in ("ruff check", "ruff format --check"):
            done = self.rendering.run(f".venv/bin/{check} {paths}")
            assert done.returncode == 0, done.stdout
        texts = [(self.folder / name).read_text("utf-8") for name in names]
        found = {attributes(text): text for text in texts}
        assert len(found) == len(names)
        before = self.head
        for text in texts:  # the order of the names is the order of the chain
            assert f'down_revision: str | Sequence[str] | None = "{before}"' in text
            before = re.findall(r'^revision: str = "(\w+)"$', text, re.M)[0]
        return found

    def run(self, sql: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def types(self) -> None:
        done = self.rendering.run(".venv/bin/mypy migrations")
        assert done.returncode == 0, done.stdout

    def round_trip(self) -> None:
        """Up with rows in the tables, down, up again; then models and database agree."""
        self.run(ROWS)
        self.alembic("upgrade head")
        assert "No new upgrade" in self.alembic("check")
        self.alembic(f"downgrade {self.head}")
        self.alembic("upgrade head")
        assert "No new upgrade" in self.alembic("check")


def attributes(text: str) -> str:
    """What a revision says of its phase and its transaction."""
    ((phase, transactional),) = re.findall(
        r'^phase: str = ["\'](\w+)["\']\ntransactional: bool = (True|False)$', text, re.M
    )
    return str(phase) + ("" if transactional == "True" else ", non-transactional")


@contextmanager
def settled(project: Project) -> Iterator[None]:
    """What is written so far is applied, and counts as having been there before."""
    head, first = project.head, project.first
    project.alembic("upgrade head")
    project.head = project.alembic("heads").split()[0]
    project.first = project.files()
    try:
        with restored(project):
            yield
    finally:
        project.head, project.first = head, first


def changed(place: int, column: str) -> list[str]:
    """The columns as they were, but one."""
    return [column if number == place else each for number, each in enumerate(BEFORE)]


def prepared(renderer: Renderer) -> Project:
    """One project for all tests."""
    rendering = renderer.lasting(renderer.ready(types=True))
    return Project(rendering, renderer.serve(rendering))


@contextmanager
def restored(project: Project) -> Iterator[Project]:
    """The project for one test, afterwards as it was before."""
    yield project
    done = project.rendering.run(f".venv/bin/alembic downgrade {project.head}")
    for name in project.files():
        if name not in project.first:
            (project.folder / name).unlink()
    project.run("DELETE FROM shops")
    assert done.returncode == 0, done.stderr
