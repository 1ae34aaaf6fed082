"""Statements that create a table exactly as a catalog describes it, with all that belongs to it."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from migrator.autogenerate.definitions import options
from migrator.catalog import Key, Schema
from migrator.operations.names import column as quoted
from migrator.operations.names import literal

Properties = Mapping[str, Any]
STORAGE = {"p": "PLAIN", "e": "EXTERNAL", "m": "MAIN", "x": "EXTENDED"}
ENABLED = {"disabled": "DISABLE", "replica": "ENABLE REPLICA", "always": "ENABLE ALWAYS"}


def full(*parts: str) -> str:
    """Return a name as SQL writes it."""
    return ".".join(map(quoted, parts))


def of(table: Key, schema: Schema, without: Collection[Key] = ()) -> Iterator[str]:
    """Yield the statements, the table first.

    Args:
        without: constraints that are added later.
    """
    parts = belonging(table, schema)
    properties = schema.objects[table]
    columns = [each for each in parts if each.kind == "column"]
    columns.sort(key=lambda each: schema.objects[each].get("position", 0))
    serials = dict(_serials(table, schema))
    for key in serials.values():
        said = schema.objects[key]
        word = "UNLOGGED SEQUENCE" if "persistence" in said else "SEQUENCE"
        yield f"CREATE {word} {full(*key.name)} {' '.join(options(said))}".strip()
    yield _create(table, properties, [_column(each, schema) for each in columns])
    for column, key in serials.items():
        yield f"ALTER SEQUENCE {full(*key.name)} OWNED BY {full(*table.name, column)}"
    yield from _settings(table, properties)
    yield from (each for column in columns for each in _column_settings(column, schema))
    # A foreign key needs the primary key, and an index may be what a replica identity is.
    keys = [each for each in parts if each.kind == "constraint" and each not in without]
    keys.sort(key=lambda each: (schema.objects[each]["type"] == "foreign key", each))
    others = [each for each in parts if each.kind not in ("column", "constraint")]
    for each in (*keys, *others):
        yield from object_of(each, schema)


def belonging(table: Key, schema: Schema) -> list[Key]:
    """Return the keys of what belongs to a table, in order."""
    return sorted(each for each in schema.objects if each.name[:-1] == table.name)


def object_of(key: Key, schema: Schema) -> Iterator[str]:
    """Yield what creates a constraint, an index, a trigger, a policy or a rule of a table."""
    properties, table, own = schema.objects[key], full(*key.name[:-1]), quoted(key.name[-1])
    if properties.get("inherited") or properties.get("part_of"):
        return
    if key.kind == "constraint":
        valid = " NOT VALID" if properties.get("not_valid") else ""
        definition = properties["definition"]
        yield f"ALTER TABLE {table} ADD CONSTRAINT {own} {definition}{valid}"
        if chosen := properties.get("index_options"):
            yield f"ALTER INDEX {full(key.name[0], key.name[-1])} SET ({_listed(chosen)})"
    elif key.kind == "policy":
        yield _policy(table, own, properties)
    elif "definition" in properties:
        yield properties["definition"].rstrip(";")
        if state := ENABLED.get(properties.get("enabled", "")):
            yield f"ALTER TABLE {table} {state} {key.kind.upper()} {own}"
    if properties.get("clustered"):
        yield f"ALTER TABLE {table} CLUSTER ON {own}"
    yield from comment(key, properties.get("comment"))


def comment(key: Key, text: str | None) -> Iterator[str]:
    """Yield what sets the comment of a table, or of what belongs to it."""
    if text is None:
        return
    table, own = full(*key.name[:-1]), quoted(key.name[-1])
    target = {
        "table": full(*key.name),
        "column": full(*key.name),
        "index": full(key.name[0], key.name[-1]),
    }.get(key.kind, f"{own} ON {table}")
    yield f"COMMENT ON {key.kind.upper()} {target} IS {literal(text)}"


def _create(table: Key, properties: Properties, columns: list[str]) -> str:
    kinds = {"unlogged": "UNLOGGED ", "temporary": "TEMPORARY "}
    words = [f"CREATE {kinds.get(properties.get('persistence', ''), '')}TABLE {full(*table.name)}"]
    if bound := properties.get("partition_bound"):
        words.append(f"PARTITION OF {properties['inherits'][0]} {bound}")
    else:
        words.append(f"({', '.join(each for each in columns if each)})")
        if parents := properties.get("inherits"):
            words.append(f"INHERITS ({', '.join(parents)})")
    if key := properties.get("partition_key"):
        words.append(f"PARTITION BY {key}")
    if method := properties.get("access_method"):
        words.append(f"USING {quoted(method)}")
    toast = tuple(f"toast.{each}" for each in properties.get("toast_options", ()))
    if chosen := (*properties.get("options", ()), *toast):
        words.append(f"WITH ({_listed(chosen)})")
    if space := properties.get("tablespace"):
        words.append(f"TABLESPACE {quoted(space)}")
    return " ".join(words)


def _column(key: Key, schema: Schema) -> str:
    properties = schema.objects[key]
    if properties.get("inherited"):
        return ""
    words = [quoted(key.name[-1]), properties["type"]]
    if collation := properties.get("collation"):
        words.append(f"COLLATE {collation}")
    if expression := properties.get("generated"):
        kind = properties["generated_kind"].upper()
        words.append(f"GENERATED ALWAYS AS ({expression}) {kind}")
    if default := properties.get("default"):
        words.append(f"DEFAULT {default}")
    if identity := properties.get("identity"):
        words.append(f"GENERATED {identity.upper()} AS IDENTITY{_identity(key, schema)}")
    if properties.get("not_null"):
        words.append("NOT NULL")
    return " ".join(words)


def _identity(key: Key, schema: Schema) -> str:
    for sequence, properties in schema.objects.items():
        if sequence.kind == "sequence" and owner(properties) == key.name:
            name = f"SEQUENCE NAME {full(*sequence.name)}"
            chosen = (each for each in options(properties) if not each.startswith("AS "))
            return f" ({' '.join([name, *chosen])})"
    return ""


def owner(properties: Properties) -> tuple[str, ...]:
    """Return the column that a sequence belongs to, as the name of its key."""
    return tuple(properties.get("owned_by", "").replace('"', "").split("."))


def _serials(table: Key, schema: Schema) -> Iterator[tuple[str, Key]]:
    for key, properties in schema.objects.items():
        own = key.kind == "sequence" and owner(properties)[:-1] == table.name
        if own and not properties.get("of_identity"):
            yield owner(properties)[-1], key


def _settings(table: Key, properties: Properties) -> Iterator[str]:
    begin = f"ALTER TABLE {full(*table.name)}"
    if properties.get("row_security"):
        yield f"{begin} ENABLE ROW LEVEL SECURITY"
    if properties.get("force_row_security"):
        yield f"{begin} FORCE ROW LEVEL SECURITY"
    if properties.get("replica_identity") in ("full", "nothing"):
        yield f"{begin} REPLICA IDENTITY {properties['replica_identity'].upper()}"
    yield from comment(table, properties.get("comment"))


def _column_settings(key: Key, schema: Schema) -> Iterator[str]:
    properties = schema.objects[key]
    begin = f"ALTER TABLE {full(*key.name[:-1])} ALTER COLUMN {quoted(key.name[-1])} SET"
    if storage := properties.get("storage"):
        yield f"{begin} STORAGE {STORAGE[storage]}"
    if compression := properties.get("compression"):
        yield f"{begin} COMPRESSION {'lz4' if compression == 'l' else 'pglz'}"
    if (statistics := properties.get("statistics")) is not None:
        yield f"{begin} STATISTICS {statistics}"
    if chosen := properties.get("options"):
        yield f"{begin} ({_listed(chosen)})"
    yield from comment(key, properties.get("comment"))


def _policy(table: str, own: str, properties: Properties) -> str:
    words = [f"CREATE POLICY {own} ON {table}"]
    words.append(f"AS {'RESTRICTIVE' if properties.get('restrictive') else 'PERMISSIVE'}")
    words.append(f"FOR {properties['command'].upper()}")
    roles = properties.get("roles", ())
    words.append(f"TO {', '.join(each if each == 'public' else quoted(each) for each in roles)}")
    if using := properties.get("using"):
        words.append(f"USING ({using})")
    if check := properties.get("with_check"):
        words.append(f"WITH CHECK ({check})")
    return " ".join(words)


def _listed(chosen: Collection[str]) -> str:
    """Return storage parameters as SQL, from `name=value`."""
    pairs = (each.partition("=") for each in chosen)
    return ", ".join(f"{name} = {literal(value)}" for name, _, value in pairs)
