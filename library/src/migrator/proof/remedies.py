"""The statement to write where autogenerate has no operation."""

from collections.abc import Iterator, Sequence

from migrator.catalog import Difference
from migrator.operations import names

DROPS = {"index": "INDEX", "sequence": "SEQUENCE", "domain": "DOMAIN", "enum": "TYPE"}


def write(differences: Sequence[Difference]) -> Iterator[tuple[str, str]]:
    """Yield a detail for each difference of PostgreSQL that one statement removes."""
    for each in differences:
        if statement := _statement(each):
            yield ("write", statement)


def _statement(difference: Difference) -> str:
    key, before, after = difference.key, difference.before, difference.after
    quoted = [names.column(part) for part in key.name]
    if len(quoted) < 2:
        return ""
    table, whole = ".".join(quoted[:2]), ".".join(quoted)
    if key.kind == "constraint":
        drop = f"DROP CONSTRAINT {quoted[-1]}"
        if difference.property == "not_valid":
            return f"ALTER TABLE {table} VALIDATE CONSTRAINT {quoted[-1]}"
        if difference.property not in ("", "definition"):
            return ""
        definition = after["definition"] if isinstance(after, dict) else after
        add = f"ADD CONSTRAINT {quoted[-1]} {definition}"
        done = ", ".join(filter(None, [drop if before else "", add if after else ""]))
        return f"ALTER TABLE {table} {done}"
    if difference.property:
        return _property(difference, table, quoted[-1])
    if key.kind == "view" and after is not None:
        return f"CREATE VIEW {whole} AS {after['definition'].strip()}"
    if key.kind == "index" and after is not None:
        return str(after["definition"])
    if key.kind == "column":
        return f"ALTER TABLE {table} {_column(difference, quoted[-1])}"
    if key.kind in DROPS and after is None:
        name = ".".join((quoted[0], quoted[-1])) if key.kind == "index" else whole
        return f"DROP {DROPS[key.kind]} {name}"
    if key.kind == "enum":
        labels = ", ".join(names.literal(label) for label in after["values"])
        return f"CREATE TYPE {whole} AS ENUM ({labels})"
    if key.kind == "sequence":
        return f"CREATE SEQUENCE {whole} AS {after['type']}"
    return f"DROP TABLE {whole}" if key.kind == "table" and after is None else ""


def _property(difference: Difference, table: str, name: str) -> str:
    kind, said, after = difference.key.kind, difference.property, difference.after
    if said == "comment":
        word = {"table": "TABLE", "column": "COLUMN", "index": "INDEX"}.get(kind)
        target = f"{table}.{name}" if kind == "column" else table
        text = names.literal(after) if after else "NULL"
        return f"COMMENT ON {word} {target} IS {text}" if word else ""
    if kind == "table":
        persistence = "UNLOGGED" if after == "unlogged" else "LOGGED"
        return {
            "persistence": f"ALTER TABLE {table} SET {persistence}",
            "tablespace": f"ALTER TABLE {table} SET TABLESPACE {names.column(str(after))}",
        }.get(said, "")
    if kind == "view" and said == "definition":
        return f"DROP VIEW {table}; CREATE VIEW {table} AS {after.strip()}"
    if kind == "index" and said == "definition":
        return f"DROP INDEX {table.split('.')[0]}.{name}; {after}"
    if kind != "column":
        return ""
    start = f"ALTER TABLE {table} ALTER COLUMN {name}"
    return {
        "type": f"{start} TYPE {after} USING {name}::{after}",
        "default": f"{start} SET DEFAULT {after}" if after else f"{start} DROP DEFAULT",
        "not_null": f"{start} {'SET' if after else 'DROP'} NOT NULL",
        "generated": "" if after else f"{start} DROP EXPRESSION",
        "identity": f"{start} ADD GENERATED {str(after).upper()} AS IDENTITY"
        if after and not difference.before
        else "",
        "collation": "",
    }.get(said, "")


def _column(difference: Difference, name: str) -> str:
    after = difference.after
    if after is None:
        return f"DROP COLUMN {name}"
    default = f" DEFAULT {after['default']}" if "default" in after else ""
    generated = (
        f" GENERATED ALWAYS AS ({after['generated']}) STORED" if "generated" in after else ""
    )
    return f"ADD COLUMN {name} {after['type']}{default}{generated}"
