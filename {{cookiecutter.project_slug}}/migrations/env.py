"""What Alembic runs for every command that needs the database or writes a revision."""

from logging.config import fileConfig

from alembic import context

from migrator import autogenerate, console, database, errors
from migrator.autogenerate import rendering
from migrator.config import models, settings
from migrator.history import development

config = context.config
console.start()

# Only for the alembic command: a program that calls Alembic has its own logging.
if config.config_file_name and config.cmd_opts:
    fileConfig(config.config_file_name, disable_existing_loggers=False, encoding="utf-8")


def run_migrations_offline() -> None:
    """Write SQL for `--sql`; needs no database, only to know its kind."""
    context.configure(
        dialect_name=settings.dialect_name(config),
        target_metadata=models.metadata(config),
        literal_binds=True,
        dialect_opts={"paramstyle": "named"},
        transactional_ddl=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def run_migrations_online() -> None:
    """Run against the database. Nothing may be executed before `configure`: see database.py."""
    with database.connect(config) as connection:
        context.configure(
            connection=connection,
            target_metadata=models.metadata(config),
            include_schemas=True,
            include_name=autogenerate.include_name(connection),
            autogenerate_plugins=autogenerate.PLUGINS,
            process_revision_directives=autogenerate.process,
            on_version_apply=config.attributes.get("on_version_apply", ()),
            render_item=rendering.render_item,
            render_as_batch=connection.dialect.name == "sqlite",
            compare_server_default=True,
            transactional_ddl=True,  # on SQLite too: database.py makes it so
            transaction_per_migration=True,
        )
        autogenerate.refuse_in_production(config, context.get_context())
        development.refuse_downgrade(config, connection)
        if autogenerate.needs_models(context.get_context()):
            models.import_models(config)
        with context.begin_transaction():
            context.run_migrations()


with errors.exit_codes(config):
    autogenerate.refuse_in_production(config)
    if context.is_offline_mode():
        run_migrations_offline()
    else:
        run_migrations_online()
