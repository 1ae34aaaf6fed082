"""Which tenants there are: from a query, a file or a program of the user's."""

import json
import shlex
import subprocess
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from migrator import database
from migrator.config import histories, version_table
from migrator.config.context import Context
from migrator.config.invocation import command
from migrator.errors import MigratorError, UsageError, one_line
from migrator.fleet.settings import FleetSettings
from migrator.fleet.tenant import CANARY, Tenant

KEYS = tuple(field.name for field in fields(Tenant))
NOT_THERE = ("42P01", "3F000")  # a table, a schema
PATIENCE = 60  # seconds for targets_command


@dataclass(frozen=True)
class Shard:
    """The part `index` (from 0) of `count` parts, by a stable hash of the names."""

    index: int
    count: int

    @classmethod
    def of(cls, text_: str) -> "Shard":
        """Read I/N.

        Raises:
            ValueError: it is something else.
        """
        index, _, count = text_.partition("/")
        found = cls(int(index), int(count))
        if not 0 <= found.index < found.count:
            raise ValueError(text_)
        return found

    def has(self, tenant: Tenant) -> bool:
        """Tell whether a tenant belongs to it."""
        return zlib.crc32(tenant.name.encode("utf-8")) % self.count == self.index

    def __str__(self) -> str:
        """Return it as it was written."""
        return f"{self.index}/{self.count}"


def read(context: Context, fleet: FleetSettings) -> list[Tenant]:
    """Return all tenants, those of the stage `canary` first.

    Raises:
        UsageError: an entry is wrong, or two have the same name or the same schema.
        MigratorError: the query or the program fails.
    """
    if fleet.schemas_sql:
        found = _of_query(context, fleet.schemas_sql)
    elif fleet.targets_file:
        file = Path(context.folder, fleet.targets_file)
        try:
            found = _of_lines(file.read_text(encoding="utf-8"), file.name)
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise UsageError(f"targets_file = {file} cannot be read: {reason}.") from None
    else:
        found = _of_lines(_output(context, fleet.targets_command), "targets_command")
    _refuse_doubles(found)
    if version_table.options().get("version_table_schema") and any(each.schema for each in found):
        raise UsageError(
            f"version_table_schema in [alembic] of {context.ini} would give all tenants one version"
            " table: remove it, since that of a tenant is in its schema."
        )
    return sorted(found, key=lambda each: each.stage != CANARY)


def stages(tenants: Iterable[Tenant]) -> list[str]:
    """Return the names of the stages in their order."""
    return list(dict.fromkeys(each.stage for each in tenants))


def require(tenants: Sequence[Tenant], names: Sequence[str], stage: str | None = None) -> None:
    """Refuse names and stages that there are not.

    Raises:
        UsageError: there are none.
    """
    known = {each.name for each in tenants}
    if missing := [name for name in names if name not in known]:
        near = get_close_matches(missing[0], known, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise UsageError(f"There is no tenant {', '.join(missing)} in the inventory.{hint}")
    found = stages(tenants)
    # A pipeline deploys to the canaries first, whether there are any or not.
    if stage is not None and stage not in (*found, CANARY):
        raise UsageError(
            f"There is no stage {stage}; the inventory has"
            f" {', '.join(filter(None, found)) or 'none'}."
        )


def _of_query(context: Context, query: str) -> list[Tenant]:
    with database.connect(context) as connection:
        try:
            result = connection.execute(text(query.replace(":", r"\:")))
            keys = [*result.keys()] if result.returns_rows else []
            rows = result.mappings().all() if keys else []
        except DBAPIError as error:
            hint = ""
            if getattr(error.orig, "sqlstate", "") in NOT_THERE and histories.shared(context):
                hint = f" {command(context, 'fleet-deploy')} makes the shared tables."
            raise MigratorError(
                f"schemas_sql fails: {one_line(error, details=False)}. Nothing was changed.{hint}"
            ) from None
        finally:
            connection.rollback()
    if "schema" not in keys:
        raise UsageError(
            "schemas_sql has to give a column called schema, with a name in every row; it gives"
            f" {', '.join(keys) or 'no rows'}."
        )
    found = []
    for number, row in enumerate(rows, 1):
        values = {str(key): value for key, value in row.items()}
        if not values["schema"]:
            raise UsageError(
                f"Row {number} of schemas_sql ({values.get('name') or 'without a name'}) has no"
                " schema: it would not be known where the tables of that tenant are."
            )
        found.append(_tenant({"name": values["schema"]} | values, f"row {number} of schemas_sql"))
    return found


def _of_lines(lines: str, where: str) -> list[Tenant]:
    found = []
    for number, line in enumerate(lines.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            values = json.loads(line)
        except ValueError:
            values = None
        if not isinstance(values, dict):
            raise UsageError(f"Line {number} of {where} is not a JSON object.")
        found.append(_tenant(values, f"line {number} of {where}"))
    return found


def _tenant(values: dict[str, Any], where: str) -> Tenant:
    wrong = [key for key in values if key not in KEYS]
    if wrong:
        raise UsageError(
            f"A tenant has no {', '.join(wrong)} ({where}); it may have {', '.join(KEYS)}."
        )
    texts = {key: "" if value is None else str(value) for key, value in values.items()}
    if nested := [key for key, value in values.items() if isinstance(value, dict | list)]:
        raise UsageError(f"The {nested[0]} of a tenant has to be a text ({where}).")
    check_name(texts.get("name", ""), where)
    if not any(texts.get(key) for key in ("schema", "url", "url_env", "url_file")):
        raise UsageError(
            f"Tenant {texts['name']} has no schema and no database ({where}): give it schema, url,"
            " url_env or url_file."
        )
    return Tenant(**texts)


def check_name(name: str, where: str) -> None:
    """Refuse a name that a person could not write on a command line.

    Raises:
        UsageError: it is empty, or has a comma or a control character.
    """
    if not name.strip():
        raise UsageError(f"A tenant needs a name ({where}).")
    if "," in name or not name.isprintable():
        raise UsageError(
            f"The name {name!r} of a tenant has a comma or a control character ({where}), so that"
            " --only could not select it: give tenants short names."
        )


def _output(context: Context, program: str) -> str:
    try:
        done = subprocess.run(
            shlex.split(program),
            cwd=context.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"targets_command = {program} cannot be run: {reason}.") from None
    if done.returncode:
        said = " ".join(done.stderr.split()) or "it printed no reason"
        raise MigratorError(
            f"targets_command = {program} failed with exit code {done.returncode}: {said}."
            " Nothing was changed."
        )
    return done.stdout


def _refuse_doubles(tenants: Sequence[Tenant]) -> None:
    seen: dict[tuple[str, ...], Tenant] = {}
    for each in tenants:
        where = (each.schema, each.url, each.url_env, each.url_file)
        for key in (("name", each.name), ("place", *where)):
            if other := seen.get(key):
                what = "name" if key[0] == "name" else "schema and database"
                raise UsageError(
                    f"Two tenants have the same {what}: {other.name} and {each.name}. Each would be"
                    " deployed to twice; correct the inventory."
                )
            seen[key] = each
