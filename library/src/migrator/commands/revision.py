"""`revision`: write the revisions that lead from the schema of the history to the models."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from migrator.autogenerate import removed_enum_values
from migrator.commands import lint
from migrator.config import histories
from migrator.config.context import Context
from migrator.console import argument, note, say
from migrator.proof import revising
from migrator.proof.revising import Written
from migrator.revisions import snapshot

PROVED = (
    "Proved on a shadow database: the upgrade gives the models' schema, the downgrade the one"
    " before, and {rows}."
)
LOSSLESS = "no row or value is lost"
NOT_ALL = "no row or value of the other tables is lost"


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("-m", "--message", type=argument, required=True, help="what it is for")
    parser.add_argument(
        "--drop",
        type=argument,
        metavar="NAME,...",
        default="",
        help="tables and columns (table.column) that may be dropped, with their data",
    )
    parser.add_argument(
        "--rewrite",
        type=argument,
        metavar="TABLE.COLUMN,...",
        default="",
        help="columns whose tables may be rewritten while nobody can use them",
    )
    parser.add_argument(
        "--lose",
        type=argument,
        metavar="TABLE.COLUMN,...",
        default="",
        help="columns whose values may change for good, because their new type holds less",
    )


def run(context: Context, options: Namespace) -> None:
    """Write the revisions, and say what is in them; see `revising.revise` for the errors.

    Shared tables come first: revisions of tenants may refer to them.
    """
    for own in (every := histories.every(context)):
        with histories.used(own):
            written = _write(own, options)
        if not written.files:
            several = len(every) > 1
            whose = "tenants" if own is context else "shared tables"
            whose = f" of the {whose}" if several else ""
            but = removed_enum_values.BUT if written.kept else ""
            none = "none was written" if several else "no revision is needed, none was written"
            say(f"The models and the revisions{whose} agree{but}: {none}.")


def _write(context: Context, options: Namespace) -> Written:
    names = ("drop", "rewrite", "lose")
    asked = [f"{name}={value}" for name in names if (value := _own(getattr(options, name)))]
    written = revising.revise(context, options.message, asked)
    if not written.files:
        return written
    for path, attributes in written.files:
        say(f"Wrote {_shown(path)}: {attributes.whole}.")
    if written.snapshot:
        say(snapshot.said(written.snapshot))
    for sentence in written.notes:
        note(sentence)
    say(PROVED.format(rows=NOT_ALL if written.without_rows else LOSSLESS))
    lint.run(context, lint.advice(written.range))
    return written


def _own(names: str) -> str:
    """Return those of the names that are of the history: another one has the others."""
    if not histories.is_one_of_several():
        return names
    return ",".join(name for name in names.split(",") if histories.owns(name.split(".")[0].strip()))


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
