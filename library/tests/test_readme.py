"""The README draws the packages in their order."""

import re
from pathlib import Path

import migrator

README = Path(__file__).parents[1] / "README.md"


def test_the_readme_draws_the_packages_in_their_order() -> None:
    section = README.read_text(encoding="utf-8").partition("\n## The packages\n")[2]
    drawing = section.partition("```text\n")[2].partition("```")[0]
    lines = [re.fullmatch(r"(\w+) {2,}\S.*", line) for line in drawing.splitlines()]
    assert tuple(line[1] for line in lines if line) == migrator.ORDER
    assert all(lines)
