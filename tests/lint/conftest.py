"""A project whose revisions are looked at."""

from collections.abc import Iterator

import pytest

from tests.conftest import Renderer, Rendering


@pytest.fixture(scope="session")
def shared(renderer: Renderer) -> Rendering:
    """The project for all tests, with a running server."""
    project = renderer.lasting(renderer.ready())
    renderer.serve(project)
    return project


@pytest.fixture
def project(shared: Rendering) -> Iterator[Rendering]:
    """The project with nothing but its first revision."""
    yield shared
    for path in (shared.path / "migrations/versions").glob("case_*.py"):
        path.unlink()
