"""What revisions would stop or break, before anybody deploys them.

`offline` renders their SQL, `squawk` reads it, `judging` adds what squawk cannot know, the trace
(migrator/trace) tries them, `acknowledgements` are what people have accepted; here it comes
together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from alembic.config import Config
from alembic.script import Script

from migrator import chain, settings, trace
from migrator.lint import acknowledgements, judging, offline, squawk, tried
from migrator.lint.finding import Finding
from migrator.lint.rules import UNDECIDED
from migrator.lint.squawk import NotInstalled

__all__ = ["Finding", "NotInstalled", "Verdict", "examine", "findings_for_deploy", "verdict"]


@dataclass(frozen=True)
class Verdict:
    """What has to be changed or accepted, what was accepted, what the trace cleared.

    `notes` are sentences about what the trace could not try.
    """

    findings: tuple[Finding, ...]
    accepted: tuple[Finding, ...] = ()
    cleared: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()


def verdict(config: Config, revisions: Sequence[Script]) -> list[Finding]:
    """Return what squawk, the trace and we say against revisions, oldest first; empty is good.

    Raises:
        NotInstalled: there is no squawk here.
        MigratorError: env.py, squawk or the scratch database failed.
    """
    return list(examine(config, revisions).findings)


def findings_for_deploy(config: Config, revisions: Sequence[Script]) -> list[Finding]:
    """Return what is wrong with pending revisions by their SQL alone, without trying them.

    What depends on the state of the database is left to CI, where the trace decides: a SET NOT
    NULL and a change of type look the same whether they are safe or not.

    Raises:
        NotInstalled: there is no squawk here, as usual in production.
        MigratorError: env.py or squawk failed.
    """
    found = examine(config, revisions, traced=False).findings
    return [finding for finding in found if finding.rule not in UNDECIDED]


def examine(
    config: Config, revisions: Sequence[Script], *, together: bool = True, traced: bool = True
) -> Verdict:
    """Look at revisions, oldest first.

    Args:
        together: they are deployed at once, so that what one creates is empty for the next; else
            each is judged as if it came alone.
        traced: try them on a scratch database, too.

    Raises:
        NotInstalled: there is no squawk here.
        MigratorError: env.py, squawk or the scratch database failed.
    """
    if not revisions or settings.dialect_name(config) != "postgresql":
        return Verdict(())
    squawk.program()
    seen = trace.run(config, revisions, together=together) if traced else []
    rendered = tried.fill(offline.render(config, chain.load(config), revisions), seen)
    found = judging.judge(rendered, together=together)
    compared = tried.compare(found, seen) if traced else tried.Compared(tuple(found), ())
    notes = dict.fromkeys(f"{s.script.revision}: {note}" for s in seen for note in s.notes)
    everything: list[Finding] = []
    for script in revisions:
        path = str(script.module.__file__)
        everything += acknowledgements.apply(
            [finding for finding in compared.findings if finding.revision == script.revision],
            acknowledgements.read(path),
            script.revision,
            path,
            judged=[each for each in compared.cleared if each.revision == script.revision],
            traced=traced,
        )
    return Verdict(
        tuple(finding for finding in everything if not finding.accepted),
        tuple(finding for finding in everything if finding.accepted),
        compared.cleared,
        tuple(notes),
    )
