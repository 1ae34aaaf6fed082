"""What cookiecutter loads into Jinja, so that it ends with a sentence instead of a traceback.

It renders answers of the command line and of its configuration as Jinja before any hook runs, and
makes the project's folder before the first one.

cruft imports this module once for both versions of an update: a class that does something else than
before needs another name, in a module of another name.
"""

import logging
from typing import Any, cast

import jinja2
from jinja2.ext import Extension
from jinja2.utils import missing

LONGEST = 100  # bytes; file systems refuse 256, and the hook refuses 41 letters


class OneSentence(Extension):
    """Refuses answers that are no Jinja, and names that no folder can have."""

    def __init__(self, environment: jinja2.Environment) -> None:
        super().__init__(environment)
        environment.undefined = Unknown
        logging.getLogger("cookiecutter.hooks").addFilter(without_traceback)
        environment.filters["folder_name"] = folder_name

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Return what is about to be compiled, unchanged; files have a name, answers have none."""
        if name is None:
            try:
                jinja2.Environment().parse(source)
            except jinja2.TemplateSyntaxError:
                raise SystemExit(BRACES.format(text=repr(source))) from None
        return source


class Unknown(jinja2.StrictUndefined):
    """A name that Jinja does not know; the template itself uses none but `cookiecutter`."""

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = missing,
        name: str | None = None,
        exc: type[jinja2.TemplateRuntimeError] = jinja2.UndefinedError,
    ) -> None:
        foreign = obj is missing and hint is None
        super().__init__(hint, obj, name, cast("Any", NoSuchName) if foreign else exc)


class NoSuchName(SystemExit):
    """What using an unknown name ends with; Jinja gives its own message."""

    def __init__(self, message: str) -> None:
        super().__init__(BRACES.format(text=message))


BRACES = (
    "No project was made. Please change the answer with braces in it:\n"
    "  {text}: cookiecutter runs braces on the command line and in its configuration as code:"
    " answer at the prompt instead, or put {{% raw %}} before the text and {{% endraw %}} after it."
)


def without_traceback(record: logging.LogRecord) -> bool:
    """Let through that a hook has refused, which says itself why, without where in cookiecutter."""
    record.exc_info = None
    return True


def folder_name(slug: object) -> object:
    """Return a slug unchanged.

    Raises:
        SystemExit: it is too long for a folder.
    """
    size = len(str(slug).encode(errors="replace"))
    if size > LONGEST:
        raise SystemExit(
            "No project was made. Please change this answer:\n"
            f"  project_slug: it has {len(str(slug))} characters: shorten it to 40 or fewer."
        )
    return slug
