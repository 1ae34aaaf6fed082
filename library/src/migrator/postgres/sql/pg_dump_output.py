"""The SQL that pg_dump and pg_restore write: objects with headers, and the lines around them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from migrator.postgres.sql.tokens import split

# What comes before it is about the session and the versions, not about the schema.
FIRST_OBJECT = re.compile(r"^--\n-- Name: ", re.MULTILINE)
# A title above each object, what a table has when nothing is said, a token that is random.
AROUND = re.compile(
    r"^(?:"
    r"--"
    r"|-- Name: .*; Type: .*; Schema: .*; Owner: .*"
    r"|SET default_tablespace = '';"
    r"|SET default_table_access_method = heap;"
    r"|-- PostgreSQL database dump complete"
    r"|\\unrestrict \S+"
    r")\n",
    re.MULTILINE,
)
HEADER = re.compile(
    r"^--\n-- (?:Data for )?Name: (?P<name>.*?); Type: (?P<kind>[A-Z ]+);"
    r" Schema: (?P<schema>.*?); Owner: (?P<owner>.*?)(?:; Tablespace: .*)?\n--\n\n",
    re.MULTILINE,
)
IDENTIFIER = r'(?:"(?:[^"]|"")+"|[^\s."(;]+)'
TABLE = re.compile(rf"CREATE (?:UNLOGGED )?TABLE ({IDENTIFIER}\.{IDENTIFIER})")
OWNED = re.compile(rf"ALTER SEQUENCE ({IDENTIFIER}\.{IDENTIFIER}) OWNED BY")
OWNER = re.compile(rf"^ALTER [A-Z ]+ .* OWNER TO ({IDENTIFIER});$", re.MULTILINE)
DEFAULTS = re.compile(
    r"(?:^SET default_(?:tablespace = ''|table_access_method = heap);\s*)+\Z", re.MULTILINE
)
ENDS = re.compile(
    r"^\\unrestrict .*\Z|^--\n-- PostgreSQL database dump complete\n--\n.*\Z", re.M | re.S
)
SESSION = re.compile(r"^(?:SET |SELECT pg_catalog\.set_config|--|\\restrict)")
FOR_EVERYBODY = re.compile(r" (?:TO|FROM) PUBLIC(?: WITH GRANT OPTION)?$")
COLUMN_OPTIONS = re.compile(
    r"^(ALTER .* ALTER COLUMN .* SET \()([^()]*)(\);(?:\n|\Z))", re.MULTILINE
)
CREATE_DATABASE = re.compile(
    rf'^CREATE DATABASE ({IDENTIFIER}|[^ "]+) WITH (TEMPLATE = template0.*);$', re.MULTILINE
)


@dataclass(frozen=True)
class Entry:
    """One object of a dump; `owner` is the statement that sets its owner, and that owner."""

    kind: str
    schema: str
    name: str
    body: str
    owner: tuple[str, str] | None


def without_servers_options(script: str) -> str:
    """Return a script without the options of columns that servers keep for themselves.

    The releases of November 2026 keep pg_attver with each column. An older pg_dump writes it down,
    and a server that does not know it refuses it.
    """
    return COLUMN_OPTIONS.sub(_of_users, script) if "pg_" in script else script


def _of_users(line: re.Match[str]) -> str:
    kept = [each for each in line[2].split(", ") if not each.startswith("pg_")]
    return f"{line[1]}{', '.join(kept)}{line[3]}" if kept else ""


def schema_text(dump: str) -> str:
    """Return the objects of a dump as text, without what differs from one dump to the next."""
    first = FIRST_OBJECT.search(dump)
    objects = without_servers_options(dump[first.start() :]) if first else ""
    objects = AROUND.sub("", objects)
    return re.sub(r"\n{3,}", "\n\n", objects).strip("\n") + "\n"


def entries(dump: str) -> Iterator[Entry]:
    """Yield the objects of a dump in their order."""
    headers = list(HEADER.finditer(dump))
    for header, after in zip(headers, [*headers, None][1:], strict=False):
        body = dump[header.end() : after.start() if after else len(dump)]
        body = DEFAULTS.sub("", ENDS.sub("", without_servers_options(body))).strip()
        owner = OWNER.search(body)
        given = (owner[0].removesuffix(";"), owner[1].strip('"')) if owner else None
        body = OWNER.sub("", body).strip()
        yield Entry(header["kind"], header["schema"], header["name"], body, given)


def preamble(dump: str) -> list[str]:
    """Return the statements before the first object, without those about the session."""
    first = HEADER.search(dump)
    lines = dump[: first.start() if first else 0].splitlines()
    return split("\n".join(line for line in lines if not SESSION.match(line)), comments=True)


def inserts(dump: str) -> tuple[str, ...]:
    """Return the statements of a dump with --data-only --column-inserts that fill tables."""
    found = map(_uncommented, split(ENDS.sub("", dump), comments=True))
    return tuple(text for text in found if text and not SESSION.match(text))


def _uncommented(statement: str) -> str:
    lines = statement.splitlines()
    while lines and (not lines[0] or lines[0].startswith("--")):
        lines = lines[1:]
    return "\n".join(lines)


def created_table(body: str) -> str:
    """Return the table that an object is, as SQL writes it, or nothing."""
    match = TABLE.match(body)
    return match[1] if match else ""


def owned_sequences(statement: str) -> list[str]:
    """Return the sequences that a statement makes part of a column, as SQL writes them."""
    return OWNED.findall(statement)


def is_for_everybody(grant: str) -> bool:
    """Return whether a GRANT or REVOKE names no role but PUBLIC."""
    return bool(FOR_EVERYBODY.search(grant)) and " FOR ROLE " not in grant


def database(script: str) -> tuple[str, str] | None:
    """Return the name in a CREATE DATABASE of pg_restore, as written, and how it is made."""
    found = CREATE_DATABASE.search(script)
    return (found[1], found[2]) if found else None
