"""The picture of the README is what the commands in it print today."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from scripts import badges, record_demo
from tests.conftest import REPOSITORY, Render
from tests.versions.packages import ALL

# What differs from one recording to the next: identifiers, numbers and times.
VARIES = re.compile(r"(?<![0-9a-z])[0-9a-f]{12}(?![0-9a-z])|\d+(?:[.:]\d+)*|\bseconds?\b")


def words(picture: str) -> list[str]:
    text = " ".join(ElementTree.fromstring(picture).itertext()).replace("\xa0", " ")
    return VARIES.sub("N", text).split()


def test_the_commands_print_what_the_picture_shows(ready: Render) -> None:
    shown = record_demo.PICTURE.read_text(encoding="utf-8")
    assert words(record_demo.recorded(ready().path)) == words(shown), "run `make demo-svg`"


@pytest.mark.parametrize("page", ["README.md", "README.zh.md"])
def test_the_badges_state_what_is_so(page: str) -> None:
    """The licence, the questions' versions of Python, the tested ones of PostgreSQL, this CI."""
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    for file, picture in badges.pictures():
        assert file.read_text(encoding="utf-8") == picture, "run `python -m scripts.badges`"
        assert f"({file.relative_to(REPOSITORY)})" in text
        ElementTree.fromstring(picture)
    said = dict(badges.stated())
    assert said["PostgreSQL"] == f"{ALL[0]} to {ALL[-1]}"
    assert f"![Python {said['Python']}]" in text and f"![PostgreSQL {said['PostgreSQL']}]" in text
    workflow = REPOSITORY / ".github/workflows/ci.yml"
    assert workflow.is_file() and text.count(f"../../actions/workflows/{workflow.name}") == 2
