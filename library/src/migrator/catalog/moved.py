"""The objects of one schema, as they are called in another."""

from typing import Any

from migrator.catalog.schema import Key, Schema
from migrator.postgres.sql.schemas import moved

PLAIN = "public"  # needs no quotes


def of_schema(schema: Schema, name: str) -> Schema:
    """Return only the objects in the schema `name`."""
    return Schema(
        {
            key: properties
            for key, properties in schema.objects.items()
            if len(key.name) > 1 and key.name[0] == name and key.kind != "extension"
        }
    )


def each(schema: Schema, names: list[str]) -> dict[str, Schema]:
    """Return the objects of each of these schemas, as they would be called in `public`."""
    found: dict[str, dict[Key, dict[str, Any]]] = {name: {} for name in names}
    for key, properties in schema.objects.items():
        name = key.name[0]
        if name in found:
            texts = (moved(part, name, PLAIN) for part in key.name[1:])
            own = {what: _moved(value, name) for what, value in properties.items()}
            found[name][Key(key.kind, (PLAIN, *texts))] = own
    return {name: Schema(objects) for name, objects in found.items()}


def _moved(value: Any, old: str) -> Any:
    if isinstance(value, str):
        return moved(value, old, PLAIN)
    if isinstance(value, tuple):
        # The parts of a name, as `referenced` has them, or texts.
        first = PLAIN if value and value[0] == old else _moved(value[0], old) if value else ""
        return (first, *(_moved(part, old) for part in value[1:])) if value else value
    return value
