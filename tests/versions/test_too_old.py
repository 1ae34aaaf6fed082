"""A server that is not supported any more is refused, in one sentence, by everything."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import Renderer, Rendering
from tests.deploy.deploying import Stage, execute
from tests.versions.server import serving

OLD = 12
REFUSED = "The server is PostgreSQL 12, which lacks statements and views that migrations use"


@pytest.fixture(scope="module")
def stage(renderer: Renderer, project: Rendering) -> Iterator[Stage]:
    """The project, with a server of a version that is too old."""
    with serving(renderer, OLD) as server:
        stage = Stage(project, server.url("postgres"), server.url("postgres"))
        stage.history(execute("CREATE TABLE made (n int)"))
        yield stage
        for path in stage.files:
            path.unlink(missing_ok=True)


@pytest.mark.parametrize("command", ["deploy", "plan", "check", "backup", "wait"])
def test_every_command_refuses_it(stage: Stage, command: str) -> None:
    said = stage.run(command=command, code=5)
    assert REFUSED in said
    assert "Nothing was changed. Upgrade it to 13 or newer." in said
    assert stage.ask("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]


def test_alembic_too(stage: Stage) -> None:
    command = ".venv/bin/alembic -c alembic_prod.ini upgrade head"
    done = stage.project.run(command, env={"DATABASE_URL": stage.url})
    assert done.returncode
    assert REFUSED in done.stdout + done.stderr
