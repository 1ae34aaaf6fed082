"""A project with a fleet, and for each test a database for it."""

from collections.abc import Iterator

import pytest

from tests.conftest import Renderer, Rendering
from tests.fleet.fleets import Fleet, made, prepare


@pytest.fixture(scope="session")
def project(renderer: Renderer) -> Rendering:
    """The example of docs/fleet.md, with its first revisions."""
    return prepare(renderer)


@pytest.fixture
def fleet(project: Rendering, request: pytest.FixtureRequest) -> Iterator[Fleet]:
    """That project with a database that has the shared tables and no tenant."""
    name = f"fleet_{abs(hash(request.node.nodeid)) % 10**9}"
    with made(project, name) as fleet:
        yield fleet
