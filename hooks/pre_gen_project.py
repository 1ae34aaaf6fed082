"""Refuses answers from which no sound project can be made, before any file is written.

Every answer that passes gives a project that works and that carries the answer unchanged.
"""

import json
import re
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

# Answers come in as data: JSON in a raw string has no way out of its quotes.
ANSWERS = json.loads(r"""{{ cookiecutter | tojson }}""")
AS_GIVEN = json.loads(r"""{{ _cookiecutter | default({}) | tojson }}""")
# {% raw %} from here on Jinja leaves this file alone.

LONGEST = {"project_name": 80, "description": 300, "author": 120}
SLUG = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
# PostgreSQL cuts names at 63 bytes, and test databases add to this one.
LONGEST_SLUG = 40
# They reorder what people read, so that a line of a file can lie about what it says.
BIDI_CONTROLS = {chr(n) for n in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
# Marks and spaces without a letter, a digit, a sign or an emoji between them.
INVISIBLE = {"Cf", "Mn", "Me", "Zs"}


def slug_problems(slug: str) -> Iterator[str]:
    """What keeps `slug` from being a folder, a database and a distribution at once."""
    if not SLUG.fullmatch(slug):
        yield (
            f"{slug!r} is no name for a folder and a database: use small letters a-z and digits, "
            "joined by single underscores, with a letter first, such as my_service"
        )
    if len(slug) > LONGEST_SLUG:
        yield f"it has {len(slug)} characters: shorten it to {LONGEST_SLUG} or fewer"
    if slug.startswith("pg_"):
        yield f"PostgreSQL keeps names that start with pg_ for itself: try {slug[3:]!r}"
    for whose, names in ANSWERS["_reserved"].items():
        if slug in names.split():
            yield f"{slug!r} is already the name of {whose}: try 'service_{slug}'"


def text_problems(text: str, longest: int) -> Iterator[str]:
    """What keeps `text` from being one visible line in TOML, YAML and Markdown alike."""
    if len(text) > longest:
        yield f"it has {len(text)} characters: shorten it to {longest} or fewer"
    for place, character in enumerate(text, start=1):
        if why := forbidden(character):
            yield f"character {place} (U+{ord(character):04X}) is {why}: take it out"
            return
    if {unicodedata.category(character) for character in text} <= INVISIBLE:
        yield "it is empty: give it at least one letter"
    elif text != text.strip():
        yield "it starts or ends with white space: take that away"


def forbidden(character: str) -> str:
    """Why a `character` cannot stand in a line of text; an empty string if it can."""
    code = ord(character)
    category = unicodedata.category(character)
    if category in ("Cc", "Zl", "Zp"):
        return "a control character or a line break"
    if category == "Cs":
        return "half a character, left over from text that is not UTF-8"
    if character in BIDI_CONTROLS:
        return "an invisible switch of the writing direction"
    if character == "\ufeff" or code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF:
        return "a byte order mark or no character at all"
    return ""


def evaluated(given: object, answer: str) -> bool:
    """Whether cookiecutter took an answer of the command line for a Jinja expression.

    It does so before any hook runs, unlike with answers at the prompt. What is `given` in a
    raw block stays what it was.
    """
    if not isinstance(given, str) or given in (answer, "{% raw %}" + answer + "{% end" + "raw %}"):
        return False
    return any(brace in given for brace in ("{{", "{%", "{#"))


def problems() -> Iterator[str]:
    """One sentence for everything that is wrong, each with its question's name in front."""
    for problem in slug_problems(ANSWERS["project_slug"]):
        yield f"project_slug: {problem}."
    for question, longest in LONGEST.items():
        for problem in text_problems(ANSWERS[question], longest):
            yield f"{question}: {problem}."
        if evaluated(AS_GIVEN.get(question), ANSWERS[question]):
            yield (
                f"{question}: cookiecutter runs braces on the command line as code: answer at the "
                "prompt instead, or put {% raw %} before the text and {% end" + "raw %} after it."
            )
    if not isinstance(ANSWERS["containers"], bool):
        yield "containers: it is neither yes nor no: answer one of the two."
    for folder, kept in ANSWERS["__folders"].items():
        if kept == "False" and Path(folder).exists():
            yield (
                f"{folder}: the project has this folder already, and these answers leave it out: "
                "move it away first, or answer so that it stays."
            )


def main() -> int:
    """Says all problems at once; returns 1 if there are any."""
    sys.stderr.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    found = list(problems())
    if found:
        print("No project was made. Please change these answers:", file=sys.stderr)
    for problem in found:
        print(f"  {problem}", file=sys.stderr)
    return 1 if found else 0


sys.exit(main())
# {% endraw %}
