"""Upgrade the production database to the newest revision: the entry point for CI/CD.

    DATABASE_URL=... python scripts/deploy_migrations.py

It is the same as `python -m migrator -c alembic_prod.ini deploy`, with the same options, and works
from any current folder. Exit codes: 0 done or nothing to do, 1 failed, 2 wrong usage or
configuration, 4 waited too long for a lock, 5 refused by a safety check, 130 interrupted by Ctrl-C,
SIGTERM or SIGHUP. (3, revisions are pending, is an exit code of `plan` and `check`.)
"""

import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent

try:
    from migrator.cli import main
except ModuleNotFoundError as error:
    python = PROJECT / ".venv/bin/python"
    sys.stderr.write(
        f"deploy_migrations: {sys.executable} does not have the module {error.name}, because it is"
        " not the Python of this project. Nothing was changed. Run the script with"
        f" {python if python.exists() else 'the Python of .venv, which `make setup` makes'}.\n"
    )
    sys.exit(2)

if __name__ == "__main__":
    sys.exit(main(["-c", str(PROJECT / "alembic_prod.ini"), "deploy", *sys.argv[1:]]))
