"""Unit tests: they import `migrator`, start no server and finish in seconds."""

import os

import pytest
from hypothesis import HealthCheck, settings

READ = ("DATABASE_", "MIGRATION_", "MIGRATOR_", "PG")

# A machine may be busy, which says nothing about an example.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


@pytest.fixture(autouse=True)
def _own_variables_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps out what the library reads from the environment of whoever runs the tests."""
    for name in os.environ:
        if name.startswith(READ):
            monkeypatch.delenv(name)
