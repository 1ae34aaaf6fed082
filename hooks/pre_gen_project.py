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
# As in cookiecutter.json, which does not look at what a replay file says.
CHOICES = {
    "database": ["postgresql", "sqlite"],
    "python_version": ["3.11", "3.12", "3.13", "3.14"],
    "ci": ["github", "gitlab", "none"],
}
SLUG = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
# PostgreSQL cuts names at 63 bytes, and test databases add to this one.
LONGEST_SLUG = 40
# They reorder what people read, so that a line of a file can lie about what it says.
BIDI_CONTROLS = {chr(n) for n in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
# Marks and spaces without a letter, a digit, a sign or an emoji between them.
INVISIBLE = {"Cf", "Mn", "Me", "Zs"}
# Letters and signs by their category, but nothing is seen: fillers of Hangul, Braille without dots.
BLANK = "\u115f\u1160\u2800\u3164\uffa0"
# A flag of a region: the black flag, its code in invisible letters, and their end.
FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]+\U000e007f")


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
    flags = {n for found in FLAG.finditer(text) for n in range(*found.span())}
    for place, character in enumerate(text):
        if (why := forbidden(character)) and place not in flags:
            yield f"character {place + 1} (U+{ord(character):04X}) is {why}: take it out"
            return
    seen = [character for character in text if character not in BLANK]
    if {unicodedata.category(character) for character in seen} <= INVISIBLE:
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
    if 0xE0000 <= code <= 0xE007F:
        return "an invisible letter, which only flags have"
    if 0xFFF9 <= code <= 0xFFFB:
        return "an invisible mark of an annotation"
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


def kind_problems() -> Iterator[str]:
    """Answers that are no text: `author: yes` in YAML is none."""
    for question in ("project_slug", *LONGEST, *CHOICES):
        if not isinstance(ANSWERS.get(question), str):
            yield (
                f"{question}: {json.dumps(ANSWERS.get(question))} is no text: put it in quotes, in"
                " cookiecutter's configuration or replay file."
            )


def choice_problems() -> Iterator[str]:
    """Answers that a replay file has from another version, or from a typing mistake."""
    for question, choices in CHOICES.items():
        if ANSWERS[question] not in choices:
            yield f"{question}: {ANSWERS[question]!r} is not offered: it is {', '.join(choices)}."
    if not isinstance(ANSWERS["containers"], bool):
        yield "containers: it is neither yes nor no: answer one of the two."


def derived_problems() -> Iterator[str]:
    """What cookiecutter.json makes of the answers, where a replay file has it from others."""
    for question in LONGEST:
        text = ANSWERS[question]
        quoted = '"' + text.translate(str.maketrans(ANSWERS["_in_quotes"])) + '"'
        escaped = text.translate(str.maketrans(ANSWERS["_in_markdown"]))
        if (ANSWERS[f"__{question}_quoted"], ANSWERS[f"__{question}_md"]) != (quoted, escaped):
            yield f"{question}: {REPLAYED}."
    slug, server = ANSWERS["project_slug"], ANSWERS["database"] == "postgresql"
    url = f"devserver://{slug}" if server else f"sqlite:///%(here)s/{slug}.db"
    if ANSWERS["__database_url_ini"] != url:
        yield f"database: {REPLAYED}."
    kept = {
        ".devcontainer": str(ANSWERS["containers"]),
        ".github": str(ANSWERS["ci"] == "github"),
        "deploy": str(ANSWERS["containers"] and server),
    }
    if ANSWERS["__folders"] != kept:
        yield f"ci or containers: {REPLAYED}."


REPLAYED = (
    "the replay file has what was made of another answer, and an answer cannot be changed there:"
    " answer the questions anew"
)


def problems() -> Iterator[str]:
    """One sentence for everything that is wrong, each with its question's name in front."""
    kinds = list(kind_problems())
    yield from kinds
    if kinds:
        return
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
    choices = list(choice_problems())
    yield from choices or derived_problems()
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
