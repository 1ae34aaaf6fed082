"""`update`: bring this project to a newer version of its template."""

from argparse import ArgumentParser, Namespace

from migrator.config.context import Context
from migrator.console import note, say
from migrator.errors import MigratorError, UsageError
from migrator.template import programs
from migrator.template.merge import Update, refuse_uncommitted, temporary_folder

# Not `locked`, as it is where CI is set: the update may have changed what uv.lock has to say.
CHECKS = ("setup", "check", "test", "locked=")


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("--to", default="", metavar="REV", help="a tag, branch or commit")
    parser.add_argument(
        "--answer",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="answer a question of the template differently from now on",
    )


def run(context: Context, options: Namespace) -> None:
    """Update, say what that did, and run the project's checks."""
    folder = context.folder
    changes = dict(_change(text) for text in options.answer)
    refuse_uncommitted(folder)
    programs.uv(folder)
    with temporary_folder() as temporary:
        update = Update(folder, temporary, changes)
        target = update.target(options.to)
        if target is None:
            say(f"Nothing to do: there is no newer release than {update.origin.commit[:12]}.")
            return
        update.check_answers(target)
        if update.origin.modified:
            note(
                "This project was made from a working copy of the template with uncommitted"
                " changes; they may show as conflicts."
            )
        note(f"Updating from {update.origin.commit[:12]} to {target.name} ...")
        done = update.apply(target)
    say(f"Updated to {target.name} ({target.commit}); nothing is committed yet.")
    if done.removed:
        say("These local edits in the template's own files were removed:")
        for name in done.removed:
            say(f"  {name}")
        say("`git show HEAD:FILE` prints a file as it was.")
    if done.conflicts:
        raise MigratorError(
            f"the project and the template changed the same lines of {', '.join(done.conflicts)}:"
            " resolve that as after a merge, then run `make setup check test` and commit."
        )
    if not programs.make(folder, *CHECKS):
        raise MigratorError(
            "the update is applied, but not all checks passed: fix what they say and commit, or"
            " revert the update with `git reset --hard`."
        )
    say("All checks passed. Review the update (git diff HEAD), then commit it:")
    say('  git add --all && git commit --message "Update the template"')


def _change(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--answer takes NAME=VALUE, as in python_version=3.12, not {text!r}.")
    return name, value
