"""Bring a project to another version of its template.

cruft merges what is shared between the two. The folders that are the template's own, `replaced`
in pyproject.toml, are kept out of that and replaced whole, from a rendering of the new version.
"""

import json
import re
import shutil
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from migrator.errors import MigratorError, RefusedError, UsageError
from migrator.template import origin, programs
from migrator.template.origin import Origin
from migrator.template.programs import git

RELEASE = re.compile(r"v?\d+(\.\d+)+")


@dataclass(frozen=True)
class Target:
    """A version of the template: its commit, and the name that it was found by."""

    commit: str
    name: str


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
        scratch: a temporary folder.
        changes: answers that differ from those that were given.
    """

    def __init__(self, folder: Path, scratch: Path, changes: Mapping[str, Any]) -> None:
        self.folder = folder
        self.scratch = scratch
        self.origin: Origin = origin.read(folder)
        self.changes = changes
        self.mirror = scratch / "template.git"
        template = self.origin.template
        try:
            git(scratch, "clone", "--quiet", "--mirror", "--", template, str(self.mirror))
        except MigratorError as error:
            raise MigratorError(
                f"The template cannot be cloned from {template}. If it has moved, write its"
                f" address into {origin.STATE}. {error}"
            ) from None
        if not self._commit(self.origin.commit):
            raise MigratorError(
                f"The template at {template} does not have the commit {self.origin.commit} that"
                " this project was made from: push it there first."
            )
        # cruft clones the address that it knows: let git take it from here.
        self.environment = {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{self.mirror.as_uri()}.insteadOf",
            "GIT_CONFIG_VALUE_0": template,
        }

    def target(self, to: str = "") -> Target | None:
        """Return the version to update to; None if the project is there already, or newer.

        With answers that differ, it may be the version that the project is at.

        Args:
            to: a tag, branch or commit; if empty, the newest release, or where there is none,
                the default branch.

        Raises:
            UsageError: the template has no such version.
        """
        tags = [tag for tag in git(self.mirror, "tag", "--list").split() if RELEASE.fullmatch(tag)]
        newest = max(tags, key=lambda tag: [int(n) for n in re.findall(r"\d+", tag)], default="")
        name = to or newest or git(self.mirror, "symbolic-ref", "--short", "HEAD")
        commit = self._commit(name)
        if not commit:
            raise UsageError(f"The template has no tag, branch or commit {name}.")
        if not to and self._is_ancestor(commit):
            commit, name = self.origin.commit, self.origin.state.get("checkout") or ""
        if commit == self.origin.commit and not self.changes:
            return None
        return Target(commit, name or commit)

    def check_answers(self, target: Target) -> None:
        """Raise UsageError if the new version does not offer what was answered."""
        questions = json.loads(git(self.mirror, "show", f"{target.commit}:cookiecutter.json"))
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
        old = self._rendering(Target(self.origin.commit, self.origin.commit), {}, "old")
        new = self._rendering(target, self.changes, "new")
        places = self._replaced(old, new)
        removed = self._edits(places, old)
        self._remember_blobs(old)
        with self._state(places):
            changes = json.dumps({n: origin.literal(a) for n, a in self.changes.items()})
            options = ["--skip-apply-ask", "--allow-untracked-files", "--checkout", target.commit]
            if self.changes:
                options += ["--variables-to-update", changes]
            done = programs.cruft(self.folder, "update", *options, environment=self.environment)
            if done.returncode:
                raise MigratorError(
                    f"cruft failed: {_last_line(done.stderr)} `git status` shows what it has"
                    " changed, and `git reset --hard` reverts that."
                )
            state = json.loads(self._state_file.read_text(encoding="utf-8"))
        state.pop("skip", None)  # cruft has added to it
        own = {"skip": self.origin.state["skip"]} if "skip" in self.origin.state else {}
        self._write_state(state | own | {"checkout": target.name})
        for place in places:
            self._replace(place, old, new)
        git(self.folder, "add", "--", origin.STATE)
        return Outcome(target, removed, self._conflicts())

    @property
    def _state_file(self) -> Path:
        return self.folder / origin.STATE

    def _commit(self, name: str) -> str:
        try:
            return git(self.mirror, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        except MigratorError:
            return ""

    def _is_ancestor(self, commit: str) -> bool:
        """Whether the project is at `commit` or at a later one."""
        try:
            return git(self.mirror, "merge-base", commit, self.origin.commit) == commit
        except MigratorError:  # they have no commit in common
            return False

    def _rendering(self, target: Target, changes: Mapping[str, Any], name: str) -> Path:
        """Return a rendering of a version with the project's answers."""
        answers = {n: origin.literal(a) for n, a in {**self.origin.answers, **changes}.items()}
        if target.commit != self.origin.commit:
            questions = json.loads(git(self.mirror, "show", f"{target.commit}:cookiecutter.json"))
            answers = {name: answer for name, answer in answers.items() if name in questions}
        folder = self.scratch / name
        folder.mkdir()
        done = programs.cruft(
            self.folder,
            *("create", self.origin.template, "--no-input", "--checkout", target.commit),
            *("--output-dir", str(folder), "--extra-context", json.dumps(answers)),
            environment=self.environment,
        )
        if done.returncode:
            refused = re.findall(r"^ERROR: .*|^  \w+: .*", done.stderr, re.MULTILINE)
            said = " ".join(" ".join(refused).split()) or _last_line(done.stderr)
            raise MigratorError(
                f"The template's version {target.name} cannot be rendered with this project's"
                f" answers, so nothing was changed: {said}"
            )
        return next(folder.iterdir())

    def _replaced(self, old: Path, new: Path) -> list[str]:
        """Return the places that belong to the template, and now will."""
        before, after = _replaced_in(old), _replaced_in(new)
        return sorted({*_replaced_in(self.folder), *(after - before)})

    def _edits(self, places: list[str], old: Path) -> list[str]:
        """Return what the project has changed in the template's own files."""
        here = set(self._tracked(places))
        there = {
            path.relative_to(old).as_posix()
            for place in places
            for path in [old / place, *(old / place).rglob("*")]
            if path.is_file()
        }
        kept = {place for place in places if (self.folder / place).exists()}
        found = []
        for name in sorted((here | there) - {origin.ANSWERS_FILE, origin.COMMIT_FILE}):
            if name not in there:
                found.append(f"{name} (added)")
            elif name not in here:
                if any(name == place or name.startswith(f"{place}/") for place in kept):
                    found.append(f"{name} (deleted)")
            elif (self.folder / name).read_bytes() != (old / name).read_bytes():
                found.append(f"{name} (edited)")
        return found

    def _tracked(self, places: list[str], *, deleted: bool = False) -> list[str]:
        listed = git(self.folder, "ls-files", "-z", "--", *places) if places else ""
        names = [name for name in listed.split("\0") if name]
        return [name for name in names if deleted or (self.folder / name).is_file()]

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

    def _replace(self, place: str, old: Path, new: Path) -> None:
        """Put a file or folder of the new version in the place of the project's."""
        here = self.folder / place
        if (old / place).exists() and not here.exists():
            return  # the project has deleted it, and takes the package from elsewhere
        if here.is_dir():
            shutil.rmtree(here)
        else:
            here.unlink(missing_ok=True)
        if (new / place).is_dir():
            shutil.copytree(new / place, here)
        elif (new / place).exists():
            here.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(new / place, here)
        if here.exists() or self._tracked([place], deleted=True):
            git(self.folder, "add", "--all", "--force", "--", place)

    def _conflicts(self) -> list[str]:
        unmerged = git(self.folder, "diff", "--name-only", "--diff-filter=U", "--relative")
        rejected = git(self.folder, "ls-files", "--others", "--", "*.rej")
        return sorted({*unmerged.splitlines(), *rejected.splitlines()})


def _replaced_in(folder: Path) -> set[str]:
    """Return `[tool.alembic-starter] replaced` of a project, or an empty set."""
    try:
        tool = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
        return set(tool["alembic-starter"]["replaced"])
    except (OSError, KeyError, ValueError):
        return set()


def _last_line(text: str) -> str:
    """Return the last line that says something: of a traceback, the error."""
    lines = [line.strip(" │╭╮╰╯─") for line in text.splitlines()]
    return next((line for line in reversed(lines) if line), "it did not say why.")


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A temporary folder, its path without symbolic links."""
    with tempfile.TemporaryDirectory(prefix="alembic-starter-") as folder:
        yield Path(folder).resolve()
