"""Roles and whatever else belongs to the whole server, not to the shadow database.

What a revision makes of it is marked with a comment, in the same transaction, so that it is removed
with the shadow database, by a later command if this one is killed. What was there before belongs to
others: a statement that would make, change or drop it is left out, and the trace says so.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from migrator.postgres import sql
from migrator.shadow import made_outside
from migrator.trace import transaction_state

if TYPE_CHECKING:  # psycopg does not come with SQLite
    from psycopg.pq.abc import PGconn

ROLES = ("ROLE", "USER", "GROUP")
CATALOGS = dict.fromkeys(ROLES, "pg_roles") | {
    "DATABASE": "pg_database",
    "TABLESPACE": "pg_tablespace",
}
NAMES = {"pg_roles": "rolname", "pg_database": "datname", "pg_tablespace": "spcname"}
CHANGES = ("CREATE", "ALTER", "DROP")
# Functions that reach sessions and settings of other databases.
CALLS = ("PG_TERMINATE_BACKEND", "PG_CANCEL_BACKEND", "PG_RELOAD_CONF", "PG_PROMOTE")
BEFORE_NAME = ("if", "not", "exists")
# What is there, and whether a trace on the same database has made it.
FOUND = """
SELECT json_build_object('there', count(*) > 0, 'ours', coalesce(bool_or(
    shobj_description(oid, '{table}') = '{mark}'), false))
FROM {catalog} WHERE {column} = ANY ('{{{names}}}'::name[])
"""
# Visible although its transaction is not over: made here.
NEW_ROLES = """
SELECT coalesce(json_agg(quote_ident(rolname)), '[]') FROM pg_authid
WHERE age(xmin) <= age(pg_current_xact_id()::xid)
"""
MAY_SEE = "SELECT to_json(current_setting('is_superuser') = 'on')"
# By these names a statement means a role of the server, or all of them.
WHOEVER = ("all", "current_user", "current_role", "session_user")
OUTSIDE = "It belongs to the whole server, where it is not this trace's to change"


class Cluster:
    """The server around the shadow database `name`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._mark = made_outside.mark(name)

    def refuses(self, session: "PGconn", text: str) -> str:
        """Return why a statement is not run, if it is not."""
        words = sql.words(text)
        if words[:2] == ("ALTER", "SYSTEM") or words[1:2] == ("SUBSCRIPTION",):
            return f"{OUTSIDE}: {' '.join(words[:2])}"
        read = sql.words(sql.body(text)) if words[:1] == ("DO",) else words
        if calls := [each for each in CALLS if each in read]:
            return f"{OUTSIDE}: {', '.join(calls).lower()}"
        for action, kind, names in (_subject(text), *_in_block(text)):
            if not names or names == [self._name]:
                continue
            there, ours = self._found(session, kind, names)
            whoever = action != "CREATE" and not {*names}.isdisjoint(WHOEVER)
            if whoever or (there and not ours):
                return f"{OUTSIDE}: {action} {kind} {', '.join(names)}"
        return ""

    def mark(self, session: "PGconn", text: str) -> None:
        """Mark what a statement has made, so that it is removed with the database."""
        _, kind, names = _subject(text)
        if sql.first_word(text) == "CREATE" and kind in ("DATABASE", "TABLESPACE"):
            quoted = [_quoted(name) for name in names]
            self._comment(session, kind, quoted)
        elif (kind in ROLES or sql.first_word(text) == "DO") and transaction_state.query(
            session, MAY_SEE
        ):
            self._comment(session, "ROLE", transaction_state.query(session, NEW_ROLES))

    def _comment(self, session: "PGconn", kind: str, quoted: list[str]) -> None:
        for name in quoted:
            session.exec_(f"COMMENT ON {kind} {name} IS '{self._mark}'".encode())

    def _found(self, session: "PGconn", kind: str, names: list[str]) -> tuple[bool, bool]:
        view = CATALOGS[kind]
        listed = ",".join('"' + name.replace('"', '\\"').replace("'", "''") + '"' for name in names)
        found = transaction_state.query(
            session,
            FOUND.format(
                table="pg_authid" if kind in ROLES else view,
                mark=self._mark,
                catalog=view,
                column=NAMES[view],
                names=listed,
            ),
        )
        return found["there"], found["ours"]


def _subject(text: str) -> tuple[str, str, list[str]]:
    """Return what a statement does, and the kind and the names of what it is about."""
    words = sql.words(text)
    if len(words) < 3 or words[0] not in CHANGES or words[1] not in CATALOGS:
        return "", "", []
    if words[2] == "MAPPING":
        return "", "", []
    names = [each for each in sql.identifiers(sql.bare(text))[2:] if each not in BEFORE_NAME]
    return words[0], words[1], names if words[0] == "DROP" else names[:1]


def _in_block(text: str) -> Iterator[tuple[str, str, list[str]]]:
    """Yield which roles a DO block alters or drops, also by EXECUTE; "all" if it computes them."""
    code = sql.body(text)
    strings = (each.text for each in sql.tokens(code) if each.kind == "string")
    for part in (code, *(each.strip("eE'") for each in strings)):
        found = [each for each in sql.tokens(part) if each.kind not in ("space", "comment")]
        words = [each.text.upper() for each in found]
        for place, (action, kind) in enumerate(pairwise(words)):
            if action in ("ALTER", "DROP") and kind in ROLES:
                rest = found[place + (4 if words[place + 2 : place + 3] == ["IF"] else 2) :]
                named = rest and rest[0].kind in ("word", "quoted")
                yield action, "ROLE", [*sql.identifiers(rest[0].text)] if named else ["all"]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
