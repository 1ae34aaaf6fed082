from logging.config import fileConfig

from alembic import context
from sqlalchemy import engine_from_config, pool

# The Alembic configuration: the values of the ini file.
config = context.config

assert config.config_file_name is not None
fileConfig(config.config_file_name)

from app.core.config import settings  # noqa: E402
from app.models import SQLModel  # noqa: E402

target_metadata = SQLModel.metadata


def get_url() -> str:
    return str(settings.database_uri)


def run_migrations_offline() -> None:
    context.configure(
        url=get_url(), target_metadata=target_metadata, literal_binds=True, compare_type=True
    )
    with context.begin_transaction():
        context.run_migrations()


def run_migrations_online() -> None:
    configuration = config.get_section(config.config_ini_section)
    assert configuration is not None
    configuration["sqlalchemy.url"] = get_url()
    connectable = engine_from_config(
        configuration, prefix="sqlalchemy.", poolclass=pool.NullPool
    )
    with connectable.connect() as connection:
        context.configure(
            connection=connection, target_metadata=target_metadata, compare_type=True
        )
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    run_migrations_offline()
else:
    run_migrations_online()
