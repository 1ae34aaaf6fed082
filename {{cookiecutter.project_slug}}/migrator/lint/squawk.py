"""Run squawk, which knows the whole grammar of PostgreSQL, on rendered revisions."""

import json
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from migrator.errors import MigratorError
from migrator.lint.offline import Rendered, Statement
from migrator.lint.rules import SQUAWK

PROGRAM = "squawk"


class NotInstalled(MigratorError):
    """There is no squawk here, as in production."""


@dataclass(frozen=True)
class Hit:
    """One finding of squawk, with the statement of the revision that it is about."""

    rule: str
    revision: Rendered
    statement: Statement
    message: str


def program() -> str:
    """Return the path of squawk: the one of this environment's wheel, else one on PATH.

    Raises:
        NotInstalled: there is none.
    """
    found = shutil.which(PROGRAM, path=sysconfig.get_path("scripts")) or shutil.which(PROGRAM)
    if not found:
        raise NotInstalled(
            "squawk is not installed here, so nothing can be said about the revisions' SQL: run"
            " make setup (it is the package squawk-cli), or lint where it is installed, in CI."
        )
    return found


def run(revisions: Sequence[Rendered]) -> list[Hit]:
    """Return what squawk says about the rules that are about locks and running code.

    Raises:
        NotInstalled: there is no squawk.
        MigratorError: it cannot be run; its words are in the message.
    """
    revisions = [revision for revision in revisions if revision.statements]
    if not revisions:
        return []
    with tempfile.TemporaryDirectory(prefix="lint-") as name:
        folder = Path(name)
        # An empty configuration: one that lies around would change what is found.
        (folder / "squawk.toml").touch()
        starts = [_write(folder / f"{n}.sql", each) for n, each in enumerate(revisions)]
        command = [program(), "--config", "squawk.toml", "--reporter", "json"]
        files = [f"{number}.sql" for number in range(len(revisions))]
        done = subprocess.run([*command, *files], cwd=folder, capture_output=True, encoding="utf-8")
    try:
        reported = json.loads(done.stdout)
    except ValueError:
        words = " ".join(done.stderr.split())[-300:]
        raise MigratorError(f"squawk failed (exit code {done.returncode}): {words}") from None
    hits = []
    for each in reported:
        if each["rule_name"] in SQUAWK:
            number = int(Path(each["file"]).stem)
            statement = starts[number][each["line"]]
            hits.append(Hit(each["rule_name"], revisions[number], statement, each["message"]))
    return hits


def _write(path: Path, revision: Rendered) -> list[Statement]:
    """Write a file for squawk; return for each of its lines the statement that it belongs to."""
    lines: list[str] = []
    owners: list[Statement] = []
    for text, owner in _with_transactions(revision.statements):
        more = f"{text};".splitlines()
        lines += more
        owners += [owner] * len(more)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    return [*owners, owners[-1]]  # squawk reports what is missing at the end behind it


def _with_transactions(statements: Sequence[Statement]) -> Iterator[tuple[str, Statement]]:
    inside = False
    for statement in statements:
        if statement.in_transaction != inside:
            inside = statement.in_transaction
            yield "BEGIN" if inside else "COMMIT", statement
        yield statement.sql, statement
    if inside:
        yield "COMMIT", statements[-1]
