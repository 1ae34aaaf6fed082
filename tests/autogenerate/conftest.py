"""A project with tables that are in use."""

from collections.abc import Iterator

import pytest

from tests.autogenerate.autogenerating import Project, prepared, restored
from tests.conftest import Renderer


@pytest.fixture(scope="session")
def shared(renderer: Renderer) -> Project:
    """The project for all tests."""
    return prepared(renderer)


@pytest.fixture
def project(shared: Project) -> Iterator[Project]:
    """The project for one test, afterwards as it was before."""
    with restored(shared):
        yield shared
