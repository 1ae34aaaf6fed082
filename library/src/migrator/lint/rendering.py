"""The SQL of revisions, each statement with the line that wrote it.

Alembic renders it in this process; what it cannot render, the trace may have seen: see
`traced_statements`.
"""

import io
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from alembic.util.exc import CommandError

from migrator.config.context import Context
from migrator.config.ending import contained
from migrator.console import withheld
from migrator.environment.adopted import ARGUMENTS
from migrator.errors import MigratorError
from migrator.lint import inspector, offline
from migrator.lint.known_schema import Schema
from migrator.lint.schema_so_far import SchemaSoFar
from migrator.operations.operation import Operation
from migrator.postgres import sql
from migrator.trace.place import Place, here

TRANSACTION = ("BEGIN", "COMMIT")


@dataclass(frozen=True)
class Statement:
    """One statement as PostgreSQL would get it, and where in the revision it comes from.

    `nested` if it stands in a DO block, `repeated` if in a loop there; `times` is how often it is
    sent, each time with other values, and `accompanied` is true if it is sent with others in one
    text. `operation` is the one that runs it, if there is one, and `adds` what that one adds: see
    `Operation.adds`.
    """

    sql: str
    place: Place
    in_transaction: bool = True
    nested: bool = False
    repeated: bool = False
    times: int = 1
    accompanied: bool = False
    operation: Operation | None = None
    adds: str = ""


@dataclass(frozen=True)
class Rendered:
    """A revision's statements; `failure` says why more are unknown: it reads from the database."""

    script: Script
    statements: tuple[Statement, ...]
    failure: str = ""


def render(
    context: Context,
    directory: ScriptDirectory,
    scripts: Sequence[Script],
    so_far: SchemaSoFar | None = None,
) -> list[Rendered]:
    """Render the upgrades of `scripts`, each by itself, in one run of env.py.

    Args:
        so_far: answers a revision that asks for the names of tables and columns.

    Raises:
        MigratorError: env.py fails, or did not get as far as running them.
    """
    rendered: list[Rendered] = []

    def record(_heads: Any, context: MigrationContext) -> list[Any]:
        rendered.extend(render_one(script, context, so_far) for script in scripts)
        return []  # nothing for Alembic to run

    before, context.config.output_buffer = context.config.output_buffer, io.StringIO()
    try:
        environment = EnvironmentContext(context.config, directory, fn=record, as_sql=True)
        with environment, withheld.prints(), contained(), warnings.catch_warnings():
            # Of a parameter that has no value here.
            warnings.filterwarnings("ignore", "Bound parameter .* rendering literal NULL")
            directory.run_env()
    except CommandError:
        raise
    except Exception as error:
        raise MigratorError(
            "The revisions cannot be rendered as SQL, so they cannot be checked before they run:"
            f" migrations/env.py fails offline ({type(error).__name__}: {error}). Fix its offline"
            " part (run_migrations_offline)."
        ) from error
    finally:
        context.config.output_buffer = before
    if len(rendered) < len(scripts):
        raise MigratorError(
            "The revisions cannot be rendered as SQL: migrations/env.py does not run them offline"
            " (context.run_migrations); without that they cannot be checked before they run."
        )
    return rendered


def render_one(
    script: Script, context: MigrationContext, so_far: SchemaSoFar | None = None
) -> Rendered:
    """Render the upgrade of a revision with Alembic's context for offline mode."""
    found: list[Statement] = []
    impl: Any = context.impl
    path = str(script.module.__file__)
    open_transaction = context.impl.transactional_ddl

    def record(text: str, times: int = 1) -> None:
        place = here(path) or Place(1, False)
        running: Operation | None = getattr(impl, "operation", None)
        adds = running.adds(context) if running else ""
        statements = _split(text)
        for statement in statements:
            found.append(
                Statement(
                    statement,
                    place,
                    bool(open_transaction),
                    times=times,
                    accompanied=len(statements) > 1,
                    operation=running,
                    adds=adds,
                )
            )

    def output(text: str) -> None:
        nonlocal open_transaction
        word = text.strip().rstrip(";").upper()
        if word in TRANSACTION:  # Alembic's own, around an autocommit block
            open_transaction = word == "BEGIN"
        else:
            record(text)

    def insert(table: Any, rows: Any, multiinsert: bool = True) -> None:
        record(offline.written(table.insert(), context.dialect), len(rows))

    def execute(statement: Any, execution_options: Any = None) -> None:
        record(offline.written(statement, context.dialect))

    own: dict[str, Any] = {"static_output": output, "bulk_insert": insert, "execute": execute}

    def known() -> Schema | None:
        render = partial(render_one, context=context, so_far=so_far)
        return so_far.of(script, found, render) if so_far else None

    own["connection"] = inspector.Connection(context.dialect, record, known)
    failure = ""
    before = dict(impl.__dict__)
    impl.__dict__.update(own)
    try:
        with contained():
            script.module.upgrade(**_arguments(context))
    except Exception as error:
        failure = f"{type(error).__name__}: {' '.join(str(error).split())}"
    finally:
        impl.__dict__.clear()
        impl.__dict__.update(before)
    rendered = Rendered(script, tuple(found), failure)
    if so_far:
        so_far.keep(rendered)
    return rendered


def _arguments(context: MigrationContext) -> dict[str, Any]:
    """Return what env.py gives to revisions, as the name of one of several databases."""
    running = context.environment_context
    return dict(running.config.attributes.get(ARGUMENTS, {})) if running else {}


def _split(text: str) -> list[str]:
    """Return the statements in a text; a function's body in BEGIN ATOMIC has semicolons, too."""
    found = sql.split(text)
    if len(found) > 1 and sql.has(text, "BEGIN ATOMIC"):
        import postgast

        with suppress(postgast.PgQueryError):
            return [str(each) for each in postgast.split(text)]
    return found
