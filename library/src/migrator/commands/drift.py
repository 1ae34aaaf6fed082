"""`drift`: what differs between the models, the revisions and the files that are made of them."""

from argparse import ArgumentParser, Namespace

from migrator.config import histories
from migrator.config.context import Context
from migrator.console import say
from migrator.proof import drift


def arguments(parser: ArgumentParser) -> None:
    """Add no option: everything is in the project."""


def run(context: Context, options: Namespace) -> None:
    """Say that nothing does; see `drift.check` for the errors."""
    for own in histories.every(context):
        with histories.used(own):
            for sentence in drift.check(own):
                say(sentence)
