"""Names in SQL: as they are written, and as PostgreSQL keeps them."""

import re

IDENTIFIER = r'(?:"(?:[^"]|"")+"|[\w$]+)'
NEXTVAL = re.compile(r"nextval\('(.*?)'::regclass\)")
# With its schema or without.
QUALIFIED = rf"{IDENTIFIER}(?:\s*\.\s*{IDENTIFIER})*"


def plain(text: str) -> str:
    """Return one identifier as PostgreSQL keeps it: in small letters unless it is quoted."""
    if text.startswith('"'):
        return text[1:-1].replace('""', '"')
    return text.lower()


def qualified(text: str) -> tuple[str, str]:
    """Return the schema and the name in `schema.name`, both as written; the schema may be ""."""
    parts = re.findall(IDENTIFIER, text)
    return (parts[-2] if len(parts) > 1 else "", parts[-1] if parts else text)


def identifiers(text: str) -> tuple[str, ...]:
    """Return the parts of a dotted name as PostgreSQL keeps them."""
    return tuple(plain(part) for part in re.findall(IDENTIFIER, text))


def sequence(default: str) -> tuple[str, ...]:
    """Return the parts of the name of the sequence in a default as the catalog has it, if any."""
    found = sequences(default)
    return found[0] if NEXTVAL.fullmatch(default) and len(found) == 1 else ()


def sequences(expression: str) -> list[tuple[str, ...]]:
    """Return the names of all sequences whose next value an expression of the catalog takes."""
    return [identifiers(each.replace("''", "'")) for each in NEXTVAL.findall(expression)]


def mentions(statement: str, name: str) -> bool:
    """Return whether a statement has `name`, as SQL writes it, not as a part of another."""
    return bool(re.search(rf'(?<![\w".]){re.escape(name)}(?![\w"])', statement))
