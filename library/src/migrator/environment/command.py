"""Which Alembic command runs env.py, and whether it writes or compares."""

from dataclasses import dataclass

from alembic import context
from alembic.config import Config


@dataclass(frozen=True)
class Command:
    """`typed` is its name on the `alembic` command line; None if a program called Alembic.

    `offline` is whether it only prints SQL (`--sql`), `writes` whether it writes a revision, and
    `compares` whether it compares the models with the database, which `revision --autogenerate` and
    `check` do.
    """

    typed: str | None
    offline: bool
    writes: bool
    compares: bool


def running(config: Config) -> Command:
    """Return the command that runs now."""
    options = context._proxy.context_opts  # type: ignore[attr-defined]
    found = getattr(config.cmd_opts, "cmd", None)
    typed = found[0].__name__ if found else None
    revision = options.get("revision_context")
    only_compares = typed == "check" or options.get("only_compares", False)
    return Command(
        typed,
        offline=bool(options.get("as_sql", False)),
        writes=typed in ("revision", "merge") or (revision is not None and not only_compares),
        compares=revision is not None and bool(revision.command_args["autogenerate"]),
    )
