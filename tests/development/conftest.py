"""A project that is migrated, for the modules that need nothing else."""

from collections.abc import Iterator

import pytest

from tests.conftest import Renderer, Rendering


@pytest.fixture(scope="module")
def project(renderer: Renderer) -> Iterator[Rendering]:
    with renderer.stopping():
        project = renderer.ready()
        project.make("migrate")
        yield project
