"""The versions: three of them in every run, all of them with VERSIONS=all."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.autogenerate import changing
from tests.autogenerate.changing import Workshop
from tests.conftest import Renderer, Rendering
from tests.deploy.deploying import Stage
from tests.versions import packages
from tests.versions.server import Server, serving

TRIED = packages.ALL if os.environ.get("VERSIONS") == "all" else packages.EVERY_RUN


@pytest.fixture(scope="session", params=TRIED, ids=lambda major: f"postgresql{major}")
def server_version(request: pytest.FixtureRequest, renderer: Renderer) -> Iterator[Server]:
    """A server of each version; where it cannot be had, the test is left out."""
    with serving(renderer, request.param) as server:
        yield server


@pytest.fixture(scope="session")
def workshop(
    server_version: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workshop]:
    """A project of tests/autogenerate, on the version's server."""
    folder = tmp_path_factory.mktemp("changes")
    url = sa.make_url(server_version.url("postgres")).set(drivername="postgresql+psycopg")
    made = changing.workshop(folder / "project", url, "changed")
    before = list(sys.path)
    try:
        yield made
    finally:
        sys.path[:] = before


@pytest.fixture(scope="session")
def project(renderer: Renderer) -> Rendering:
    """A project without revisions, whose own server nobody needs."""
    project = renderer.lasting(renderer.ready())
    for path in (project.path / "migrations/versions").glob("*.py"):
        path.unlink()
    return project


@pytest.fixture
def stage(project: Rendering, server_version: Server, tmp_path: Path) -> Iterator[Stage]:
    """The project, with an empty database on the version's server."""
    server_version.run("CREATE DATABASE deployed TEMPLATE template0")
    stage = Stage(project, server_version.url("postgres"), server_version.url("deployed"))
    try:
        yield stage
    finally:
        for path in stage.files:
            path.unlink(missing_ok=True)
        server_version.run("DROP DATABASE deployed WITH (FORCE)")
