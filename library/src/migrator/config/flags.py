"""Flags of a command that stand for settings: a flag that was given wins over the ini file."""

from argparse import Namespace
from dataclasses import fields

from alembic.config import Config

from migrator.config.settings import Settings


def apply(config: Config, options: Namespace) -> None:
    """Put those of `options` that have a setting's name, and are not None, over `config`'s."""
    names = {field.name for field in fields(Settings)}
    given = {k: v for k, v in vars(options).items() if k in names and v is not None}
    config.attributes["settings"] = given
