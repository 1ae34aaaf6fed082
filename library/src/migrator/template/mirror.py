"""The template's repository: its versions, what they ask, and renderings of them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migrator.errors import MigratorError
from migrator.template import origin, programs
from migrator.template.origin import Origin
from migrator.template.programs import git

RELEASE = re.compile(r"v?\d+(\.\d+)+")


@dataclass(frozen=True)
class Target:
    """A version of the template: its commit, and the name that it was found by."""

    commit: str
    name: str


class Mirror:
    """A clone of the template of a project.

    Args:
        project: its folder.
        made: where it came from.
        temporary: a folder that is removed afterwards.

    Attributes:
        environment: with it, cruft clones this clone where it means the template.

    Raises:
        MigratorError: it cannot be cloned, or lacks the commit that the project was made from.
    """

    def __init__(self, project: Path, made: Origin, temporary: Path) -> None:
        self._project, self._made, self._temporary = project, made, temporary
        self._path = temporary / "template.git"
        try:
            git(temporary, "clone", "--quiet", "--mirror", "--", made.template, str(self._path))
        except MigratorError as error:
            raise MigratorError(
                f"The template cannot be cloned from {made.template}. If it has moved, write its"
                f" address into {origin.STATE}. {error}"
            ) from None
        if not self.commit(made.commit):
            raise MigratorError(
                f"The template at {made.template} does not have the commit {made.commit} that"
                " this project was made from: push it there first."
            )
        self.environment = {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{self._path.as_uri()}.insteadOf",
            "GIT_CONFIG_VALUE_0": made.template,
        }

    def commit(self, name: str) -> str:
        """Return the commit that a tag or branch is at, or nothing if there is none."""
        try:
            return git(self._path, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        except MigratorError:
            return ""

    def newest(self) -> str:
        """Return the newest release, or the default branch if there is none."""
        tags = [tag for tag in git(self._path, "tag", "--list").split() if RELEASE.fullmatch(tag)]
        newest = max(tags, key=lambda tag: [int(n) for n in re.findall(r"\d+", tag)], default="")
        return newest or git(self._path, "symbolic-ref", "--short", "HEAD")

    def is_ancestor(self, commit: str) -> bool:
        """Return whether the project is at `commit` or at a later one."""
        try:
            return git(self._path, "merge-base", commit, self._made.commit) == commit
        except MigratorError:  # they have no commit in common
            return False

    def questions(self, target: Target) -> dict[str, Any]:
        """Return what a version asks, with its defaults or choices."""
        text = git(self._path, "show", f"{target.commit}:cookiecutter.json")
        found: dict[str, Any] = json.loads(text)
        return found

    def rendering(self, target: Target, changes: Mapping[str, Any], name: str) -> Path:
        """Return a rendering of a version with the project's answers, in a folder `name`.

        Raises:
            MigratorError: it refuses them.
        """
        answers = {n: origin.literal(a) for n, a in {**self._made.answers, **changes}.items()}
        if target.commit != self._made.commit:
            questions = self.questions(target)
            answers = {name: answer for name, answer in answers.items() if name in questions}
        folder = self._temporary / name
        folder.mkdir()
        done = programs.cruft(
            self._project,
            *("create", self._made.template, "--no-input", "--checkout", target.commit),
            *("--output-dir", str(folder), "--extra-context", json.dumps(answers)),
            environment=self.environment,
        )
        if done.returncode:
            refused = re.findall(r"^ERROR: .*|^  \w+: .*", done.stderr, re.MULTILINE)
            said = " ".join(" ".join(refused).split()) or programs.last_line(done.stderr)
            raise MigratorError(
                f"The template's version {target.name} cannot be rendered with this project's"
                f" answers, so nothing was changed: {said}"
            )
        return next(folder.iterdir())
