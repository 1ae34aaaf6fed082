"""The tables that a difference is about, and those that they need rows of."""

from collections.abc import Iterable

from migrator.catalog import Difference, Schema
from migrator.proof.contents import Name

OWN = ("table", "column", "constraint", "index", "trigger", "policy", "rule")


def of(differences: Iterable[Difference]) -> frozenset[Name]:
    """Return the tables whose own objects differ."""
    return frozenset(
        each.key.name if each.key.kind == "table" else each.key.name[:-1]
        for each in differences
        if each.key.kind in OWN
    )


def with_related(found: frozenset[Name], *schemas: Schema) -> frozenset[Name]:
    """Add the tables that these refer to, and those that refer to them."""
    pairs = {
        (key.name[:-1], tuple(said["referenced"]))
        for schema in schemas
        for key, said in schema.objects.items()
        if key.kind == "constraint" and "referenced" in said
    }
    related = {name for pair in pairs if found & set(pair) for name in pair}
    return found | related
