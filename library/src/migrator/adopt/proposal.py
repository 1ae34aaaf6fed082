"""The files that adopt would write, from what is known of a project."""

import re
from collections.abc import Iterator
from pathlib import Path

from migrator.adopt import ini_file, project_layout
from migrator.adopt.adoption import Adoption
from migrator.adopt.changes import Change, read
from migrator.catalog import Difference
from migrator.config import application
from migrator.errors import UsageError
from migrator.revisions import accepted_drift

FILES = Path(__file__).with_name("files")
PRODUCTION = "alembic_prod.ini"
TARGETS = "migrations.mk"
BACKUPS = "backups"
INCLUDE = f"include {TARGETS}"
ATTRIBUTES = """\
phase: str = ${repr(config.attributes.get("phases", {}).get(up_revision, "expand"))}
transactional: bool = ${repr(config.attributes.get("transactional", {}).get(up_revision, True))}
"""
DEPENDS_ON = re.compile(r"^depends_on\b.*\r?\n", re.MULTILINE)
# Keys of [alembic] that are about revisions being written, or name a database.
DEVELOPMENT = {"sqlalchemy.url", "file_template", "truncate_slug_length", "timezone"}
DEVELOPMENT |= {"output_encoding", "sourceless", "revision_environment"}
LOGGING = ("loggers", "handlers", "formatters", "logger_", "handler_", "formatter_")
ACCEPTED = "there before alembic-starter was set up"


def propose(found: Adoption, *, accept_drift: bool = False) -> list[Change]:
    """Return what differs from what is there.

    Args:
        accept_drift: name today's differences in accepted_drift.toml.

    Raises:
        UsageError: a file cannot be read.
    """
    made = [
        *_env(found),
        *_template(found),
        *_ini(found),
        *_production(found),
        *_targets(found),
        *_ignored(found),
        *(_accepted(found) if accept_drift else ()),
    ]
    return [each for each in made if each.before != each.after]


def _change(found: Adoption, path: Path, after: str) -> Change:
    return Change(path, found.layout.shown(path), read(path), after)


def _env(found: Adoption) -> Iterator[Change]:
    if found.env.completed is not None:
        yield _change(found, found.layout.env, found.env.completed)


def _template(found: Adoption) -> Iterator[Change]:
    """Let revisions say their phase, which autogenerate decides."""
    path = found.layout.template
    text = read(path)
    if text is None or 'get("phases"' in text:
        return
    lines = [*DEPENDS_ON.finditer(text)]
    if not lines:
        found.problem(
            "template-not-understood",
            f"{found.layout.shown(path)} has no line depends_on, below which two lines belong, so"
            f" it is left alone. Paste them into it:\n{ATTRIBUTES.strip()}",
        )
        return
    end = "\r\n" if "\r\n" in text else "\n"
    place = lines[-1].end()
    yield _change(found, path, text[:place] + ATTRIBUTES.replace("\n", end) + text[place:])


def _keys(found: Adoption) -> dict[str, str]:
    """Return the keys of [alembic] that commands need."""
    models, options = found.models, found.replay.options
    keys: dict[str, str] = {}
    if models.base and models.modules:
        keys["autoimport_models"] = ", ".join(models.modules)
        keys["autoimport_exclude"] = ""
        keys["autoimport_base"] = models.base
    for key in ("version_table", "version_table_schema"):
        if options.get(key):
            keys[key] = str(options[key])
    if found.app:
        keys[application.FLASK] = found.app
    return keys


def _ini(found: Adoption) -> Iterator[Change]:
    own = found.layout
    text = read(own.source or own.ini)
    if text is None:
        text = "[alembic]\n"
    if own.source is not None:
        keys = {
            "script_location": f"%(here)s/{own.shown(own.scripts)}",
            "prepend_sys_path": "%(here)s",
            "path_separator": "os",
        }
        text = ini_file.replaced(text, "alembic", keys)
    text = ini_file.completed(text, "alembic", _keys(found))
    settings = {"shadow_url": found.shadow_url} if found.shadow_url else {}
    yield _change(found, own.ini, ini_file.completed(text, "migrator", settings))


def _production(found: Adoption) -> Iterator[Change]:
    """Write an ini file for deploys, with what the project's own says of its revisions."""
    path = found.layout.folder / PRODUCTION
    if path.exists() or found.layout.ini.name == PRODUCTION:
        return
    text = (FILES / PRODUCTION).read_text(encoding="utf-8")
    theirs = project_layout.read(found.layout.source or found.layout.ini)
    keys: dict[str, str | None] = {"recursive_version_locations": None, "autoimport_models": None}
    keys |= {"autoimport_exclude": None, "autoimport_base": None}
    keys["script_location"] = f"%(here)s/{found.layout.shown(found.layout.scripts)}"
    section = dict(theirs["alembic"]) if theirs.has_section("alembic") else {}
    for key, value in section.items():
        if key not in DEVELOPMENT and not key.startswith("autoimport_"):
            keys[key] = value if key != "script_location" else keys[key]
    if not found.layout.says_in_pyproject("prepend_sys_path"):  # it counts for this file, too
        keys["prepend_sys_path"] = section.get("prepend_sys_path", "%(here)s")
    else:
        keys["prepend_sys_path"] = section.get("prepend_sys_path")
    if "version_path_separator" in keys and "path_separator" not in section:
        keys["path_separator"] = None
    text = ini_file.replaced(text, "alembic", keys | _keys(found))
    for name in theirs.sections():
        known = name in ("alembic", "migrator", "post_write_hooks") or name.startswith(LOGGING)
        if not known:
            text = ini_file.completed(text, name, dict(theirs[name]))
    yield _change(found, path, text)


def _targets(found: Adoption) -> Iterator[Change]:
    folder = found.layout.folder
    path = folder / TARGETS
    if not path.exists():
        yield _change(found, path, (FILES / TARGETS).read_text(encoding="utf-8"))
    makefile = found.layout.makefile
    if makefile is None:  # `make -f migrations.mk` works without
        return
    text = read(makefile) or ""
    if not re.search(r"^-?include\s.*migrations\.mk", text, re.MULTILINE):
        # At the end, so that the first target of the file stays the default one.
        gap = "" if text.endswith("\n") or not text else "\n"
        yield _change(found, makefile, f"{text}{gap}\n{INCLUDE}\n")


def _ignored(found: Adoption) -> Iterator[Change]:
    """Keep the rows in backups out of the repository."""
    path = found.layout.folder / ".gitignore"
    text = read(path) or ""
    if not any(line.strip().strip("/") == BACKUPS for line in text.splitlines()):
        gap = "" if text.endswith("\n") or not text else "\n"
        yield _change(found, path, f"{text}{gap}{BACKUPS}/\n")


def _accepted(found: Adoption) -> Iterator[Change]:
    path = found.layout.scripts / accepted_drift.FILE
    entries = [_entry("models", each) for each in found.drift]
    if found.database:
        entries += [_entry("database", each) for each in found.database.differing]
    text = read(path)
    if entries and text is None:
        yield _change(found, path, "\n".join(dict.fromkeys(entries)))
    elif entries:
        raise UsageError(f"{path.name} is there already: add to it what differs, by hand.")


def _entry(between: str, difference: Difference) -> str:
    lines = ["[[difference]]", f'between = "{between}"', f"object = {_quoted(str(difference.key))}"]
    if difference.property:
        lines.append(f"property = {_quoted(difference.property)}")
    lines.append(f'reason = "{ACCEPTED}"')
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
