"""`make release`: give what is on main a version, which is a date, and tag it.

It writes the version into the library and into pyproject.toml, dates the section of CHANGELOG.md,
commits that and tags the commit. It pushes nothing: it says how.
"""

import argparse
import datetime
import re
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
CHANGELOG = "CHANGELOG.md"
# Each file and the line in it that has the version.
METADATA = re.compile(r'^version = "([^"]+)"$', re.MULTILINE)
VERSIONS = {
    "pyproject.toml": METADATA,
    "library/pyproject.toml": METADATA,
    "library/src/migrator/__init__.py": re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE),
}
UNRELEASED = "## Unreleased\n"


class Refused(Exception):
    """No release can be made; the message says why, and what to do."""


def main() -> int:
    """Return 0 when the release is made (or could be, with --dry-run), 1 when it is refused."""
    parser = argparse.ArgumentParser(description="Give what is on main a version and a tag.")
    parser.add_argument("--dry-run", action="store_true", help="only show what would be done")
    parser.add_argument(
        "--tested", action="store_true", help="`make test` has passed on this commit: do not ask"
    )
    parser.add_argument(
        "--date",
        type=datetime.date.fromisoformat,
        default=datetime.datetime.now(datetime.UTC).date(),
        help="the day of the release, as 2026-11-22 (default: today, UTC)",
    )
    options = parser.parse_args()
    try:
        release(options.date, dry_run=options.dry_run, tested=options.tested)
    except Refused as error:
        print(f"No release: {error}", file=sys.stderr)
        return 1
    return 0


def release(day: datetime.date, *, dry_run: bool, tested: bool) -> None:
    """Make the release of `day`.

    Raises:
        Refused: something is not as it has to be; nothing was changed.
    """
    check_repository()
    version = next_version(day, git("tag", "--list").split())
    new = {CHANGELOG: dated(read(CHANGELOG), version, day)}
    for name, line in VERSIONS.items():
        new[name] = with_version(name, line, version)
    notes = section(new[CHANGELOG], version)
    print(f"Version {version}, with these changes:\n\n{notes}\n")
    if dry_run:
        print("Nothing was changed (--dry-run).")
        return
    if not tested:
        ask_for_tests()
    write(new, version, notes)
    print(f"{version} is committed and tagged here. To publish it: git push origin main {version}")


def check_repository() -> None:
    """Raise Refused unless this is a clean checkout of main."""
    branch = git("branch", "--show-current")
    if branch != "main":
        raise Refused(f"releases are made on main, and this is {branch or 'no branch'}.")
    if changed := git("status", "--porcelain"):
        raise Refused(f"there are changes that are not committed; commit them first.\n{changed}")


def next_version(day: datetime.date, tags: list[str]) -> str:
    """Return the first version of the month that no tag has; they count from 0."""
    month = f"{day.year}.{day.month}."
    numbers = [int(n) for tag in tags if (n := tag.removeprefix(month)) != tag and n.isdigit()]
    return f"{month}{max(numbers, default=-1) + 1}"


def dated(changelog: str, version: str, day: datetime.date) -> str:
    """Return the changelog with what is unreleased under the version, and a new empty section."""
    before, heading, rest = changelog.partition(UNRELEASED)
    if not heading:
        raise Refused(f'{CHANGELOG} has no section "{UNRELEASED.strip()}".')
    if not rest.partition("\n## ")[0].strip():
        raise Refused(f"nothing stands under Unreleased in {CHANGELOG}, so nothing is new.")
    return f"{before}{UNRELEASED}\n## {version} ({day.isoformat()})\n{rest}"


def section(changelog: str, version: str) -> str:
    """Return what the changelog says about a version."""
    return changelog.partition(f"## {version} ")[2].partition("\n## ")[0].partition("\n")[2].strip()


def with_version(name: str, line: re.Pattern[str], version: str) -> str:
    """Return the text of a file with another version in it."""
    text = read(name)
    if len(line.findall(text)) != 1:
        raise Refused(f"{name} has to have one line like {line.pattern}.")
    return line.sub(lambda found: found[0].replace(found[1], version), text)


def ask_for_tests() -> None:
    """Raise Refused unless somebody says that the tests have passed."""
    if not sys.stdin.isatty():
        raise Refused("run `make test`, and when it has passed, release with --tested.")
    if input("Has `make test` passed on this commit? [y/N] ").strip().lower() not in ("y", "yes"):
        raise Refused("run `make test` first.")


def write(new: dict[str, str], version: str, notes: str) -> None:
    """Write the files, commit and tag them, or leave everything as it was."""
    old = {name: read(name) for name in new}
    head = git("rev-parse", "HEAD")
    try:
        for name, text in new.items():
            (REPOSITORY / name).write_text(text, encoding="utf-8", newline="\n")
        git("commit", "--quiet", f"--message=Release {version}", "--", *new)
        git("tag", "--annotate", f"--message={version}\n\n{notes}", "--cleanup=verbatim", version)
    except (OSError, Refused):
        git("reset", "--quiet", "--soft", head)
        for name, text in old.items():
            (REPOSITORY / name).write_text(text, encoding="utf-8", newline="\n")
        git("reset", "--quiet", "--", *new)
        raise


def read(name: str) -> str:
    """Return the text of a file of this repository."""
    return (REPOSITORY / name).read_text(encoding="utf-8")


def git(*arguments: str) -> str:
    """Run git here and return what it says."""
    done = subprocess.run(
        ["git", *arguments], cwd=REPOSITORY, capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode:
        raise Refused(f"git {arguments[0]} said: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
