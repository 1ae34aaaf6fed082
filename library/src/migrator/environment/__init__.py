"""What env.py needs, this project's and any other's.

    from alembic import context

    from migrator import environment

    config = context.config

    with environment.running(config):
        if context.is_offline_mode():
            context.configure(**environment.offline(config))
            with context.begin_transaction():
                context.run_migrations()
        else:
            with environment.connection(config) as connection:
                context.configure(**environment.online(config, connection))
                with context.begin_transaction():
                    context.run_migrations()

Options of your own go beside these: `context.configure(**{**environment.online(...), "key": 1})`.
An env.py of another kind stays as it is but for one call: see `adopted`.
"""

from migrator.environment.adopted import adopt
from migrator.environment.options import offline, online
from migrator.environment.running import connection, running

__all__ = ["adopt", "connection", "offline", "online", "running"]
