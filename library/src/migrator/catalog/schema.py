"""A schema as a plain value: every object with its properties, and the stable text of all that."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


class Key(NamedTuple):
    """What an object is called: `name` is its schema, then its table if it has one, then its own.

    Objects of the database itself, such as extensions, have their own name only.
    """

    kind: str
    name: tuple[str, ...]

    def __str__(self) -> str:
        """Return it for people."""
        return f"{self.kind} {'.'.join(self.name)}"


@dataclass(frozen=True)
class Schema:
    """All objects of a database by their keys.

    Properties are texts, numbers, truth values and tuples of texts; see the modules of the kinds
    for their names. What is not set is left out.
    """

    objects: Mapping[Key, Mapping[str, Any]]

    def text(self) -> str:
        """Return text that is the same for the same schema, to store and to read in reviews."""
        return "\n".join(_lines(self.objects))

    @classmethod
    def parse(cls, text: str) -> "Schema":
        """Return the schema that `text` was written from.

        Raises:
            ValueError: it is no such text.
        """
        objects: dict[Key, dict[str, Any]] = {}
        properties: dict[str, Any] = {}
        for line in filter(None, text.split("\n")):  # splitlines has more ideas of a line
            start, _, rest = line.strip().partition(" ")
            if line.startswith("  "):
                value = json.loads(rest)
                properties[start.removesuffix(":")] = (
                    tuple(value) if isinstance(value, list) else value
                )
            else:
                properties = objects[Key(start, tuple(json.loads(rest)))] = {}
        return cls(objects)


def clean(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return properties as a schema holds them: without what is not set, lists as tuples.

    A text without what is false or empty is shorter, and a property that a newer server knows does
    not show where it is not used.
    """
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in properties.items()
        if value
    }


def _lines(objects: Mapping[Key, Mapping[str, Any]]) -> Iterator[str]:
    for key in sorted(objects, key=lambda each: (each.name[:2], len(each.name), each)):
        yield f"{key.kind} {json.dumps(key.name, ensure_ascii=False)}"
        for name, value in sorted(objects[key].items()):
            yield f"  {name}: {json.dumps(value, ensure_ascii=False)}"
        yield ""
