"""`db`: start, stop and look into the development PostgreSQL."""

from argparse import ArgumentParser, Namespace

from alembic.config import Config

from migrator import devdb


def arguments(parser: ArgumentParser) -> None:
    """Add the action."""
    parser.add_argument("action", choices=["start", "stop", "status", "url", "shell"])


def run(config: Config, options: Namespace) -> None:
    """Carry the action out."""
    devdb.run(config, options.action)
