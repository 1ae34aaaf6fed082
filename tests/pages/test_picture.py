"""The picture of the README is what the commands in it print today."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from scripts import record_demo
from tests.conftest import Render

# What differs from one recording to the next: identifiers, numbers and times.
VARIES = re.compile(r"(?<![0-9a-z])[0-9a-f]{12}(?![0-9a-z])|\d+(?:[.:]\d+)*|\bseconds?\b")


def words(picture: str) -> list[str]:
    text = " ".join(ElementTree.fromstring(picture).itertext()).replace("\xa0", " ")
    return VARIES.sub("N", text).split()


def test_the_commands_print_what_the_picture_shows(ready: Render) -> None:
    shown = record_demo.PICTURE.read_text(encoding="utf-8")
    assert words(record_demo.recorded(ready().path)) == words(shown), "run `make demo-svg`"
