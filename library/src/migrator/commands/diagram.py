"""`diagram`: write an entity-relationship diagram of the schema."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from migrator import catalog, database
from migrator.catalog import Schema
from migrator.config import models, urls
from migrator.config.context import Context
from migrator.console import argument, say
from migrator.diagrams import schema_page
from migrator.errors import UsageError
from migrator.proof.shadow_history import applied
from migrator.sqlite import engine as sqlite


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "--database-url",
        type=argument,
        metavar="URL",
        help="of this database instead of the models; nothing else is needed",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help=f"default: {schema_page.FILE}; with --database-url print it",
    )


def run(context: Context, options: Namespace) -> None:
    """Write the page."""
    if options.database_url:
        text = schema_page.write(_read(context, options.database_url))
    else:
        with applied(context) as history:
            models.import_models(context.config)
            text = schema_page.of_models(context.config, history.compare().models)
    if options.database_url and not options.output:
        say(text)
        return
    file = options.output or context.folder / schema_page.FILE
    name = argument(str(options.output or schema_page.FILE))
    changed = schema_page.save(text, file)
    say(f"Wrote {name}." if changed else f"{name} is up to date.")


def _read(context: Context, text: str) -> Schema:
    url = urls.normalise(text)
    kind = url.get_backend_name()
    if kind not in ("postgresql", "sqlite"):
        raise UsageError(f"{kind}:// names no database: write postgresql:// or sqlite:///FILE.")
    if kind == "sqlite" and not Path(str(url.database)).exists():
        raise UsageError(f"There is no file {url.database}, so there is no database to show.")
    made = sqlite.at(url) if kind == "sqlite" else create_engine(url, poolclass=NullPool)
    context.config.attributes["connection"] = made
    with database.connect(context, only_looks=True) as connection:
        return catalog.read(connection, catalog.NOT_OURS)
