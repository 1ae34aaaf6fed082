"""Read the schema of a PostgreSQL database with pg_dump, object by object."""

import re
from collections.abc import Iterator, Sequence

from sqlalchemy import Engine
from sqlalchemy import text as sql_text

from migrator.backup import programs
from migrator.config.context import Context
from migrator.errors import MigratorError
from migrator.history.schema import Object, Schema

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
NOISE = re.compile(r"^(?:SET |SELECT pg_catalog\.set_config|--|\\restrict)")
# Strings, quoted names and dollar-quoted bodies may contain semicolons.
TOKEN = re.compile(
    r"""[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"
    |(?P<tag>\$\w*\$).*?(?P=tag)|--[^\n]*|;|[^;'"$eE-]+|.""",
    re.VERBOSE | re.DOTALL,
)
WHOLE = {"FUNCTION", "PROCEDURE", "RULE"}  # their bodies may contain unquoted semicolons


def read(context: Context, engine: Engine, ignored: str, owners: bool) -> Schema:
    """Return the schema of the database of `engine`, which is also that of `context`.

    Args:
        ignored: a table to leave out, with or without its schema.
        owners: whether to include owners other than the current user.

    Raises:
        MigratorError: pg_dump failed; the message contains its output.
    """
    pattern = ignored if "." in ignored else f"*.{ignored}"
    dump = _run(context, engine, ["--schema-only", "--clean", f"--exclude-table={pattern}"])
    headers = list(HEADER.finditer(dump))
    start = headers[0].start() if headers else 0
    objects: list[Object] = []
    for header, after in zip(headers, [*headers, None][1:], strict=True):
        body = dump[header.end() : after.start() if after else len(dump)]
        body = DEFAULTS.sub("", ENDS.sub("", body)).strip()
        objects += _objects(header, body, _user(engine) if owners else None)
    drops = split(_preamble(dump[:start]))
    owned = {name for one in objects for text in one.statements for name in OWNED.findall(text)}
    place = next((i for i, one in enumerate(objects) if one.table), len(objects))
    early = [
        one
        for i, one in enumerate(objects)
        if (i < place and one.kind not in ("SEQUENCE", "VIEW"))
        or (
            one.kind == "SEQUENCE"
            and one.statements[0].startswith("CREATE SEQUENCE ")
            and one.statements[0].split()[2] not in owned
        )
    ]
    late = [one for one in objects if one not in early]
    return Schema((*early, *late), tuple(drops), len(early))


def rows(context: Context, engine: Engine, tables: Sequence[str]) -> tuple[str, ...]:
    """Return INSERT statements for the rows in `tables` (names as SQL writes them)."""
    names = [f"--table={table}" for table in tables]
    dump = _run(context, engine, ["--data-only", "--column-inserts", *names])
    found = map(_uncommented, split(ENDS.sub("", dump)))
    return tuple(text for text in found if text and not NOISE.match(text))


def _run(context: Context, engine: Engine, arguments: Sequence[str]) -> str:
    with engine.connect() as connection:
        major = (connection.dialect.server_version_info or (0,))[0]
    database = programs.database(context)
    program = programs.find(context, int(major))[0].path("pg_dump")
    done = programs.run(
        [program, *arguments, "--encoding=UTF8", database.argument], database.environment
    )
    if done.returncode:
        raise MigratorError(
            f"The schema cannot be read: {programs.error_output(done)}; nothing was changed."
        )
    return done.stdout


def _user(engine: Engine) -> str:
    with engine.connect() as connection:
        return str(connection.scalar(sql_text("SELECT current_user")))


def split(text: str) -> list[str]:
    """Return the statements of a text, each without its semicolon."""
    statements = [""]
    for token in TOKEN.finditer(text):
        if token.group() == ";":
            statements.append("")
        else:
            statements[-1] += token.group()
    return [statement.strip() for statement in statements if statement.strip()]


def _objects(header: re.Match[str], body: str, user: str | None) -> Iterator[Object]:
    kind, schema, name = header["kind"], header["schema"], header["name"]
    if kind == "COMMENT" and name.startswith("EXTENSION "):
        return  # created together with the extension
    owner = OWNER.search(body)
    body = OWNER.sub("", body).strip()
    statements = (body.removesuffix(";"),) if kind in WHOLE else tuple(split(body))
    if statements:
        table = TABLE.match(body)
        yield Object(kind, schema, name, statements, body, table[1] if table else "")
    if owner and user is not None and owner[1].strip('"') != user:
        statement = owner[0].removesuffix(";")
        yield Object("OWNER", schema, f"{kind} {name}", (statement,), statement)


def _preamble(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not NOISE.match(line))


def _uncommented(statement: str) -> str:
    lines = statement.splitlines()
    while lines and (not lines[0] or lines[0].startswith("--")):
        lines = lines[1:]
    return "\n".join(lines)
