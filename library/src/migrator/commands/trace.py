"""`trace`: what each statement of a revision does on a shadow database."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator

from migrator import trace
from migrator.config.context import Context
from migrator.config.imports import relative
from migrator.console import argument, note, say, style, wrap
from migrator.console.style import BOLD, CYAN, RED
from migrator.errors import RefusedError, UsageError, counted
from migrator.lint import notes, ranges, trace_problems, trial
from migrator.lint.finding import shorten
from migrator.revisions import description, phase_and_transaction
from migrator.trace import Step, Traced
from migrator.trace.traced_statement import describe, disturbs

INDENT = " " * 4


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "range",
        nargs="?",
        type=argument,
        metavar="FROM..TO",
        help="or one revision; base..head runs each by itself (default: what the branch adds to"
        " the main branch; if that is nothing, what is pending)",
    )
    parser.add_argument(
        "--base",
        type=argument,
        metavar="REF",
        help="the revisions this branch adds to the commit REF",
    )
    parser.add_argument("--json", action="store_true", help="one JSON list instead of text")


def run(context: Context, options: Namespace) -> None:
    """Show what each statement did.

    Raises:
        RefusedError: one of them breaks a rule, and its revision does not suppress it.
        UsageError: no such revision, or not PostgreSQL in development.
    """
    if context.target.dialect != "postgresql":
        raise UsageError("A trace shows the locks of PostgreSQL, and this database is another one.")
    found = ranges.chosen(context, options.range, options.base)
    traced = trace.run(context, found.revisions, together=found.together)
    if options.json:
        say(json.dumps([_as_json(each) for each in traced], ensure_ascii=False, indent=2))
    else:
        for each in traced:
            _show(each)
        for sentence in notes.of_trace(traced):
            note(sentence)
    if found.why:
        note(found.why)
    if not found.revisions:
        return
    problems = trace_problems.find(context, traced, together=found.together)
    if count := len({id(problem.step) for problem in problems}):
        raise RefusedError(
            f"{counted(count, 'statement')} in {found} would block other sessions, break"
            " code that runs, or fail on tables with rows. `make lint-migrations` names the safe"
            " forms."
        )
    note(f"No statement in {found} breaks a rule.")


def _show(traced: Traced) -> None:
    """Print a line with the times for each statement, and below it what it is and does."""
    paint = style()
    say(paint(description.line(traced.script), BOLD))
    rules = _rules(traced)
    shown = [
        each
        for each in traced.steps
        if disturbs(each, traced.old) or not each.place.own or each.error
    ]
    for step in shown:
        place = f"{relative(str(traced.script.module.__file__))}:{step.place.line}"
        broken = ", ".join(rules.get(id(step), []))
        say(f"{paint(place, CYAN)}: {paint(broken, BOLD, RED) or 'breaks no rule'}")
        kept = f", locks kept {step.kept:.1f} ms" if step.locks and step.kept > 0 else ""
        lines = [*wrap(shorten(step.sql), INDENT), *wrap(_does(step, traced), INDENT)]
        say("\n".join([*lines, f"{INDENT}{step.milliseconds:.1f} ms{kept}"]))
    if traced.failure and not shown:
        say("\n".join(wrap(traced.failure, INDENT)))
    say()


def _does(step: Step, traced: Traced) -> str:
    return step.error or describe(step, traced.old)


def _as_json(traced: Traced) -> dict[str, object]:
    return {
        "revision": traced.script.revision,
        **phase_and_transaction.of(traced.script).as_dict(),
        "failure": traced.failure or None,
        "notes": traced.notes,
        "without_rows": traced.without_rows,
        "statements": [*_statements(traced)],
    }


def _rules(traced: Traced) -> dict[int, list[str]]:
    """Return by step (id) which rules it breaks."""
    found: dict[int, list[str]] = {}
    for problem in trial.problems(traced):
        found.setdefault(id(problem.step), []).append(problem.rule.name)
    return found


def _names(step: Step, tables: Iterable[int]) -> list[str]:
    return sorted(step.names.get(oid, str(oid)) for oid in tables)


def _statements(traced: Traced) -> Iterator[dict[str, object]]:
    rules = _rules(traced)
    for step in traced.steps:
        yield {
            "line": step.place.line,
            "statement": step.sql,
            "milliseconds": round(step.milliseconds, 3),
            "locks_kept_milliseconds": round(max(step.kept, 0), 3),
            "locks": sorted(f"{mode} {step.names.get(oid, oid)}" for oid, mode in step.locks),
            "locked_before": _names(step, step.held),
            "rewritten": _names(step, step.rewritten),
            "scanned": _names(step, step.scanned),
            "rows": {step.names.get(oid, str(oid)): n for oid, n in step.rows.items()},
            "lost": [loss.what for loss in step.lost.values()],
            "inserted": {step.names.get(oid, str(oid)): n for oid, n in step.inserted.items()},
            "breaks": rules.get(id(step), []),
            "error": step.error or None,
        }
