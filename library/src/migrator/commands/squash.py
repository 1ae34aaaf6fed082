"""`squash`: collapse revisions into one."""

import subprocess
from argparse import ArgumentParser, Namespace
from pathlib import Path

from migrator.commands.baseline import LEFT_OUT, listed
from migrator.config import urls
from migrator.config.context import Context
from migrator.console import argument, confirmed, note, say
from migrator.errors import RefusedError, UsageError, counted
from migrator.history import fresh_start, squash
from migrator.history.squash import SquashRange, SquashResult


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "-m", "--message", type=argument, required=True, help="message of the new revision"
    )
    parser.add_argument(
        "--to", type=argument, default="head", metavar="REV", help="the last revision to collapse"
    )
    parser.add_argument(
        "--from",
        dest="source",
        choices=("revisions", "database"),
        default="revisions",
        help="what the new revision creates: what the old ones do, or what is in the development"
        " database, whatever became of the old ones",
    )
    parser.add_argument("--yes", action="store_true", help="--from database: do not ask")
    for name, what in (("keep", "are inserted"), ("drop", "are not inserted")):
        parser.add_argument(
            f"--{name}-data",
            type=argument,
            default="",
            metavar="REV,...",
            help=f"revisions whose rows {what} by the new revision, or all",
        )


def run(context: Context, options: Namespace) -> None:
    """Collapse the revisions, and print what has to be done for existing databases."""
    if options.source == "database":
        _begin_anew(context, options)
        return
    chosen = squash.choose(context, options.to)
    if len(chosen.scripts) < 2:
        say(f"Nothing to squash: {chosen.last.revision} is the first revision.")
        return
    say(f"Collapsing {len(chosen.scripts)} revisions, up to {chosen.last.revision}, into one.")
    _warn_about_git(chosen.versions)
    if executed := squash.executed(chosen):
        say("They execute this SQL, which autogenerate does not see:")
        for statement in executed:
            say(f"  {statement}")
    keep, drop = (_names(text) for text in (options.keep_data, options.drop_data))
    _report(chosen, squash.run(context, chosen, options.message, keep, drop))


def _begin_anew(context: Context, options: Namespace) -> None:
    if options.to != "head" or options.keep_data or options.drop_data:
        raise UsageError(
            "from=database (--from database) replays no revision, so to=, keep= and drop= mean"
            " nothing there: leave them out."
        )
    chosen = fresh_start.choose(context)
    shown = urls.shown(context.target.url)
    say(f"The history begins anew with the schema of {shown}, as revision {chosen.revision}.")
    _warn_about_git(chosen.versions)
    question = (
        f"Replace {counted(len(chosen.gone), 'revision')}, and stamp {shown} if it is not there?"
    )
    if not options.yes and not confirmed(question):
        raise RefusedError(
            f"{question} This was not confirmed; nothing was changed. Without a terminal, confirm"
            " with yes=1 (--yes)."
        )
    result = fresh_start.run(context, chosen, options.message)
    listed(
        "Written as SQL, because Alembic has no operation for it or for what it belongs to:",
        result.carried,
    )
    listed(LEFT_OUT, result.left_out)
    say("Proved: the revision creates the same schema on an empty database.")
    if chosen.to_stamp:
        fresh_start.stamp(context, chosen)
    say(f"Wrote {result.path.name}, which replaces {counted(len(chosen.gone), 'revision')}.")
    say(f"{shown} is at {chosen.revision}; nothing else in it was changed.")
    listed("The models differ; `make revision` writes the rest:", result.differences)
    if result.problem:
        note(f"The models could not be compared: {result.problem}")
    for line in fresh_start.others(chosen):
        say(line)


def _report(chosen: SquashRange, result: SquashResult) -> None:
    if result.why:
        note(f"The revision contains only SQL, because Alembic's operations failed: {result.why}")
    listed(
        "Written as SQL, because Alembic has no operation for it or for what it belongs to:",
        result.carried,
    )
    for table, count in result.kept.items():
        say(f"Rows kept: {count} in {table}.")
    for table, count in result.dropped.items():
        say(f"Rows dropped: {count} in {table}; new databases will not have them.")
    revision = chosen.last.revision
    say("Proved: the old and the new history create the same schema on an empty database.")
    say(f"Wrote {result.path.name}, which replaces {len(chosen.scripts)} files.")
    say("")
    say(f"Databases at {revision} or later need no action: the new revision is {revision} too.")
    say("Upgrade a database at an earlier revision first, with the code before this squash.")
    say("Stamp a database that has this schema but no version, or a lost one:")
    say(f"  python -m alembic stamp --purge {revision}")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _warn_about_git(versions: Path) -> None:
    """Warn if git could not restore the old revisions."""
    try:
        command = ["git", "-C", str(versions), "-c", "core.quotepath=off", "status"]
        command += ["--porcelain", "--", "."]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return
    if done.returncode:
        note("Warning: this is not a git repository: the old revisions will be lost.")
    elif done.stdout.strip():
        note("Warning: uncommitted revisions will be lost, because git cannot restore them:")
        for line in done.stdout.splitlines():
            note(f"  {line}")
