from logging.config import fileConfig

from alembic import context
from sqlalchemy import create_engine, pool, text

from shop.models import Base
from shop.settings import SHOP_DATABASE

config = context.config

fileConfig(config.config_file_name)

OPTIONS = {
    "target_metadata": Base.metadata,
    "version_table": "shop_version",
    "version_table_schema": "meta",
    "compare_type": True,
    "transaction_per_migration": True,
}


def offline():
    context.configure(url=SHOP_DATABASE, literal_binds=True, **OPTIONS)
    with context.begin_transaction():
        context.run_migrations()


def online():
    engine = create_engine(SHOP_DATABASE, poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS meta"))
        connection.commit()
        context.configure(connection=connection, **OPTIONS)
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    offline()
else:
    online()
