"""The sessions of the application: synchronous and asynchronous, with the same URL."""

import asyncio

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app import database, settings


@pytest.mark.usefixtures("application")
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


def test_asynchronous_sessions(async_sessions: async_sessionmaker[AsyncSession]) -> None:
    async def read() -> list[str]:
        async with async_sessions.begin() as session:
            await session.execute(sa.text("CREATE TABLE kinds (name varchar(20))"))
            await session.execute(sa.text("INSERT INTO kinds VALUES ('研发')"))
        async with async_sessions() as session:
            return list(await session.scalars(sa.text("SELECT name FROM kinds")))

    assert asyncio.run(read()) == ["研发"]


@pytest.mark.usefixtures("application")
def test_the_application_finds_its_schema() -> None:
    assert "as this code expects" in database.wait_for_schema()


def test_the_password_is_not_shown() -> None:
    shown = repr(settings.Settings(database_url="postgresql://u:geheim@localhost/x"))  # type: ignore[arg-type]
    assert "geheim" not in shown
