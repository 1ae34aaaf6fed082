"""Extensions that the shadow server does not have, and what stands in for them.

The functions of uuid-ossp and pgcrypto have stubs, because columns have them as defaults. For any
other extension, the statements that fail without it are left out, and the rest is tried.
"""

from typing import TYPE_CHECKING

from migrator.postgres import sql
from migrator.trace import transaction_state
from migrator.trace.event_log import STEP

if TYPE_CHECKING:  # psycopg does not come with SQLite
    from psycopg.pq.abc import PGconn

AVAILABLE = "SELECT to_json(EXISTS (SELECT FROM pg_available_extensions WHERE name = '{name}'))"
FUNCTION = "CREATE OR REPLACE FUNCTION {schema}{head} LANGUAGE sql AS $stub$SELECT {value}$stub$;"
UUID, BYTES, TEXT = "gen_random_uuid()", "decode(md5($1::text), 'hex')", "md5($1::text)"
RANDOM = "decode(repeat(md5(random()::text), $1 / 16 + 1), 'hex')"
STUBS = {
    "uuid-ossp": {
        **{
            f"uuid_generate_{version}() RETURNS uuid": UUID
            for version in ("v1", "v1mc", "v4")
        },
        **{
            f"uuid_generate_{version}(namespace uuid, name text) RETURNS uuid":
                "md5($1::text || $2)::uuid"
            for version in ("v3", "v5")
        },
        **{
            f"uuid_{name}() RETURNS uuid": f"md5('{name}')::uuid"
            for name in ("nil", "ns_dns", "ns_url", "ns_oid", "ns_x500")
        },
    },
    "pgcrypto": {
        "gen_random_bytes(integer) RETURNS bytea": f"substr({RANDOM}, 1, $1)",
        "gen_salt(text) RETURNS text": TEXT,
        "gen_salt(text, integer) RETURNS text": TEXT,
        "crypt(text, text) RETURNS text": TEXT,
        "digest(text, text) RETURNS bytea": BYTES,
        "digest(bytea, text) RETURNS bytea": BYTES,
        "hmac(text, text, text) RETURNS bytea": BYTES,
        "hmac(bytea, bytea, text) RETURNS bytea": BYTES,
        "pgp_sym_encrypt(text, text) RETURNS bytea": "convert_to($1, 'UTF8')",
        "pgp_sym_encrypt(text, text, text) RETURNS bytea": "convert_to($1, 'UTF8')",
        "pgp_sym_decrypt(bytea, text) RETURNS text": "convert_from($1, 'UTF8')",
        "pgp_sym_decrypt(bytea, text, text) RETURNS text": "convert_from($1, 'UTF8')",
    },
}  # fmt: skip
# Errors about what is not there: a schema, a table, a column, a function, a type; and about what
# the default operator class of an index needs.
NOT_THERE = ("3F000", "42P01", "42703", "42704", "42883")


class MissingExtensions:
    """What was asked for and is not there; `incomplete` are those without stubs."""

    def __init__(self) -> None:
        self._missing: set[str] = set()
        self.incomplete: set[str] = set()

    def refuses(self, session: "PGconn", text: str) -> str:
        """Return why a statement is not run, if it is not, after providing what there is."""
        words = sql.words(text)
        comment = words[:3] == ("COMMENT", "ON", "EXTENSION")
        if words[1:2] != ("EXTENSION",) and not comment:
            return ""
        names = sql.identifiers(sql.bare(text))[3 if comment else 2 :]
        name = next((each for each in names if each not in ("if", "not", "exists")), "")
        if name in self._missing:
            return self._sentence(name)
        if words[0] != "CREATE" or not name or "'" in name:
            return ""
        if transaction_state.query(session, AVAILABLE.format(name=name)):
            return ""
        self._missing.add(name)
        if name not in STUBS:
            self.incomplete.add(name)
        _make(session, name, text)
        return self._sentence(name)

    def explains(self, sqlstate: str | None) -> bool:
        """Return whether an error may be due to an extension that is missing."""
        return bool(self.incomplete) and sqlstate in NOT_THERE

    def _sentence(self, name: str) -> str:
        if name in self.incomplete:
            return (
                f"The shadow server has no extension {name}: statements that need it are not tried"
            )
        return f"The shadow server has no extension {name}: stubs stand in for its functions"


def _make(session: "PGconn", name: str, text: str) -> None:
    identifiers = sql.identifiers(sql.bare(text))
    schema = ""
    if sql.has(text, "SCHEMA"):
        found = identifiers[identifiers.index("schema") + 1].replace('"', '""')
        schema = f'"{found}".'
    functions = (
        FUNCTION.format(schema=schema, head=head, value=value)
        for head, value in STUBS.get(name, {}).items()
    )
    session.exec_(f"SET {STEP} = 'extension'; {' '.join(functions)}; SET {STEP} = ''".encode())
