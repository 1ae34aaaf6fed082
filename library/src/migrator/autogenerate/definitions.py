"""Statements that create, change and drop schemas, sequences and named types, from a catalog."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from migrator.catalog import Key
from migrator.operations.names import column, literal

Properties = Mapping[str, Any]
WORDS = {
    "schema": "SCHEMA",
    "sequence": "SEQUENCE",
    "enum": "TYPE",
    "domain": "DOMAIN",
    "function": "FUNCTION",
    "procedure": "PROCEDURE",
    "view": "VIEW",
}
PARAMETERS = ("options", "toast_options")  # the properties of tables that have them
LARGEST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}


def name(key: Key, default: str | None) -> str:
    """Return the name as SQL writes it; without the default schema."""
    if key.kind in ("function", "procedure"):  # has the types of the arguments with it
        return f"{column(key.name[0])}.{key.name[1]}"
    parts = key.name[1:] if key.kind != "schema" and key.name[0] == default else key.name
    return ".".join(map(column, parts))


def labels(values: Iterable[str]) -> str:
    """Return values of an enum as SQL."""
    return ", ".join(map(literal, values))


def create(key: Key, properties: Properties, default: str | None) -> list[str]:
    """Return what creates an object as `properties` describe it."""
    if key.kind == "view":
        return [f"CREATE VIEW {name(key, default)} AS {properties['definition'].strip()}"]
    if "definition" in properties:
        return [properties["definition"].strip()]
    called = name(key, default)
    begin = f"CREATE {WORDS[key.kind]} {called}"
    parts: Iterable[str] = ()
    if key.kind == "enum":
        parts = [f"AS ENUM ({labels(properties.get('values', ()))})"]
    elif key.kind == "domain":
        parts = _domain(properties)
    elif key.kind == "sequence":
        parts = options(properties)
    statements = [" ".join([begin, *parts])]
    if comment := properties.get("comment"):
        statements.append(f"COMMENT ON {WORDS[key.kind]} {called} IS {literal(comment)}")
    return statements


def drop(key: Key, default: str | None) -> str:
    """Return what drops an object, if nothing depends on it."""
    if key.kind == "trigger":
        table = ".".join(map(column, key.name[:-1]))
        return f"DROP TRIGGER {column(key.name[-1])} ON {table}"
    return f"DROP {WORDS[key.kind]} {name(key, default)}"


def _domain(properties: Properties) -> Iterator[str]:
    yield f"AS {properties['type']}"
    if collation := properties.get("collation"):
        yield f"COLLATE {collation}"
    if default := properties.get("default"):
        yield f"DEFAULT {default}"
    if properties.get("not_null"):
        yield "NOT NULL"
    yield from (f"CONSTRAINT {each}" for each in properties.get("constraints", ()))


def options(properties: Properties, *, every: bool = False) -> Iterator[str]:
    """Yield the options of a sequence.

    Args:
        every: also those that CREATE SEQUENCE would choose by itself.
    """
    kind, increment = properties["type"], properties["increment"]
    up, largest = increment > 0, LARGEST[kind]
    lowest, highest = (1, largest) if up else (-largest - 1, -1)
    minimum, maximum = properties["minimum"], properties["maximum"]
    if every or kind != "bigint":
        yield f"AS {kind}"
    if every or increment != 1:
        yield f"INCREMENT BY {increment}"
    if every or minimum != lowest:
        yield f"MINVALUE {minimum}"
    if every or maximum != highest:
        yield f"MAXVALUE {maximum}"
    if every or properties["start"] != (minimum if up else maximum):
        yield f"START WITH {properties['start']}"
    if every or properties["cache"] != 1:
        yield f"CACHE {properties['cache']}"
    if every or properties.get("cycle"):
        yield "CYCLE" if properties.get("cycle") else "NO CYCLE"


def change_parameters(key: Key, old: Properties, new: Properties, default: str | None) -> list[str]:
    """Return what gives a table other storage parameters."""
    had, has = _parameters(old), _parameters(new)
    gone = ", ".join(each for each in had if each not in has)
    other = ", ".join(f"{each} = {has[each]}" for each in has if has[each] != had.get(each))
    actions = [f"RESET ({gone})" if gone else "", f"SET ({other})" if other else ""]
    return [f"ALTER TABLE {name(key, default)} {each}" for each in actions if each]


def _parameters(properties: Properties) -> dict[str, str]:
    own, toast = (properties.get(each, ()) for each in PARAMETERS)
    pairs = (each.partition("=") for each in (*own, *(f"toast.{each}" for each in toast)))
    return {parameter: value for parameter, _, value in pairs}


def change_sequence(key: Key, old: Properties, new: Properties, default: str | None) -> list[str]:
    """Return what gives a sequence other options; it goes on where it is, if it may."""
    called = name(key, default)
    minimum = new["minimum"]
    raised = minimum > old["minimum"]
    # A value below the minimum is refused; nothing has used the new range yet.
    move = f"SELECT setval({literal(called)}, {minimum}, false) FROM {called}"
    first = [f"{move} WHERE last_value < {minimum}"] if raised else []
    return [*first, f"ALTER SEQUENCE {called} {' '.join(options(new, every=True))}"]


def change_domain(
    key: Key, old: Properties, new: Properties, default: str | None
) -> Iterator[tuple[list[str], list[str], bool]]:
    """Yield changes of a domain: the statements, what reverts them, whether it accepts less."""
    begin = f"ALTER DOMAIN {name(key, default)}"
    had = {_constraint(each): each for each in old.get("constraints", ())}
    has = {_constraint(each): each for each in new.get("constraints", ())}
    for each in sorted({*had, *has}):
        if had.get(each) != has.get(each):
            add = [f"{begin} ADD CONSTRAINT {has[each]}"] if each in has else []
            back = [f"{begin} ADD CONSTRAINT {had[each]}"] if each in had else []
            drop = f"{begin} DROP CONSTRAINT {each}"
            yield [*([drop] if back else []), *add], [*([drop] if add else []), *back], bool(add)
    before, after = (_default(begin, each.get("default")) for each in (old, new))
    if before != after:
        yield [after], [before], not new.get("default")
    before, after = (_not_null(begin, each.get("not_null")) for each in (old, new))
    if before != after:
        yield [after], [before], bool(new.get("not_null"))


def _default(begin: str, value: str | None) -> str:
    return f"{begin} SET DEFAULT {value}" if value else f"{begin} DROP DEFAULT"


def _not_null(begin: str, not_null: bool | None) -> str:
    return f"{begin} {'SET' if not_null else 'DROP'} NOT NULL"


def _constraint(definition: str) -> str:
    """Return the name that `format('%I %s', ...)` has put before a definition."""
    if not definition.startswith('"'):
        return definition.split(" ", 1)[0]
    inside = definition[1:].replace('""', "\0\0")
    return definition[: inside.index('"') + 2]
