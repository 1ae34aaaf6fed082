"""Models of the application in a revision."""

from migrator.lint.mapped_names import is_mapped
from migrator.lint.python_code import Code
from migrator.lint.rule import Example, Rule

MODELS = ("models", "model", "entities")
# What a revision uses itself, which has such modules, too.
LIBRARIES = ("migrator", "alembic", "sqlalchemy", "sqlmodel", "pydantic", "geoalchemy2", "pgvector")


def _lines(code: Code) -> list[int]:
    """Return where a model is imported, or a module of models, by its name or by what it has."""
    by_name = (each for each in code.imports if not {*each[0].split(".")}.isdisjoint(MODELS))
    by_content = (each for each in code.imported if is_mapped(each[0]))
    found = {line for name, line in (*by_name, *by_content) if name.split(".")[0] not in LIBRARIES}
    return sorted(found)


RULE = Rule(
    name="models-in-revision",
    reason=(
        "The models change with the application and the revision does not: some day it asks for"
        " columns that are not there yet, or no longer."
    ),
    safe="sa.table(...) with the columns that the revision needs.",
    example=Example(
        unsafe="""
if not op.get_context().as_sql:
    from app import models
""",
        safe='sa.table("users", sa.column("nick"))',
    ),
    code=_lines,
    words=("import ",),
)
