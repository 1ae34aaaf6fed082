"""docs/schema.md: the diagram of the models, in parts if there are many tables."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from alembic.config import Config
from sqlalchemy import Table as Model

from migrator.catalog import Schema
from migrator.config import models
from migrator.config.context import Context
from migrator.console.markdown import fenced, line
from migrator.diagrams import entities, mermaid
from migrator.diagrams.entities import Name, Table
from migrator.errors import MigratorError, RefusedError, UsageError, counted

FILE = "docs/schema.md"
MARK = "<!-- Written by `make diagram`. Do not edit this page: run `make diagram` again. -->"
# Of one diagram. With more tables it is a web of lines; Mermaid refuses 50,000 characters.
TABLES, CHARACTERS = 25, 40_000


def write(schema: Schema, packages: Mapping[Name, str] | None = None) -> str:
    """Return the page.

    Args:
        packages: by table, the package of its model; other tables are listed by schema.
    """
    tables = entities.read(schema)
    parts = list(_parts(tables, packages or {}))
    return "\n".join([*_lines(len(tables), parts), ""])


def of_models(config: Config, schema: Schema) -> str:
    """Return the page of the models, which built `schema`."""
    return write(schema, _packages(models.import_models(config)))


def save(text: str, file: Path) -> bool:
    """Write the page, and return whether that changed it.

    Raises:
        RefusedError: there is a page that is not ours.
        UsageError: it cannot be written.
    """
    try:
        old = file.read_text("utf-8") if file.exists() else None
        if old is not None and not old.startswith(MARK):
            raise RefusedError(
                f"{file.name} was not written by `make diagram`, and would be lost: move it away,"
                " or name another file with --output."
            )
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8", newline="\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UsageError(f"{file.name} cannot be written: {reason}.") from None
    return old != text


def check(context: Context, schema: Schema) -> bool:
    """Compare the page with the models, and return whether there is one to compare.

    Raises:
        MigratorError: it is stale.
    """
    file = context.folder / FILE
    text = file.read_text("utf-8", errors="replace") if file.exists() else ""
    if not text.startswith(MARK):
        return False
    if text != of_models(context.config, schema):
        raise MigratorError(
            f"{FILE} is stale, so it shows another schema than the models: run `make diagram` and"
            " commit it. (A project that does not want the page deletes it.)"
        )
    return True


def _packages(found: Mapping[str, Sequence[Model]]) -> dict[Name, str]:
    return {
        (each.schema or mermaid.DEFAULT_SCHEMA, each.name): module.rpartition(".")[0]
        for module, tables in found.items()
        for each in tables
    }


def _parts(tables: Sequence[Table], packages: Mapping[Name, str]) -> Iterator[tuple[str, str]]:
    """Yield the title and the diagram of each part; one part has no title."""
    if len(tables) <= TABLES and len(_drawn(tables)) <= CHARACTERS:
        yield "", _drawn(tables)
        return
    groups: dict[str, list[Table]] = defaultdict(list)
    for table in tables:
        name = table.name if len(table.name) > 1 else (mermaid.DEFAULT_SCHEMA, *table.name)
        groups[packages.get(name, name[0])].append(table)
    for title, group in sorted(groups.items()):
        pieces = list(_pieces(group))
        for piece in pieces:
            first, last = mermaid.name(piece[0].name), mermaid.name(piece[-1].name)
            words = [title, f"{first} to {last}" if len(pieces) > 1 and first != last else ""]
            yield ": ".join(filter(None, words)) or first, _drawn(piece)


def _pieces(tables: Sequence[Table]) -> Iterator[list[Table]]:
    piece: list[Table] = []
    for table in tables:
        longer = [*piece, table]
        if piece and (len(longer) > TABLES or len(_drawn(longer)) > CHARACTERS):
            yield piece
            longer = [table]
        piece = longer
    yield piece


def _drawn(tables: Sequence[Table]) -> str:
    return "\n".join(mermaid.diagram(tables))


def _lines(number: int, parts: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield from (MARK, "", "# Schema", "")
    several = f", in {counted(len(parts), 'diagram')}" if len(parts) > 1 else ""
    yield f"{counted(number, 'table')}{several}. PK: primary key, FK: foreign key, UK: unique."
    if len(parts) > 1:
        yield "A table without columns is in another diagram."
    for title, drawn in parts:
        if number:
            yield from ("", f"## {line(title)}", "") if title else ("",)
            yield from fenced("mermaid", [drawn])
