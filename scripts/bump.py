"""`make bump`: newer versions of what the template pins, tried out, and shown as a diff.

It looks for pins (packages' minimum versions and the library's upper bounds, GitHub's actions,
pre-commit's hooks, images), asks for the newest of each, writes them, runs the checks with them,
and shows what changed. A bound is raised only if the library works with the version beyond it;
otherwise it says which private name broke. It commits nothing. Sources that cannot be reached are
listed, and make it end with 3.
"""

import argparse
import os
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

from scripts import beyond, pins
from scripts.newest import Sources, Unreachable

REPOSITORY = Path(__file__).resolve().parent.parent
# Static checks of the template, then a rendering that installs the new versions and uses them.
CHECKS = ("make check", "make demo")


def main() -> int:
    """Return 0 when all is new and checked, 1 when something broke, 3 when a source was silent."""
    parser = argparse.ArgumentParser(description="Update the pins of this repository.")
    parser.add_argument("--dry-run", action="store_true", help="only say what is newer")
    parser.add_argument("--github", default=Sources.github, help="what to ask for actions")
    parser.add_argument(
        "--registry",
        default=os.environ.get("IMAGE_REGISTRY", Sources.registry),
        help="what to ask for images (default: IMAGE_REGISTRY in the environment)",
    )
    parser.add_argument(
        "--check", action="append", help=f"a command to try it with (default: {', '.join(CHECKS)})"
    )
    parser.add_argument("--only", metavar="NAME", help="look at the pins of this source only")
    parser.add_argument(
        "--try", dest="trial", metavar="NAME==VERSION", help="only try the library with a package"
    )
    options = parser.parse_args()
    if options.trial:
        return 1 if broken(options.trial) else 0
    sources = Sources(oldest_python(), options.github, options.registry)
    found = [pin for pin in pins.find(REPOSITORY) if options.only in (None, pin.source)]
    changes, silent = compare(found, sources)
    report(found, changes, silent)
    beyond_bounds = sorted({(p.source, p.version) for p in changes if p.kind == "bound"})
    refused = set()
    if not options.dry_run:
        # With a newest version of each package, as the sources offer it.
        for source, _ in beyond_bounds:
            if broken(f"{source}=={sources.ask('bound', source)[-1]}"):
                refused.add(source)
    changes = {
        pin: new for pin, new in changes.items() if pin.kind != "bound" or pin.source not in refused
    }
    failed = ""
    if changes and not options.dry_run:
        pins.write(REPOSITORY, changes)
        failed = next((c for c in options.check or CHECKS if not passes(c)), "")
        names = sorted({pin.file for pin in changes})
        subprocess.run(["git", "--no-pager", "diff", "--", *names], cwd=REPOSITORY, check=False)
        print("Nothing is committed. Read the diff, run `make test`, then commit it; or")
        print(f"  git checkout -- {shlex.join(names)}")
    if failed:
        print(f"Failed with the new versions: {failed}", file=sys.stderr)
    return 1 if failed or refused else 3 if silent else 0


def broken(requirement: str) -> bool:
    """Try the library with a version, whatever its bounds say; say what breaks."""
    print(f"Trying the library with {requirement}", flush=True)
    found = beyond.problems(requirement, oldest_python())
    for problem in found:
        print(f"{requirement}: {problem}", file=sys.stderr)
    if not found:
        print(f"The library works with {requirement}.")
    return bool(found)


def oldest_python() -> str:
    """Return the oldest Python that the template supports."""
    with (REPOSITORY / "pyproject.toml").open("rb") as file:
        requires: str = tomllib.load(file)["project"]["requires-python"]
    return requires.removeprefix(">=")


def compare(found: list[pins.Pin], sources: Sources) -> tuple[dict[pins.Pin, str], dict[str, str]]:
    """Return what replaces each pin that has something newer, and why a source gave no answer."""
    changes: dict[pins.Pin, str] = {}
    silent: dict[str, str] = {}
    offered: dict[tuple[str, str], list[str]] = {}
    for pin in found:
        key = (pin.kind, pin.source + pin.within)
        try:
            if key not in offered:
                offered[key] = []
                offered[key] = sources.ask(*key)
                if not offered[key]:
                    raise Unreachable("it has no versions")
            if version := pins.newer(pin, offered[key]):
                changes[pin] = version
                if pin.kind == "action":
                    changes[pin] = f"{sources.commit(pin.source, version)} # {version}"
        except Unreachable as error:
            changes.pop(pin, None)
            silent[f"{pin.kind} {pin.source}"] = str(error)
    return changes, silent


def report(found: list[pins.Pin], changes: dict[pins.Pin, str], silent: dict[str, str]) -> None:
    """Say what is newer, and what nobody knows."""
    print(f"{len(found)} pins, {len(changes)} of them have something newer.")
    for pin, new in changes.items():
        version = new.rpartition(" ")[2]  # of an action there is the commit in front of it
        major = pins.numbers(version)[0] != pins.numbers(pin.version)[0]
        print(
            f"  {pin.kind:<8} {pin.source:<24} {pin.version:>8} -> {version:<8}"
            f" {'MAJOR ' if major else ''}{pin.file}"
        )
    sys.stdout.flush()
    if silent:
        print("These could not be asked, and stay as they are:", file=sys.stderr)
    for name, reason in silent.items():
        print(f"  {name}: {reason}", file=sys.stderr)


def passes(command: str) -> bool:
    """Run a check, and tell whether it was content."""
    print(f"$ {command}", flush=True)
    return not subprocess.run(shlex.split(command), cwd=REPOSITORY, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
