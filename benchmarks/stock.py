"""The other side: what `alembic init` writes, and what a person adds to it."""

import shutil
from pathlib import Path

from benchmarks.projects import ALEMBIC, Project, replaced

# What a person adds to env.py so that autogenerate sees the models, as tutorials have it.
STOCK_IMPORTS = """import importlib
import pkgutil

import app.models

for module in pkgutil.iter_modules(app.models.__path__, "app.models."):
    importlib.import_module(module.name)
target_metadata = importlib.import_module("app.models.base").Base.metadata
"""
STOCK_DEPLOY = '''"""Look where the database is, then upgrade it: one process for each."""
import logging
import subprocess
import sys

logging.basicConfig(level=logging.INFO)
for step in (["current"], ["upgrade", "head"]):
    command = ["alembic", "-c", "alembic_prod.ini", *step]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        logging.error("%s failed: %s", step[0], done.stderr)
        sys.exit(1)
logging.info("the database is at the newest revision")
'''


def init_stock(folder: Path, url: str, transaction_per_migration: bool = False) -> Project:
    """Make a stock project; the package `app` still has to be put beside it."""
    folder.mkdir(parents=True)
    project = Project(folder, folder / "alembic/versions", url)
    project.run(*ALEMBIC, "init", "alembic")
    ini = folder / "alembic.ini"
    ini.write_text(replaced(ini.read_text(), "driver://user:pass@localhost/dbname", url))
    shutil.copy(ini, folder / "alembic_prod.ini")
    (folder / "deploy_migrations.py").write_text(STOCK_DEPLOY)
    env = folder / "alembic/env.py"
    text = replaced(env.read_text(), "target_metadata = None\n", STOCK_IMPORTS)
    if transaction_per_migration:
        last = "connection=connection, target_metadata=target_metadata"
        text = replaced(text, last, f"{last}, transaction_per_migration=True")
    env.write_text(text)
    return project
