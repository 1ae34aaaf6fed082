"""The options that say which tenants are meant."""

import argparse
from argparse import ArgumentParser, Namespace

from migrator.console import argument
from migrator.fleet.inventory import Shard
from migrator.fleet.selection import Selection


def arguments(parser: ArgumentParser) -> None:
    """Add them."""
    parser.add_argument(
        "--only", type=argument, metavar="NAME,...", default="", help="only these tenants"
    )
    parser.add_argument("--stage", type=argument, metavar="NAME", help="only those of this stage")
    parser.add_argument(
        "--shard",
        type=shard,
        metavar="I/N",
        help="only part I (from 0) of N parts, by a hash of the names: for several machines",
    )


def shard(text: str) -> Shard:
    """Return what the command line says.

    Raises:
        ArgumentTypeError: it is no part.
    """
    try:
        return Shard.of(argument(text))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text} is no shard; write the part and the number of parts, from 0/8 to 7/8"
        ) from None


def selection(options: Namespace) -> Selection:
    """Return what was selected."""
    names = [name.strip() for name in options.only.split(",") if name.strip()]
    return Selection(names, options.stage, options.shard)
