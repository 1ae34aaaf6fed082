"""Migrations of the shop."""
import asyncio

import alembic.context
from alembic_utils.replaceable_entity import register_entities
from sqlalchemy import pool
from sqlalchemy.ext.asyncio import create_async_engine

from shop import config as environment
from shop.functions import WITH_TAX
from shop.models import Model

register_entities([WITH_TAX])


def include_object(item, name, kind, reflected, compare_to):
    return not getattr(item, "info", {}).get("by_hand")


def configure(connection=None, **options):
    alembic.context.configure(
        connection=connection,
        target_metadata=Model.metadata,
        include_object=include_object,
        **options,
    )
    with alembic.context.begin_transaction():
        alembic.context.run_migrations()


async def main():
    engine = create_async_engine(environment.DSN, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(configure)
    await engine.dispose()


if alembic.context.is_offline_mode():
    configure(url=environment.DSN, literal_binds=True)
else:
    asyncio.run(main())
