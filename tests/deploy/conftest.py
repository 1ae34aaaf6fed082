"""A project for deploys, and for each test a database to deploy to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Renderer, Rendering
from tests.deploy.deploying import Stage, prepare, staged


@pytest.fixture(scope="session")
def project(renderer: Renderer) -> Rendering:
    """A project with a running server and no revision."""
    return prepare(renderer)


@pytest.fixture
def stage(project: Rendering) -> Iterator[Stage]:
    """The project with an empty database, and what one does with them."""
    with staged(project) as stage:
        yield stage


@pytest.fixture(scope="module")
def light(renderer: Renderer) -> Iterator[Rendering]:
    """A project with SQLite and no revision."""
    with renderer.stopping():
        project = renderer.ready(database="sqlite")
        for path in (project.path / "migrations/versions").glob("*.py"):
            path.unlink()
        yield project


@pytest.fixture
def light_stage(light: Rendering, tmp_path: Path) -> Iterator[Stage]:
    """That project with a database that is not there yet, `deployed.db` in `tmp_path`."""
    stage = Stage(light, "", f"sqlite:///{tmp_path / 'deployed.db'}")
    yield stage
    stage.history()
