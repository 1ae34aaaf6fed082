"""Keys in an ini file whose text stays as it is otherwise."""

import re
from collections.abc import Mapping

NOTE = "# Only alembic-starter's commands read these."
SECTION = re.compile(r"^\[(?P<name>[^\]]+)\]", re.MULTILINE)


def completed(text: str, section: str, keys: Mapping[str, str]) -> str:
    """Return `text` with those of `keys` that `section` does not set, at its end."""
    end = "\r\n" if "\r\n" in text else "\n"
    start, stop = _section(text, section)
    if start is None:
        before = text if text.endswith(("\n", "")) else text + end
        separator = end if before.strip() else ""
        body = "".join(f"{key} = {value}{end}" for key, value in keys.items())
        return f"{before}{separator}[{section}]{end}{body}" if keys else text
    inside = text[start:stop]
    missing = {k: v for k, v in keys.items() if not _line(k).search(inside)}
    if not missing:
        return text
    lines = "".join(f"{key} = {value}".rstrip() + end for key, value in missing.items())
    kept = inside.rstrip()
    # Comments at the end of a section are about the next one, if an empty line is before them.
    body, gap, tail = _split(kept, end)
    rest = f"{gap}{tail}{inside[len(kept) :]}".removeprefix(end)
    return f"{text[:start]}{body}{end}{end}{NOTE}{end}{lines}{rest}{text[stop:]}"


def replaced(text: str, section: str, keys: Mapping[str, str | None]) -> str:
    """Return `text` with other values for keys of `section`; a key without a value goes."""
    start, stop = _section(text, section)
    if start is None:
        return text
    inside = text[start:stop]
    for key, value in keys.items():
        line = "" if value is None else f"{key} = {value}".rstrip() + "\n"
        if found := _line(key).search(inside):
            inside = f"{inside[: found.start()]}{line}{inside[found.end() :]}"
        elif line:
            inside = inside.rstrip("\n") + f"\n{line}\n"
    return f"{text[:start]}{inside}{text[stop:]}"


def _line(key: str) -> re.Pattern[str]:
    return re.compile(rf"^{re.escape(key)}[ \t]*[=:].*\r?\n?", re.MULTILINE)


def _section(text: str, name: str) -> tuple[int | None, int]:
    """Return where the body of a section begins and ends."""
    found = [(each["name"], each) for each in SECTION.finditer(text)]
    for number, (own, match) in enumerate(found):
        if own == name:
            line = text.find("\n", match.end())
            stop = found[number + 1][1].start() if number + 1 < len(found) else len(text)
            return (len(text) if line < 0 else line + 1), stop
    return None, 0


def _split(body: str, end: str) -> tuple[str, str, str]:
    lines = body.split(end)
    count = len(lines)
    while count and (not lines[count - 1].strip() or lines[count - 1].startswith(("#", ";"))):
        count -= 1
    tail = end.join(lines[count:]).strip(end)
    return end.join(lines[:count]), end if tail else "", tail
