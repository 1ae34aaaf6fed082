""".env in development: the application and the migrator read it, a deploy does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Renderer, Rendering

APPLICATION = (
    ".venv/bin/python -c"
    " 'from app.settings import get_settings as s; print(s().database_url.get_secret_value())'"
)


@pytest.fixture(scope="module")
def project(renderer: Renderer) -> Iterator[Rendering]:
    with renderer.stopping():
        yield renderer.ready(database="sqlite")


@pytest.fixture
def dotenv(project: Rendering) -> Iterator[Path]:
    file = project.path / ".env"
    yield file
    file.unlink()


def test_the_application_and_the_migrator_read_it(project: Rendering, dotenv: Path) -> None:
    other = f"sqlite:///{project.path}/other.db"
    dotenv.write_text(f'# 注释\nUNKNOWN=1\nexport DATABASE_URL="{other}"\n', encoding="utf-8")
    assert project.make("-s db-url").strip() == other
    assert project.run(APPLICATION).stdout.strip() == other
    project.make("migrate")
    assert (project.path / "other.db").exists()
    assert not (project.path / "my_service.db").exists()


def test_the_environment_wins(project: Rendering, dotenv: Path) -> None:
    dotenv.write_text("DATABASE_URL=sqlite:////nowhere/other.db\n", encoding="utf-8")
    given = f"sqlite:///{project.path}/given.db"
    assert project.make("-s db-url", env={"DATABASE_URL": given}).strip() == given
    assert project.run(APPLICATION, env={"DATABASE_URL": given}).stdout.strip() == given


def test_a_deploy_does_not_read_it(project: Rendering, dotenv: Path) -> None:
    dotenv.write_text(f"DATABASE_URL=sqlite:///{project.path}/other.db\n", encoding="utf-8")
    done = project.run("make plan prod=1")
    assert done.returncode == 2
    assert "No database is configured" in done.stderr


def test_the_example_changes_nothing(project: Rendering, dotenv: Path) -> None:
    before = project.make("-s db-url")
    dotenv.write_text(project.read(".env.example"), encoding="utf-8")
    assert project.make("-s db-url") == before
    assert project.run(APPLICATION).stdout == before
    assert ".env\n" in project.read(".gitignore")
