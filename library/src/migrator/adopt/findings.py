"""What there is to say about a project: its report, and what does not fit."""

from migrator.adopt import database, own_models
from migrator.adopt.adoption import Adoption
from migrator.config import urls


def describe(found: Adoption) -> None:
    """Fill in the report."""
    report, seen, own = found.report, found.replay, found.layout
    report.revisions, report.heads = seen.revisions, list(seen.heads)
    report.version_table = str(seen.options.get("version_table") or report.version_table)
    report.version_table_schema = str(seen.options.get("version_table_schema") or "")
    if seen.url is not None and seen.url.database != found.shadow_name:  # not of its config
        report.connects_to = urls.shown(seen.url)
    report.engine_names = seen.engine_names
    report.failed_revision, report.failed_because = seen.failed, seen.reason
    report.failed_at, report.replayed = seen.file, not seen.failed
    if len(seen.heads) > 1:
        found.problem(
            "several-heads",
            f"The history has {len(seen.heads)} heads: join them with `alembic merge heads`, since"
            " a deploy goes to one.",
        )
    if seen.engine_names:
        found.problem(
            "several-databases",
            f"env.py migrates {', '.join(seen.engine_names)}. A command works on one of them, the"
            " first: give each other one an ini file with its engine_name.",
        )
    metadata = seen.metadata
    if metadata is not None:
        report.naming_convention = len(metadata.naming_convention) > 1
        found.models = own_models.find(metadata, own.folder)
        report.base, report.modules = found.models.base, list(found.models.modules)
        report.tables = found.models.tables
    if seen.options and not (found.models.base and found.models.modules):
        found.problem(
            "no-models",
            "The models were not found: env.py has to give one MetaData with tables to"
            " context.configure(target_metadata=...). Revisions run without it; `make revision`"
            " and the check of models need autoimport_models and autoimport_base.",
        )
    report.models_differences = [each.describe("the history", "the models") for each in found.drift]
    _describe_database(found)


def _describe_database(found: Adoption) -> None:
    there, seen, report = found.database, found.replay, found.report
    if there is None:
        return
    report.database, report.database_at = there.shown, list(there.at)
    there.unknown = tuple(each for each in there.at if each not in seen.known)
    if there.unknown:
        found.problem(
            "unknown-revision",
            f"The database is at {', '.join(there.unknown)}, which this project does not have: get"
            " the code that has it.",
        )
    elif not there.at:
        found.problem(
            "not-migrated",
            "The database has no row in the version table: it was never migrated, or another one"
            " is meant.",
        )
    else:
        at = " ".join(there.at) if set(there.at) != set(seen.heads) else "heads"
        report.database_behind = seen.behind(there.at)
        if at in seen.schemas:
            database.compare(there, seen.schemas[at])
            report.database_differences = there.differences
