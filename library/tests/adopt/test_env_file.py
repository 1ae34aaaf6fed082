"""The two lines in an env.py of another kind, whose text stays as it is."""

import ast

import pytest

from migrator.adopt import env_file

USUAL = (
    "from alembic import context\nfrom app import Base\n\nconfig = context.config\nrun(config)\n"
)
KINDS = {
    "usual": (
        USUAL,
        "from alembic import context\nfrom migrator import environment\nfrom app import Base\n\n"
        "config = context.config\nenvironment.adopt(config)\nrun(config)\n",
    ),
    "other names": (
        "from alembic import context as ctx\nc: object = ctx.config\n",
        "from alembic import context as ctx\nfrom migrator import environment\n"
        "c: object = ctx.config\nenvironment.adopt(c)\n",
    ),
    "no variable": (
        '"""Docs."""\nimport os\nimport alembic.context\nimport sys\nrun(alembic.context.config)\n',
        '"""Docs."""\nimport os\nimport alembic.context\nfrom migrator import environment\n'
        "import sys\nenvironment.adopt(alembic.context.config)\nrun(alembic.context.config)\n",
    ),
    "only import of alembic": (
        "from alembic import context\nrun(context.config)\n",
        "from alembic import context\nfrom migrator import environment\n"
        "environment.adopt(context.config)\nrun(context.config)\n",
    ),
    "several lines": (
        "from alembic import (\n    context,\n    op,\n)\nconfig = (\n    context.config\n)\n",
        "from alembic import (\n    context,\n    op,\n)\nfrom migrator import environment\n"
        "config = (\n    context.config\n)\nenvironment.adopt(config)\n",
    ),
    "ends of lines": (
        USUAL.replace("\n", "\r\n"),
        "from alembic import context\r\nfrom migrator import environment\r\nfrom app import Base"
        "\r\n\r\nconfig = context.config\r\nenvironment.adopt(config)\r\nrun(config)\r\n",
    ),
    "no last newline": (
        "from alembic import context\nconfig = context.config",
        "from alembic import context\nfrom migrator import environment\n"
        "config = context.config\nenvironment.adopt(config)\n",
    ),
    "a form feed is no line": (
        "# \x0c one\nfrom alembic import context\nconfig = context.config\n",
        "# \x0c one\nfrom alembic import context\nfrom migrator import environment\n"
        "config = context.config\nenvironment.adopt(config)\n",
    ),
    "the name is taken": (
        "from alembic import context\nfrom app import environment\nconfig = context.config\n",
        "from alembic import context\nfrom migrator import environment as migrator_environment\n"
        "from app import environment\nconfig = context.config\n"
        "migrator_environment.adopt(config)\n",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_two_lines_are_added(kind: str) -> None:
    text, wanted = KINDS[kind]
    assert env_file.read(text).completed == wanted
    ast.parse(wanted)
    again = env_file.read(wanted)
    assert again.adopted and again.completed == wanted


@pytest.mark.parametrize(
    "text",
    [
        "from alembic import context\nclass:\n",
        "from own import context\nconfig = context.config\n",
        "def run():\n    from alembic import context\n    context.run_migrations()\n",
        "",
    ],
)
def test_what_is_not_understood_is_left_alone(text: str) -> None:
    found = env_file.read(text)
    assert found.completed is None and found.why and not found.adopted


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (USUAL, "sync"),
        (f"{USUAL}async def main():\n    await go()\n", "async"),
        (f"{USUAL}from flask import current_app\ncurrent_app.config\n", "flask-migrate"),
        (f"{USUAL}context.run_migrations(engine_name=1)\n", "multidb"),
    ],
)
def test_its_kind_is_told(text: str, kind: str) -> None:
    assert env_file.read(text).kind == kind
