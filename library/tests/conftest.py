"""Unit tests: they import `migrator`, start no server and finish in seconds."""

import os

import pytest

READ = ("DATABASE_", "MIGRATION_", "MIGRATOR_", "PG")


@pytest.fixture(autouse=True)
def _own_variables_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps out what the library reads from the environment of whoever runs the tests."""
    for name in os.environ:
        if name.startswith(READ):
            monkeypatch.delenv(name)
