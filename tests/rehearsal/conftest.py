"""A project, and for each test a database whose data is rehearsed on."""

from collections.abc import Iterator

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
