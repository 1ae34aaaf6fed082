"""What adopt has found and what it writes: data first, then words."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from migrator.errors import counted

SHOWN = 12


@dataclass
class Problem:
    """Something that does not fit; `code` names the kind, `text` says what to do."""

    code: str
    text: str


@dataclass
class Report:
    """One run of adopt; the names are those of the JSON."""

    ini: str
    script_location: str
    version_locations: list[str]
    env: str
    env_kind: str
    env_adopted: bool
    flask_app: str = ""
    revisions: int = 0
    heads: list[str] = field(default_factory=list)
    version_table: str = "alembic_version"
    version_table_schema: str = ""
    connects_to: str = ""
    engine_names: list[str] = field(default_factory=list)
    base: str = ""
    modules: list[str] = field(default_factory=list)
    tables: int = 0
    naming_convention: bool = False
    replayed: bool = False
    replayed_on: str = ""
    failed_revision: str = ""
    failed_because: str = ""
    failed_at: str = ""
    database: str = ""
    database_at: list[str] = field(default_factory=list)
    database_behind: int = 0
    database_differences: list[str] = field(default_factory=list)
    models_differences: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    changes: list[dict[str, str]] = field(default_factory=list)
    written: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)

    def words(self) -> Iterator[tuple[str, str]]:
        """Yield it as lines, each with its subject."""
        where = self.script_location
        if len(self.version_locations) > 1:
            where += f" ({', '.join(self.version_locations)})"
        heads = ", ".join(self.heads) or "none"
        count = counted(self.revisions, "revision")
        yield "project", f"{self.ini}, {count} in {where}, head {heads}"
        kind = f"{self.env_kind}{', adopted already' if self.env_adopted else ''}"
        goes = f"; connects to {self.connects_to}" if self.connects_to else ""
        yield "env.py", f"{self.env} ({kind}){goes}"
        schema = f"{self.version_table_schema}." if self.version_table_schema else ""
        yield "version table", f"{schema}{self.version_table}"
        if self.base:
            convention = "with" if self.naming_convention else "without"
            yield (
                "models",
                f"{counted(self.tables, 'table')} of {self.base} in {', '.join(self.modules)},"
                f" {convention} a naming convention",
            )
        yield from self._of_replay()
        yield from self._of_database()
        for each in self.problems:
            yield "does not fit", each.text

    def _of_replay(self) -> Iterator[tuple[str, str]]:
        if self.failed_revision:
            place = f" ({self.failed_at})" if self.failed_at else ""
            yield "replay", f"{self.failed_revision} fails{place}: {self.failed_because}"
        elif self.replayed:
            yield "replay", f"all revisions run on an empty shadow database ({self.replayed_on})"
            if self.models_differences:
                yield from _listed("models", self.models_differences, "from the history")
            elif self.base:
                yield "models", "agree with the history"

    def _of_database(self) -> Iterator[tuple[str, str]]:
        if not self.database:
            return
        at = ", ".join(self.database_at) or "no revision"
        behind = f", {counted(self.database_behind, 'revision')} behind" * bool(
            self.database_behind
        )
        yield "database", f"{self.database} is at {at}{behind}"
        if self.database_differences:
            yield from _listed("database", self.database_differences, "from its revisions")
        elif self.replayed and self.database_at and not self._has("unknown-revision"):
            yield "database", "has exactly what its revisions build"

    def _has(self, code: str) -> bool:
        return any(each.code == code for each in self.problems)


def _listed(name: str, differences: list[str], from_what: str) -> Iterator[tuple[str, str]]:
    yield name, f"{counted(len(differences), 'difference')} {from_what}:"
    for each in differences[:SHOWN]:
        yield "", each
    if len(differences) > SHOWN:
        yield "", f"... and {len(differences) - SHOWN} more (--json has all)"
