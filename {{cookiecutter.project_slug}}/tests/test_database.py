"""The sessions of the application: synchronous and asynchronous, with the same URL."""

import asyncio
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL

from app import database, settings


@pytest.fixture(autouse=True)
def application_url(database: URL, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set the database of this test for the application, as a deployment would."""
    monkeypatch.setenv("DATABASE_URL", database.render_as_string(hide_password=False))
    forget()
    yield
    forget()


def forget() -> None:
    for cached in (settings.get_settings, database.engine, database.async_engine):
        cached.cache_clear()


def test_both_kinds_of_session_see_the_same_rows() -> None:
    with database.session() as session, session.begin():
        session.execute(sa.text("CREATE TABLE kinds (name varchar(20))"))
        session.execute(sa.text("INSERT INTO kinds VALUES ('研发')"))

    async def read() -> list[str]:
        async with database.async_session() as session:
            names = list(await session.scalars(sa.text("SELECT name FROM kinds")))
        await database.async_engine().dispose()
        return names

    assert asyncio.run(read()) == ["研发"]
    database.engine().dispose()


def test_the_application_finds_its_schema() -> None:
    assert "as this code expects" in database.wait_for_schema()
    database.engine().dispose()


def test_the_password_is_not_shown() -> None:
    shown = repr(settings.Settings(database_url="postgresql://u:geheim@localhost/x"))  # type: ignore[arg-type]
    assert "geheim" not in shown
