"""Prints the rules that revisions break, each judged by itself; runs in a project.

The revisions lie in the folder `cases`. A few of them at a time stand side by side in the project,
since each command loads all that are there.
"""

import contextlib
import io
import json
import shutil
import sys
from pathlib import Path

from migrator.cli import main

TOGETHER = 8


def rules(revision: str, options: list[str]) -> list[str]:
    """What `lint` finds in one revision."""
    with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO(), "utf-8")) as said:
        main(["lint", "--json", *options, revision])
        said.seek(0)
        return [finding["rule"] for finding in json.load(said)["findings"]]


def judged(arguments: list[str]) -> dict[str, list[str]]:
    """What is found in each revision; among their names are options of lint."""
    options = [each for each in arguments if each.startswith("--")]
    names = [each for each in arguments if not each.startswith("--")]
    found: dict[str, list[str]] = {}
    for start in range(0, len(names), TOGETHER):
        some = names[start : start + TOGETHER]
        files = [Path("cases", f"{name}.py") for name in some]
        copies = [Path(shutil.copy(file, "migrations/versions")) for file in files]
        found |= {name: rules(name, options) for name in some}
        for copy in copies:
            copy.unlink()
    return found


if __name__ == "__main__":
    print(json.dumps(judged(sys.argv[1:])))
