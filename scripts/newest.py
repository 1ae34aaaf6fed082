"""Which versions there are, asked of those who know: uv, git and image registries."""

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE = 30  # seconds for one answer
LONGEST = 200  # characters of an error
TOKEN = re.compile(r'(\w+)="([^"]*)"')


class Unreachable(Exception):
    """A source gave no answer; the message is its own, in one line."""


@dataclass
class Sources:
    """Where to ask.

    Attributes:
        python: the oldest Python that a package has to work on.
        github: what to put before owner/name.
        registry: the address of the registry of images; this repository names none.
    """

    python: str
    github: str = "https://github.com/"
    registry: str = ""

    def ask(self, kind: str, source: str) -> list[str]:
        """Return the versions that there are.

        Args:
            kind: of the pin.
            source: of the pin; of a package also with an upper bound, as in `alembic<1.21`.

        Raises:
            Unreachable: nobody said.
        """
        if kind in ("package", "bound"):
            return self._package(source)
        if kind == "image":
            return self._image(source)
        return self._tags(self.github + source if kind == "action" else source)

    def commit(self, action: str, tag: str) -> str:
        """Return the commit that a tag of an action names.

        Raises:
            Unreachable: nobody said.
        """
        address = self.github + action
        # An annotated tag is an object of its own; what it names is listed behind it, with ^{}.
        listed = run(["git", "ls-remote", address, f"refs/tags/{tag}", f"refs/tags/{tag}^{{}}"])
        if not listed:
            raise Unreachable(f"{address} has no tag {tag}")
        return listed.splitlines()[-1].split()[0]

    def _package(self, name: str) -> list[str]:
        """Return the newest version of a package, from the index that uv is configured for."""
        uv = find_uv()
        arguments = ["--no-deps", "--no-header", "--no-annotate", "--python-version", self.python]
        found = run([uv, "pip", "compile", "--quiet", *arguments, "-"], words=name)
        return re.findall(r"==([\d.]+)\s*$", found, re.MULTILINE)

    def _tags(self, address: str) -> list[str]:
        listed = run(["git", "ls-remote", "--tags", "--refs", address])
        return re.findall(r"refs/tags/(\S+)$", listed, re.MULTILINE)

    def _image(self, name: str) -> list[str]:
        """Return the tags of an image: the registry says who gives out tokens, and takes one."""
        if not self.registry:
            raise Unreachable("say where images are: --registry=https://..., or IMAGE_REGISTRY")
        path = name if "/" in name else f"library/{name}"
        url = f"{self.registry}/v2/{path}/tags/list"
        try:
            return [str(tag) for tag in fetch(url)["tags"]]
        except urllib.error.HTTPError as error:
            asked = dict(TOKEN.findall(error.headers.get("WWW-Authenticate", "")))
            if error.code != 401 or "realm" not in asked:
                raise Unreachable(f"{url}: {error}") from None
        try:
            query = f"?service={asked.get('service', '')}&scope=repository:{path}:pull"
            token = fetch(asked["realm"] + query)["token"]
            return [str(tag) for tag in fetch(url, token)["tags"]]
        except urllib.error.HTTPError as error:
            raise Unreachable(f"{url}: {error}") from None


def find_uv() -> str:
    """Return the path of uv.

    Raises:
        Unreachable: there is none.
    """
    uv = shutil.which("uv") or shutil.which(str(Path(sys.executable).with_name("uv")))
    if not uv:
        raise Unreachable("there is no uv, neither on PATH nor in .venv")
    return uv


def fetch(url: str, token: str = "") -> Any:
    """Return the JSON at an address.

    Raises:
        HTTPError: the server said no.
        Unreachable: there was no answer, or it was no JSON.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, headers=headers), timeout=PATIENCE
        ) as answer:
            return json.load(answer)
    except urllib.error.HTTPError:
        raise
    except (OSError, ValueError) as error:
        raise Unreachable(f"{url}: {error}") from None


def run(command: Iterable[str], words: str = "") -> str:
    """Return what a program says.

    Raises:
        Unreachable: it failed, or took too long.
    """
    arguments = list(command)
    try:
        done = subprocess.run(
            arguments,
            input=words,
            capture_output=True,
            encoding="utf-8",
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unreachable(str(error)) from None
    if done.returncode:
        words = " ".join(done.stderr.split()) or "it said nothing"
        raise Unreachable(f"{Path(arguments[0]).name}: {words[:LONGEST]}")
    return done.stdout
