"""A project with tables that have rows, and for each test a database of them."""

from collections.abc import Iterator

import pytest

from tests.conftest import Renderer
from tests.operations.operating import Project, copied, prepared


@pytest.fixture(scope="session")
def project(renderer: Renderer) -> Project:
    """The project at the revision `rows`; a test adds its own."""
    return prepared(renderer)


@pytest.fixture
def url(project: Project) -> Iterator[str]:
    """The address of a database at the revision `rows`."""
    with copied(project) as address:
        yield address
