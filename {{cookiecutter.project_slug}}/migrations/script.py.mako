## A message may hold backslashes and quotes, and has to come out of the docstring unchanged.
## Alembic's own comment lines around the operations say nothing that a reader needs.
<%!
    def bare(operations):
        lines = [line for line in operations.splitlines() if not line.strip().startswith("# ###")]
        return "\n".join(lines).strip()
%>\
<%
    ours = "from migrator.operations import op"
    others = [line for line in (imports or "").splitlines() if line != ours]
    alembic_op = ours if ours in (imports or "") else "from alembic import op"
    phase = config.attributes.get("phases", {}).get(up_revision, "expand")
    transactional = config.attributes.get("transactional", {}).get(up_revision, True)
%>\
"""${message.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')}

Revision ID: ${up_revision}
Revises: ${comma(down_revision) or "nothing, it is the first"}
Create Date: ${create_date}
"""

from collections.abc import Sequence

import sqlalchemy as sa
${"\n".join([*others, alembic_op])}

revision: str = ${repr(up_revision)}
down_revision: str | Sequence[str] | None = ${repr(down_revision)}
branch_labels: str | Sequence[str] | None = ${repr(branch_labels)}
depends_on: str | Sequence[str] | None = ${repr(depends_on)}
phase: str = ${repr(phase)}
transactional: bool = ${repr(transactional)}


def upgrade() -> None:
    ${bare(upgrades) if upgrades else "pass"}


def downgrade() -> None:
    ${bare(downgrades) if downgrades else "pass"}
