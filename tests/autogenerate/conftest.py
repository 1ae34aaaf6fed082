"""A project with tables that are in use."""

import os
import sys
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from tests.autogenerate import changing
from tests.autogenerate.autogenerating import Project, prepared, restored
from tests.autogenerate.changing import Workshop
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


@pytest.fixture(scope="session")
def server(renderer: Renderer) -> str:
    """The URL of a PostgreSQL for databases of one's own; POSTGRESQL names another, older one."""
    if url := os.environ.get("POSTGRESQL"):
        return url
    project = renderer.lasting(renderer.ready())
    return renderer.serve(project).replace("postgresql:", "postgresql+psycopg:")


@pytest.fixture(scope="session", params=["postgresql"])
def workshop(
    request: pytest.FixtureRequest, server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workshop]:
    """A project on PostgreSQL; see changing.py. (Parametrize it with `sqlite` for that.)"""
    folder = tmp_path_factory.mktemp("changes")
    url = sa.make_url("sqlite://" if request.param == "sqlite" else server)
    made = changing.workshop(folder / "project", url, f"changes_{folder.name}_{os.getpid()}")
    before = list(sys.path)
    try:
        yield made
    finally:
        sys.path[:] = before
        made.close()
