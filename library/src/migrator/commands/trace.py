"""`trace`: what each statement of a revision does on a shadow database."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator

from migrator import lint, trace
from migrator.config.context import Context
from migrator.console import argument, note, say, table
from migrator.errors import RefusedError, UsageError
from migrator.lint import ranges, trial
from migrator.lint.finding import shorten
from migrator.revisions import attributes, graph
from migrator.trace import Step, Traced
from migrator.trace.traced_statement import describe, disturbs


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "range",
        nargs="?",
        type=argument,
        metavar="FROM..TO",
        help="or one revision; base..head runs each by itself (default: pending)",
    )
    parser.add_argument(
        "--base",
        type=argument,
        metavar="REF",
        help="the revisions this branch adds to the commit REF",
    )
    parser.add_argument("--json", action="store_true", help="one JSON list instead of tables")


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
    problems = lint.open_problems(context, traced, together=found.together)
    if count := len({id(problem.step) for problem in problems}):
        raise RefusedError(
            f"{count} of these statements break a rule: on tables with rows they block other"
            " sessions, break code that runs, or fail. `make lint-migrations` names the safe forms."
        )
    note(f"No statement breaks a rule ({found.what}).")


def _show(traced: Traced) -> None:
    say(graph.describe(traced.script))
    rules = _rules(traced)
    rows = [
        [
            str(step.place.line),
            f"{step.milliseconds:.1f}",
            f"{step.kept:.1f}",
            rules.get(id(step), ""),
            shorten(step.sql)[:60],
            step.error or describe(step, traced.old),
        ]
        for step in traced.steps
        if disturbs(step, traced.old) or not step.place.own or step.error
    ]
    if rows:
        say(table(["line", "ms", "kept ms", "breaks", "statement", "what it does"], rows))
    if traced.failure and not rows:
        say(traced.failure)
    for sentence in traced.notes:
        note(sentence)
    say()


def _as_json(traced: Traced) -> dict[str, object]:
    return {
        "revision": traced.script.revision,
        **attributes.of(traced.script).as_dict(),
        "failure": traced.failure,
        "notes": traced.notes,
        "statements": [*_statements(traced)],
    }


def _rules(traced: Traced) -> dict[int, str]:
    """Return by step (id) which rules it breaks."""
    found: dict[int, list[str]] = {}
    for problem in trial.problems(traced):
        found.setdefault(id(problem.step), []).append(problem.rule.name)
    return {step: ", ".join(rules) for step, rules in found.items()}


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
            "breaks": rules.get(id(step)),
            "error": step.error,
        }
