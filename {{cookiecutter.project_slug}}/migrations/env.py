"""What Alembic runs for every command that needs the database or writes a revision."""

from alembic import context

from migrator import environment

config = context.config

with environment.running(config):
    if context.is_offline_mode():  # --sql: writes statements instead of running them
        context.configure(**environment.offline(config))
        with context.begin_transaction():
            context.run_migrations()
    else:
        # Execute nothing on the connection before configure: it would open a transaction that
        # Alembic does not commit.
        with environment.connection(config) as connection:
            context.configure(**environment.online(config, connection))
            with context.begin_transaction():
                context.run_migrations()
