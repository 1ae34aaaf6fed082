"""A publication of tables whose rows cannot be told apart, so that no UPDATE works any more."""

from collections.abc import Iterable

from migrator.lint.candidate import Candidate
from migrator.lint.known_schema import Table
from migrator.lint.rule import Example, Rule


def _refuses(candidate: Candidate) -> bool:
    action, tables = candidate.action, candidate.history.schema.tables
    if candidate.kind == "replica identity":
        return action.has("nothing")
    if candidate.kind != "publish" or action.has("inserts only"):
        return False
    names: Iterable[str] = tables if action.has("all tables") else action.refers
    published = (tables.get(name, Table()) for name in {*names} - candidate.new)
    return any(each.created and not (each.has_key or each.identified) for each in published)


RULE = Rule(
    name="refusing-updates",
    reason=(
        "PostgreSQL refuses every UPDATE and DELETE of a table that is published and has neither a"
        " primary key nor a replica identity: code that still runs gets errors."
    ),
    safe=(
        "first a primary key, or ALTER TABLE ... REPLICA IDENTITY FULL; or a publication WITH"
        " (publish = 'insert')."
    ),
    example=Example(
        unsafe="""
op.execute("CREATE TABLE IF NOT EXISTS keyless (a bigint, b bigint)")
op.execute("CREATE PUBLICATION everything FOR TABLE keyless")
""",
        safe="""
op.execute("ALTER TABLE keyless REPLICA IDENTITY FULL")
op.execute("CREATE PUBLICATION everything FOR TABLE keyless")
""",
    ),
    action=_refuses,
)
