"""`squash`: many revisions into one."""

import subprocess
from argparse import ArgumentParser, Namespace
from pathlib import Path

from migrator.config.context import Context
from migrator.console import argument, note, say
from migrator.history import squash
from migrator.history.squash import SquashRange, SquashResult


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("-m", "--message", type=argument, required=True, help="of the new revision")
    parser.add_argument(
        "--to", type=argument, default="head", metavar="REV", help="the last one to collapse"
    )
    for name, what in (("keep", "the new one writes too"), ("drop", "new databases do without")):
        parser.add_argument(
            f"--{name}-data",
            type=argument,
            default="",
            metavar="REV,...",
            help=f"revisions whose rows {what}; all for all",
        )


def run(context: Context, options: Namespace) -> None:
    """Collapse them, and say what databases and colleagues have to do."""
    chosen = squash.choose(context, options.to)
    if len(chosen.scripts) < 2:
        say(f"There is one revision up to {chosen.last.revision}: nothing to squash.")
        return
    say(f"Collapsing {len(chosen.scripts)} revisions, up to {chosen.last.revision}, into one.")
    _warn_about_git(chosen.versions)
    if executed := squash.executed(chosen):
        say("They execute this by themselves, which autogenerate does not see:")
        for statement in executed:
            say(f"  {statement}")
    keep, drop = (_names(text) for text in (options.keep_data, options.drop_data))
    _report(chosen, squash.run(context, chosen, options.message, keep, drop))


def _report(chosen: SquashRange, result: SquashResult) -> None:
    if result.why:
        note(f"Everything is carried over as SQL, because Alembic's own part failed: {result.why}")
    if result.carried:
        say("Carried over as SQL, because Alembic cannot write it:")
        for title in result.carried:
            say(f"  {title}")
    for table, count in result.kept.items():
        say(f"Rows kept: {count} in {table}.")
    for table, count in result.dropped.items():
        say(f"Rows dropped: {count} in {table}, which new databases do without.")
    revision = chosen.last.revision
    say("Proved: the old and the new history make the same schema on an empty database.")
    say(f"Wrote {result.path.name} in place of {len(chosen.scripts)} files.")
    say("")
    say(f"Databases at {revision} or later have nothing to do: it is still called {revision}.")
    say("One at an earlier revision has to be brought there first, with the code before this.")
    say("One that has this schema but lost its version, or never had one, is stamped:")
    say(f"  python -m alembic stamp --purge {revision}")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _warn_about_git(versions: Path) -> None:
    """Say when git could not bring the old revisions back."""
    try:
        command = ["git", "-C", str(versions), "-c", "core.quotepath=off", "status"]
        command += ["--porcelain", "--", "."]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return
    if done.returncode:
        note("Warning: this is not under git, so the old revisions will be gone for good.")
    elif done.stdout.strip():
        note("Warning: there are revisions that are not committed, which git cannot bring back:")
        for line in done.stdout.splitlines():
            note(f"  {line}")
