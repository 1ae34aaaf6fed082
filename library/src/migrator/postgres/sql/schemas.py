"""Statements about one schema, written for another."""

from collections.abc import Sequence

from migrator.postgres.sql.names import plain
from migrator.postgres.sql.tokens import tokens

REGISTERED = "::reg"  # as in 'public.t_id_seq'::regclass, the only names in strings


def quoted(name: str) -> str:
    """Return a name as SQL always reads it."""
    return '"' + name.replace('"', '""') + '"'


def moved(text: str, old: str, new: str) -> str:
    """Return SQL in which what is in the schema `old` is in the schema `new`.

    The bodies of functions are texts, and stay as they are.

    Args:
        old: the name as PostgreSQL keeps it.
        new: the name as SQL writes it.
    """
    forms = old, quoted(old)[1:-1]  # and as a string has them
    if not any(form in text or form.replace("'", "''") in text for form in forms):
        return text
    parts = list(tokens(text))
    found = []
    for place, (kind, part) in enumerate(parts):
        after = parts[place + 1].text if place + 1 < len(parts) else ""
        if kind in ("word", "quoted") and after == "." and plain(part) == old:
            before = parts[place - 1].text if place else ""
            found.append(part if before == "." else new)
        elif kind == "string" and after == ":" and _is_registered(parts, place):
            inner = part[1:-1].replace("''", "'")
            found.append("'" + moved(inner, old, new).replace("'", "''") + "'")
        else:
            found.append(part)
    return "".join(found)


def _is_registered(parts: Sequence[tuple[str, str]], place: int) -> bool:
    rest = "".join(text for _, text in parts[place + 1 : place + 4])
    return rest.startswith(REGISTERED)
