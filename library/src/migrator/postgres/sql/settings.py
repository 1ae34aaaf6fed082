"""What a statement sets for its session or its transaction."""

from collections.abc import Iterator
from typing import NamedTuple

from migrator.postgres.sql.names import plain
from migrator.postgres.sql.tokens import tokens

# They end with the transaction, or are about it alone.
OF_TRANSACTION = ("TRANSACTION", "CONSTRAINTS")
# What has a form of its own, which is the name in the manual, too.
FORMS = {
    ("TIME", "ZONE"): "timezone",
    ("ROLE",): "role",
    ("SESSION", "AUTHORIZATION"): "session authorization",
}
EVERYTHING = "all"


class Setting(NamedTuple):
    """A setting of PostgreSQL, by its name in small letters.

    `value` is None if it goes back to its default, `local` whether it ends with the transaction.
    """

    name: str
    value: str | None
    local: bool

    @property
    def is_zero(self) -> bool:
        """Whether the value is 0, in whatever unit: a limit is switched off."""
        number = (self.value or "").lower().rstrip(" abcdefghijklmnopqrstuvwxyz")
        return number.replace(".", "", 1).isdecimal() and float(number) == 0


def settings(statement: str) -> list[Setting]:
    """Return what a SET, a RESET or the function set_config sets."""
    texts = [text for kind, text in tokens(statement) if kind not in ("space", "comment")]
    words = [text.upper() for text in texts]
    if words[:1] == ["SET"]:
        return _set(texts[1:])
    if words[:1] == ["RESET"]:
        return [Setting(_named(words[1:], texts[1:])[0], None, False)]
    if words[:2] == ["DISCARD", "ALL"]:
        return [Setting(EVERYTHING, None, False)]
    return list(_set_config(texts))


def _set(texts: list[str]) -> list[Setting]:
    words = [text.upper() for text in texts]
    local = words[:1] == ["LOCAL"]
    if local or (words[:1] == ["SESSION"] and words[1:2] != ["AUTHORIZATION"]):
        texts, words = texts[1:], words[1:]
    if not words or words[0] in OF_TRANSACTION:
        return []
    name, rest = _named(words, texts)
    if rest[:1] and rest[0].upper() in ("=", "TO"):
        rest = rest[1:]
    value = "".join(map(_text, rest))
    is_default = len(rest) == 1 and rest[0].upper() in ("DEFAULT", "NONE")
    return [Setting(name, None if is_default else value, local)]


def _named(words: list[str], texts: list[str]) -> tuple[str, list[str]]:
    """Return the name of a setting at the start, and what comes after it."""
    for form, name in FORMS.items():
        if tuple(words[: len(form)]) == form:
            return name, texts[len(form) :]
    end = 1
    while words[end : end + 1] == ["."]:  # a setting of an extension
        end += 2
    return "".join(map(plain, texts[:end])), texts[end:]


def _set_config(texts: list[str]) -> Iterator[Setting]:
    for place, text in enumerate(texts):
        match texts[place + 1 : place + 7]:
            case ["(", name, ",", value, ",", local] if text.lower() == "set_config":
                yield Setting(_text(name).lower(), _text(value), local.lower() in ("true", "'t'"))


def _text(token: str) -> str:
    """Return a string without its quotes, and other tokens as they are."""
    return token[1:-1].replace("''", "'") if token.startswith("'") else token
