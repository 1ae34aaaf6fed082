"""Bring a project to another version of its template.

cruft merges what is shared between the two. The folders that are the template's own, `replaced`
in pyproject.toml, are kept out of that and replaced whole, from a rendering of the new version.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from migrator.errors import MigratorError, RefusedError, UsageError
from migrator.template import origin, programs
from migrator.template.mirror import Mirror, Target
from migrator.template.origin import Origin
from migrator.template.programs import git
from migrator.template.replaced import Replaced


@dataclass
class Outcome:
    """What an update did.

    Attributes:
        target: the version that the project is at now.
        removed: local edits in the template's own folders, which are gone.
        conflicts: shared files that the project and the template have both changed.
    """

    target: Target
    removed: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)


def refuse_uncommitted(folder: Path) -> None:
    """Raise RefusedError unless everything in the project is committed."""
    try:
        changed = git(folder, "status", "--porcelain")
    except MigratorError as error:
        raise RefusedError(f"An update needs a git repository with your commits. {error}") from None
    if changed:
        raise RefusedError(
            "There are changes that are not committed, and an update could not be told from them:"
            f" commit them first.\n{changed}"
        )


class Update:
    """An update of the project in `folder`.

    Args:
        folder: the project.
        temporary: a folder that is removed afterwards.
        changes: answers that differ from those that were given.

    Raises:
        MigratorError: as for `Mirror`.
    """

    def __init__(self, folder: Path, temporary: Path, changes: Mapping[str, Any]) -> None:
        self.folder, self.changes = folder, changes
        self.origin: Origin = origin.read(folder)
        self.mirror = Mirror(folder, self.origin, temporary)

    def target(self, to: str = "") -> Target | None:
        """Return the version to update to; None if the project is there already, or newer.

        With answers that differ, it may be the version that the project is at.

        Args:
            to: a tag, branch or commit; if empty, the newest release, or where there is none,
                the default branch.

        Raises:
            UsageError: the template has no such version.
        """
        name = to or self.mirror.newest()
        commit = self.mirror.commit(name)
        if not commit:
            raise UsageError(f"The template has no tag, branch or commit {name}.")
        if not to and self.mirror.is_ancestor(commit):
            commit, name = self.origin.commit, self.origin.state.get("checkout") or ""
        if commit == self.origin.commit and not self.changes:
            return None
        return Target(commit, name or commit)

    def check_answers(self, target: Target) -> None:
        """Raise UsageError if the new version does not offer what was answered."""
        questions = self.mirror.questions(target)
        for name in self.changes:
            if name.startswith("_") or name not in questions:
                raise UsageError(f"The template does not ask for {name}.")
        for name, answer in {**self.origin.answers, **self.changes}.items():
            choices = questions.get(name)
            if isinstance(choices, list) and answer not in choices:
                raise UsageError(
                    f"{target.name} does not offer {name}={answer}, only {', '.join(choices)}:"
                    f" choose with `make update answer={name}={choices[0]}`, for example."
                )

    def apply(self, target: Target) -> Outcome:
        """Update the project to `target`; nothing is committed.

        Raises:
            MigratorError: the template could not be rendered, or cruft failed.
        """
        present = Target(self.origin.commit, self.origin.commit)
        old = self.mirror.rendering(present, {}, "old")
        new = self.mirror.rendering(target, self.changes, "new")
        replaced = Replaced(self.folder, old, new)
        removed = replaced.edits()
        self._remember_blobs(old)
        with self._state(replaced.places):
            changes = json.dumps({n: origin.literal(a) for n, a in self.changes.items()})
            options = ["--skip-apply-ask", "--allow-untracked-files", "--checkout", target.commit]
            if self.changes:
                options += ["--variables-to-update", changes]
            done = programs.cruft(
                self.folder, "update", *options, environment=self.mirror.environment
            )
            if done.returncode:
                raise MigratorError(
                    f"cruft failed: {programs.last_line(done.stderr)} `git status` shows what it"
                    " has changed, and `git reset --hard` reverts that."
                )
            state = json.loads(self._state_file.read_text(encoding="utf-8"))
        state.pop("skip", None)  # cruft has added to it
        own = {"skip": self.origin.state["skip"]} if "skip" in self.origin.state else {}
        self._write_state(state | own | {"checkout": target.name})
        replaced.replace()
        git(self.folder, "add", "--", origin.STATE)
        return Outcome(target, removed, self._conflicts())

    @property
    def _state_file(self) -> Path:
        return self.folder / origin.STATE

    def _remember_blobs(self, old: Path) -> None:
        """Give git the template's old files, without which it cannot merge with three sides.

        The project may never have had them as they were: what it changed before its first commit.
        """
        files = [str(path) for path in old.rglob("*") if path.is_file()]
        git(
            *(self.folder, "hash-object", "-w", "--no-filters", "--stdin-paths"),
            words="\n".join(files),
        )

    @contextmanager
    def _state(self, places: list[str]) -> Iterator[None]:
        """Lend cruft a .cruft.json that leaves `places` out, with the answers as data.

        Git is told to look away, since cruft wants a clean work tree. If anything fails, the file
        is as it was.
        """
        before = self._state_file.read_bytes() if self._state_file.exists() else None
        answers = {name: origin.literal(answer) for name, answer in self.origin.answers.items()}
        skip = [*self.origin.state.get("skip", []), *places]
        if before is not None:
            git(self.folder, "update-index", "--skip-worktree", origin.STATE)
        try:
            context = {"cookiecutter": answers}
            self._write_state(self.origin.state | {"context": context, "skip": skip})
            try:
                yield
            except BaseException:
                if before is None:
                    self._state_file.unlink()
                else:
                    self._state_file.write_bytes(before)
                raise
        finally:
            if before is not None:
                git(self.folder, "update-index", "--no-skip-worktree", origin.STATE)

    def _write_state(self, state: dict[str, Any]) -> None:
        """Write .cruft.json as cruft does."""
        text = json.dumps(state, ensure_ascii=False, indent=2, separators=(",", ": "))
        self._state_file.write_text(text + "\n", encoding="utf-8", newline="\n")

    def _conflicts(self) -> list[str]:
        unmerged = git(self.folder, "diff", "--name-only", "--diff-filter=U", "--relative")
        rejected = git(self.folder, "ls-files", "--others", "--", "*.rej")
        return sorted({*unmerged.splitlines(), *rejected.splitlines()})


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A temporary folder, its path without symbolic links."""
    with tempfile.TemporaryDirectory(prefix="alembic-starter-") as folder:
        yield Path(folder).resolve()
