"""All tools, in the order of the tables."""

from pathlib import Path

from benchmarks.underload.peers.alembics import PlainAlembic, TimeoutAlembic
from benchmarks.underload.peers.djangos import Django, MigrationTools, ZeroDowntime
from benchmarks.underload.peers.nodes import Dbmate, Knex, NodePgMigrate
from benchmarks.underload.peers.ours import Ours
from benchmarks.underload.peers.tool import Tool

OURS = Ours.name
PEERS: tuple[type[Tool], ...] = (
    PlainAlembic,
    TimeoutAlembic,
    Django,
    ZeroDowntime,
    MigrationTools,
    NodePgMigrate,
    Knex,
    Dbmate,
)
NAMES = (OURS, *(peer.name for peer in PEERS))


def tools(folder: Path, url: str, template: Path) -> dict[str, Tool]:
    """Return the tools by name, each with a folder of its own below `folder`; none is set up.

    Args:
        url: the database that they are to deploy to.
        template: this project's, to be rendered.
    """
    folder.mkdir(parents=True)
    made: list[Tool] = [Ours(folder, url, template), *(peer(folder, url) for peer in PEERS)]
    return {tool.name: tool for tool in made}
