"""Where versions of others are written in this repository, and how to write newer ones.

A pin keeps its form: `v5` becomes `v6` and not `v6.0.1`, `>=2.1.9` becomes `>=2.2.0`, `18-alpine`
only another tag that ends in `-alpine`. An action is pinned by commit, with the version behind it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = r'"(?P<source>(?!uv_build)[A-Za-z][\w.-]*)(?:\[[\w,]+\])?'
# The kind of a source, the files that may have such pins, and what a pin looks like.
KINDS = (
    ("package", ("*pyproject.toml",), re.compile(PACKAGE + r'>=(?P<version>[\d.]+)"')),
    # The library uses private names, so its packages have an upper bound too. It is tried out
    # before it is raised. uv_build goes with uv.
    (
        "package",
        ("library/pyproject.toml",),
        re.compile(PACKAGE + r'>=(?P<version>[\d.]+),(?P<within><[\d.]+)"'),
    ),
    (
        "bound",
        ("library/pyproject.toml",),
        re.compile(PACKAGE + r'>=[\d.]+,<(?P<version>[\d.]+)"'),
    ),
    ("package", ("*Dockerfile*",), re.compile(r'"(?P<source>uv)==(?P<version>[\d.]+)"')),
    (
        "package",
        ("Makefile", "scripts/*.sh"),
        re.compile(r"(?m)^(?P<source>UV)_VERSION(?: :)?= ?(?P<version>[\d.]+)$"),
    ),
    (
        "action",
        (".github/workflows/*.yml",),
        re.compile(
            r"uses: (?P<source>[\w.-]+/[\w.-]+)(?:/[\w./-]+)?"
            r"@(?P<written>[0-9a-f]{40} # (?P<version>v[\d.]+))\n"
        ),
    ),
    (
        "hook",
        (".pre-commit-config.yaml",),
        re.compile(r"repo: (?P<source>\S+://\S+|git@\S+)\n\s+rev: (?P<version>[\w.-]*\d[\w.-]*)"),
    ),
    (
        "image",
        ("*Dockerfile*", "*compose.yaml*", "*.gitlab-ci.yml*"),
        re.compile(r"(?:FROM|image:) (?P<source>[a-z][a-z0-9/_-]*):(?P<version>\d[\w.-]*)(?=\s)"),
    ),
    # PostgreSQL's programs for backups: the same version as its image.
    *(
        ("image", ("*Dockerfile*", "*.gitlab-ci.yml*", ".github/workflows/*.yml"), re.compile(form))
        for form in (
            r'(?m)(?:ARG |^ *)(?P<source>POSTGRESQL)(?:=|: ")(?P<version>\d+)',
            r"/usr/lib/(?P<source>postgresql)/(?P<version>\d+)/bin",
        )
    ),
)
ALSO_KNOWN_AS = {"POSTGRESQL": "postgres", "postgresql": "postgres", "UV": "uv"}
FOLDERS = ("", "{{cookiecutter.project_slug}}/")


@dataclass(frozen=True, order=True)
class Pin:
    """One version of somebody else's.

    Attributes:
        kind: package, bound (what a package has to be older than), action, hook or image.
        source: what it is a version of, as its registry knows it.
        version: as it is written.
        file: where, relative to the repository.
        start: the place in the file's text of what a newer version replaces.
        written: what is replaced there, if it is more than the version.
        within: the upper bound of a package, such as `<1.21`.
    """

    kind: str
    source: str
    version: str
    file: str
    start: int
    written: str = ""
    within: str = ""


def find(root: Path) -> list[Pin]:
    """Return all pins of the repository `root`."""
    return sorted(_find(root))


def _find(root: Path) -> Iterator[Pin]:
    for kind, patterns, form in KINDS:
        for name in sorted({name for pattern in patterns for name in _files(root, pattern)}):
            for found in form.finditer((root / name).read_text(encoding="utf-8")):
                source = ALSO_KNOWN_AS.get(found["source"], found["source"])
                groups = found.groupdict()
                written, within = groups.get("written") or "", groups.get("within") or ""
                start = found.start("written" if written else "version")
                yield Pin(kind, source, found["version"], name, start, written, within)


def _files(root: Path, pattern: str) -> Iterator[str]:
    for folder in FOLDERS:
        # The name of the template's folder, and of some files in it, has braces.
        for path in (root / folder if folder else root).glob(pattern):
            if path.is_file():
                yield path.relative_to(root).as_posix()


def newer(pin: Pin, offered: list[str]) -> str | None:
    """Return the newest of the versions that are offered, in the form of the pin.

    None when the pin is as new.
    """
    if pin.kind in ("package", "bound"):  # any version will do, and is shortened
        candidates = [text for text in offered if re.fullmatch(r"v?\d+(\.\d+)*", text)]
    else:
        shape = re.sub(r"\d+", r"\\d+", re.escape(pin.version))
        candidates = [text for text in offered if re.fullmatch(shape, text)]
    best = max(candidates, key=numbers, default=None)
    if best is None:
        return None
    if pin.kind in ("package", "bound"):
        wanted = pin.version.count(".") + 1
        parts = [*numbers(best), 0, 0, 0][:wanted]
        if pin.kind == "bound":
            if numbers(best) < numbers(pin.version):
                return None
            parts[-1] += 1  # the first version that was not tried
        best = ".".join(map(str, parts))
    return best if numbers(best) > numbers(pin.version) else None


def numbers(version: str) -> tuple[int, ...]:
    """Return the numbers in a version, to compare it by."""
    return tuple(int(number) for number in re.findall(r"\d+", version))


def write(root: Path, changes: dict[Pin, str]) -> None:
    """Replace what pins say in the files, from each file's end so that places stay right."""
    for pin in sorted(changes, key=lambda pin: (pin.file, -pin.start)):
        path = root / pin.file
        text = path.read_text(encoding="utf-8")
        end = pin.start + len(pin.written or pin.version)
        text = text[: pin.start] + changes[pin] + text[end:]
        path.write_text(text, encoding="utf-8", newline="\n")
