"""Text as it is written in Markdown, so that nothing in it is taken for markup."""

from collections.abc import Iterator, Sequence


def line(text: str) -> str:
    """Return a line of prose without markup and mentions: anybody may name a branch."""
    escaped = (f"&#{ord(c)};" if c in "&\\`*[]<>" else c for c in " ".join(text.split()))
    return "".join(escaped).replace("@", "@&#8203;")


def code(text: str) -> str:
    """Return text as code on one line, whatever backticks it has."""
    fence = "`"
    while fence in text:
        fence += "`"
    edge = " " if "`" in text else ""
    return f"{fence}{edge}{' '.join(text.split())}{edge}{fence}"


def fenced(language: str, lines: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a block of code."""
    text = "\n".join(lines)
    fence = "```"
    while fence in text:
        fence += "`"
    yield fence + language
    yield text
    yield fence
