"""The badges of the README, from what they state: python -m scripts.badges writes the pictures.

The one of CI is GitHub's own, by a relative link: it is that of whoever has the repository.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from migrator.postgres import supported

REPOSITORY = Path(__file__).resolve().parents[1]
FOLDER = REPOSITORY / "docs/images"
LETTER, HEIGHT = 6.6, 20  # pixels
SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" role="img">
<title>{name}: {value}</title>
<rect width="{left}" height="{height}" fill="#444"/>
<rect x="{left}" width="{right}" height="{height}" fill="#1f6f43"/>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">
<text x="{first}" y="14">{name}</text>
<text x="{second}" y="14">{value}</text>
</g>
</svg>
"""


def stated() -> Iterator[tuple[str, str]]:
    """Yield what each badge says: a name and a value."""
    licence = (REPOSITORY / "LICENSE").read_text("utf-8").splitlines()[0].removesuffix(" License")
    yield "licence", licence
    pythons = json.loads((REPOSITORY / "cookiecutter.json").read_text("utf-8"))["python_version"]
    yield "Python", f"{pythons[0]} to {pythons[-1]}"
    yield "PostgreSQL", f"{supported.OLDEST} to {newest_postgresql()}"


def newest_postgresql() -> str:
    """Return the newest version that is tested: that of compose.yaml."""
    (file,) = REPOSITORY.glob("*cookiecutter.project_slug*/*compose.yaml*")
    found = re.search(r"image: postgres:(\d+)", file.read_text("utf-8"))
    assert found
    return found[1]


def pictures() -> Iterator[tuple[Path, str]]:
    """Yield the file of each badge and its text."""
    for name, value in stated():
        left, right = (round(len(text) * LETTER + 14) for text in (name, value))
        text = SVG.format(
            name=name,
            value=value,
            left=left,
            right=right,
            width=left + right,
            height=HEIGHT,
            first=left / 2,
            second=left + right / 2,
        )
        yield FOLDER / f"{name.lower()}.svg", text


if __name__ == "__main__":
    for file, text in pictures():
        file.write_text(text, "utf-8")
