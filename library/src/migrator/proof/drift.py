"""Drift: what differs between the models, the revisions, and the files that are made of them.

Everything is looked at on a shadow database. The database in use is neither needed nor changed.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from migrator.autogenerate import removed_enum_values
from migrator.autogenerate.comparison import Comparison
from migrator.catalog import Difference
from migrator.config import alembic_config, histories, models
from migrator.config.context import Context
from migrator.diagrams import schema_page
from migrator.errors import MigratorError
from migrator.proof.shadow_history import ShadowHistory, applied
from migrator.revisions import graph, snapshot

SHOWN = 20
PRODUCTION = "alembic_prod.ini"
MODEL_KEYS = ("autoimport_models", "autoimport_exclude", "autoimport_base", histories.KEY)


class DriftError(MigratorError):
    """The models and the revisions differ; the details say in what."""

    def __init__(self, message: str, details: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.details = tuple(details)


def check(context: Context) -> Iterator[str]:
    """Compare, and yield a sentence for each comparison that found no difference.

    Raises:
        DriftError: the models and the revisions differ.
        MigratorError: there are several heads, the two ini files name other models, schema.sql or
            docs/schema.md is stale, or a revision fails.
    """
    _one_head(context)
    _same_models(context)
    with applied(context) as history:
        compared = _no_difference(context, history)
        yield from compared.accepted.unused()
        yield from (kept := [*removed_enum_values.kept(compared)])
        yield f"The models and the revisions agree{removed_enum_values.BUT if kept else ''}."
        for name in snapshot.check(context, history.url):
            yield f"{name} matches the revisions."
        if schema_page.check(context, compared.models):
            yield f"{schema_page.FILE} matches the models."


def _one_head(context: Context) -> None:
    heads = graph.load(context).get_heads()
    if len(heads) > 1:
        raise MigratorError(
            f"There are {len(heads)} heads ({', '.join(heads)}), so the target of an upgrade is"
            ' ambiguous: join them with `make merge m="merge"`.'
        )


def _same_models(context: Context) -> None:
    """Compare the keys by which models are found in the ini files of development and of deploys."""
    other = Path(context.folder, PRODUCTION)
    if not other.exists() or other.name == Path(context.ini).name:
        return
    production = alembic_config.read(other, context.config.config_ini_section)
    for key in MODEL_KEYS:
        here, there = context.option(key), production.get_main_option(key) or ""
        if here.replace(",", " ").split() != there.replace(",", " ").split():
            raise DriftError(
                f"{Path(context.ini).name} and {PRODUCTION} find other models: {key} is"
                f" {here or 'empty'} in the first, {there or 'empty'} in the second. Write the same"
                " in both."
            )


def _no_difference(context: Context, history: ShadowHistory) -> Comparison:
    """Compare the models with the revisions; what is accepted is no difference."""
    models.import_models(context.config)
    compared = history.compare()
    if found := compared.differences:
        details = [("drift", _described(context, each)) for each in found[:SHOWN]]
        if len(found) > SHOWN:
            details.append(("and", f"{len(found) - SHOWN} more"))
        raise DriftError(
            'The models and the revisions differ: write a revision with `make revision m="..."`.',
            details,
        )
    return compared


def _described(context: Context, difference: Difference) -> str:
    text = difference.describe("the revisions", "the models")
    if difference.key.kind == "table" and difference.after is None:
        packages = context.option("autoimport_models")
        return f"{text}: no model found below autoimport_models = {packages} describes it"
    return text
