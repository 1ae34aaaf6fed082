import logging
from logging.config import fileConfig

from alembic import context
from flask import current_app

config = context.config

fileConfig(config.config_file_name)
logger = logging.getLogger("alembic.env")

db = current_app.extensions["migrate"].db
url = db.engine.url.render_as_string(hide_password=False)
config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))


def no_empty_revision(_context, _revision, directives):
    if getattr(config.cmd_opts, "autogenerate", False) and directives[0].upgrade_ops.is_empty():
        directives[:] = []
        logger.info("No changes in schema detected.")


def offline():
    context.configure(url=url, target_metadata=db.metadatas[None], literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


def online():
    options = current_app.extensions["migrate"].configure_args
    options.setdefault("process_revision_directives", no_empty_revision)
    with db.engine.connect() as connection:
        context.configure(connection=connection, target_metadata=db.metadatas[None], **options)
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    offline()
else:
    online()
