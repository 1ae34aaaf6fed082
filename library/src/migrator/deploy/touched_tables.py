"""The tables that a revision touches, as far as its SQL says so.

Only a transaction with a lock on one of them can block it. Where the SQL does not say all of it,
or locks more than it names, an attempt finds the blocker, after a lock timeout.
"""

from collections.abc import Iterable, Mapping

from alembic.util.exc import CommandError

from migrator.deploy.deployment import Deployment
from migrator.errors import MigratorError
from migrator.postgres import sql

# They wait for no reader and no writer of a table that is there.
HARMLESS = ("INSERT", "SET", "COMMENT", "CREATE TYPE", "CREATE SCHEMA", "CREATE SEQUENCE")


def find(deployment: Deployment) -> Mapping[str, frozenset[str]]:
    """Map each revision to the tables it touches; those whose tables are unknown are left out."""
    from migrator.lint import rendering  # half of the tool, and only where something is pending

    plan = deployment.plan
    if not plan.upgrade:
        return {}
    try:
        rendered = rendering.render(deployment.context, deployment.revisions, plan.pending)
    except (CommandError, MigratorError):
        return {}
    found = {
        each.script.revision: _tables(statement.sql for statement in each.statements)
        for each in rendered
        if not each.failure
    }
    return {revision: tables for revision, tables in found.items() if tables is not None}


def _tables(statements: Iterable[str]) -> frozenset[str] | None:
    from migrator.lint.statements import read

    names: set[str] = set()
    for statement in statements:
        found = read(statement)
        unknown = found.inside or any(each.kind == "call" for each in found.actions)
        if unknown or not (found.actions or sql.begins(statement, *HARMLESS)):
            return None
        for each in found.actions:
            # Who uses a table has a lock on its indexes, too.
            names |= {each.table or each.name, *each.refers}
    return frozenset(names)
