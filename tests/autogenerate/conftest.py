"""A project with tables that are in use."""

import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

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


# Hundreds of variations that are alike: `make test` tries a part of them, which is the same one
# every time; `make test-thorough` tries all. What is one of its kind is in test_cases.py.
VARIATIONS = {
    "test_columns.py": 3,
    "test_constraints_and_indexes.py": 5,
    "test_new_objects.py": 6,
    "test_phases_of_changes.py": 3,
    "test_sqlite_changes.py": 4,
    "test_sqlite_rebuilds.py": 3,
    "test_value_loss.py": 3,
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out variations, unless THOROUGH is set."""
    if os.environ.get("THOROUGH"):
        return
    left_out, counts = [], Counter[str]()
    for item in items:
        every = VARIATIONS.get(item.path.name)
        if every and item.path.parent == Path(__file__).parent and hasattr(item, "callspec"):
            name = str(getattr(item, "originalname", ""))
            counts[name] += 1
            if (counts[name] - 1) % every:
                left_out.append(item)
    gone = set(left_out)
    items[:] = [item for item in items if item not in gone]
    config.hook.pytest_deselected(items=left_out)
