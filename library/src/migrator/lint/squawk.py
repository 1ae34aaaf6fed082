"""Run squawk, which knows the whole grammar of PostgreSQL, on rendered revisions."""

import json
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migrator.errors import MigratorError
from migrator.lint.rendering import Rendered, Statement
from migrator.lint.rule import Rule
from migrator.lint.rules import ALL

PROGRAM = "squawk"


class NotInstalled(MigratorError):
    """There is no squawk here, as in production."""


@dataclass(frozen=True)
class Hit:
    """One finding of squawk, with the statement of the revision that it is about."""

    rule: Rule
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
            "squawk is not installed here, so the SQL of the revisions cannot be checked: run"
            " `make setup`, which installs the package squawk-cli, or run lint in CI."
        )
    return found


def run(revisions: Sequence[Rendered], timeout: float) -> list[Hit]:
    """Return what squawk reports of the rules that are ours too; its others are about style.

    Args:
        timeout: how many seconds it may take; 0: any number.

    Raises:
        NotInstalled: there is no squawk.
        MigratorError: it cannot be run; its output is in the message.
    """
    revisions = [revision for revision in revisions if revision.statements]
    if not revisions:
        return []
    try:
        with tempfile.TemporaryDirectory(prefix="lint-") as name:
            folder = Path(name)
            # An empty configuration: one that lies around would change what is found.
            (folder / "squawk.toml").touch()
            starts = [_write(folder / f"{n}.sql", each) for n, each in enumerate(revisions)]
            reported = _report(
                folder, [f"{number}.sql" for number in range(len(revisions))], timeout
            )
    except OSError as error:
        raise MigratorError(
            f"squawk cannot be run here, so the SQL of the revisions cannot be checked: {error}."
            " Run `make setup` again on this machine, and check that the folder for temporary files"
            " is writable."
        ) from None
    hits = []
    try:
        for each in reported:
            rule = ALL.get(each["rule_name"])
            if rule and rule.squawk:
                number = int(Path(each["file"]).stem)
                statement = starts[number][each["line"]]
                hits.append(Hit(rule, revisions[number], statement, each["message"]))
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise MigratorError(
            "squawk failed: its report is not as this version expects"
            f" ({type(error).__name__}: {error}), so the SQL of the revisions cannot be checked."
            " Run `make setup`, which installs the right version."
        ) from None
    return hits


def _report(folder: Path, files: Sequence[str], timeout: float) -> list[dict[str, Any]]:
    command = [program(), "--config", "squawk.toml", "--reporter", "json", *files]
    said, words = folder / "said", folder / "words"
    # Not through pipes, which whatever it has started would keep open.
    with said.open("wb") as output, words.open("wb") as errors:
        try:
            code = subprocess.run(
                command,
                cwd=folder,
                stdout=output,
                stderr=errors,
                timeout=timeout or None,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            raise MigratorError(
                f"squawk failed: it did not finish within {timeout:g} s, so the SQL of the"
                " revisions cannot be checked. Run it again, or increase squawk_timeout."
            ) from None
    try:
        reported: list[dict[str, Any]] = json.loads(said.read_bytes())
    except ValueError:
        code = code or -1
    if code not in (0, 1):  # 1: it has found something
        reason = " ".join(words.read_text("utf-8", "replace").split())[-300:]
        raise MigratorError(
            f"squawk failed (exit code {code}), so the SQL of the revisions cannot be checked:"
            f" {reason or 'it printed nothing'}. Run `make setup` again, which installs squawk-cli."
        )
    return reported


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
