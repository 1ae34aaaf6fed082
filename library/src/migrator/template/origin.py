"""Where a project came from: the template's address, the commit and the answers.

`.cruft.json` says it in a project that `cruft create` made or that was updated before. One of
cookiecutter's has it in the library's folder, where the template's hook wrote it.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migrator.errors import UsageError
from migrator.template import provenance

STATE = ".cruft.json"
LIBRARY = "vendor/alembic-starter"
# In the library's folder. They differ with the way that a project was rendered.
ANSWERS_FILE = f"{LIBRARY}/template.json"
COMMIT_FILE = f"{LIBRARY}/src/migrator/{provenance.RECORD}"


@dataclass
class Origin:
    """What a project was made from.

    Attributes:
        state: the content of .cruft.json, as it is or as it has to be.
        modified: whether the template had changes that were not committed.
    """

    state: dict[str, Any]
    modified: bool = False

    @property
    def template(self) -> str:
        """The address of the template's repository."""
        return str(self.state["template"])

    @property
    def commit(self) -> str:
        """The template's commit that the project is at."""
        return str(self.state["commit"])

    @property
    def answers(self) -> dict[str, Any]:
        """What was answered, by question."""
        given = self.state["context"]["cookiecutter"]
        return {name: answer for name, answer in given.items() if not name.startswith("_")}


def read(folder: Path) -> Origin:
    """Return where the project in `folder` came from.

    Raises:
        UsageError: it does not say, or what it says cannot be read.
    """
    try:
        if (folder / STATE).is_file():
            found = Origin(json.loads((folder / STATE).read_text(encoding="utf-8")))
            assert found.template and found.commit and found.answers
            return found
        said = json.loads((folder / ANSWERS_FILE).read_text(encoding="utf-8"))
        commit, _, rest = (folder / COMMIT_FILE).read_text(encoding="utf-8").strip().partition(" ")
        return Origin(
            {
                "template": said["template"],
                "commit": commit,
                "checkout": None,
                "context": {"cookiecutter": said["answers"]},
                "directory": None,
            },
            modified=rest == provenance.MODIFIED,
        )
    except FileNotFoundError:
        raise UsageError(
            "This project does not say which commit of the template it was made from: there is no"
            f" {STATE}, and no commit was recorded in {LIBRARY} (the template was not in a git"
            " repository); link it with `uvx cruft link --checkout COMMIT TEMPLATE`, commit"
            f" {STATE}, and run this again."
        ) from None
    except (AssertionError, KeyError, TypeError, ValueError):
        raise UsageError(
            f"{STATE} or {ANSWERS_FILE} cannot be read: restore it from git's history, and run"
            " this again."
        ) from None


def literal(answer: Any) -> Any:
    """Return an answer so that cookiecutter's rendering gives it unchanged: it may hold braces."""
    if not isinstance(answer, str) or not any(start in answer for start in ("{{", "{%", "{#")):
        return answer
    text = answer.encode("unicode_escape").decode()
    return '{{ "' + text.replace('"', '\\"').replace("{", "\\x7b").replace("}", "\\x7d") + '" }}'
