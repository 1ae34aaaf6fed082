"""Recall and precision of lint on revisions of all kinds: alone, as in a deploy, and with a trial.

A false alarm costs more than its share: people who have seen two suppress the third, which is true.
"""

import pytest

from tests.conftest import Renderer
from tests.lint import device_cases, forum_cases, order_variations
from tests.lint.catch_cases import Case
from tests.lint.order_cases import SCHEMA, TOGETHER, cases
from tests.lint.test_catch_matrix import ask

CASES = cases()
MORE = order_variations.cases()
PRECISION = 0.98
Verdicts = dict[str, list[str]]


@pytest.fixture(scope="session")
def alone(renderer: Renderer) -> Verdicts:
    """The rules that each case breaks, by its text."""
    found: Verdicts = renderer.once(
        "orders alone", lambda: ask(renderer, SCHEMA, [*CASES, *MORE], "--no-trace")
    )
    return found


@pytest.fixture(scope="session")
def together(renderer: Renderer) -> Verdicts:
    """Likewise, after a trial."""
    found: Verdicts = renderer.once("orders together", lambda: ask(renderer, SCHEMA, CASES))
    return found


@pytest.fixture(scope="session", params=[forum_cases, device_cases], ids=["forum", "devices"])
def others(renderer: Renderer, request: pytest.FixtureRequest) -> tuple[list[Case], Verdicts]:
    """Cases on other tables, and the rules that they break, with a trial where they need one."""
    schema, alone, trial = request.param.SCHEMA, request.param.alone(), request.param.together()
    found: Verdicts = renderer.once(
        request.param.__name__,
        lambda: ask(renderer, schema, alone, "--no-trace") | ask(renderer, schema, trial),
    )
    return [*alone, *trial], found


def figures(cases: list[Case], verdicts: Verdicts, title: str) -> tuple[float, float]:
    """Recall and precision; what is wrong is printed."""
    caught = [each for each in cases if each.unsafe and verdicts[each.name]]
    missed = [each for each in cases if each.unsafe and not verdicts[each.name]]
    alarms = [each for each in cases if not each.unsafe and verdicts[each.name]]
    for each in missed:
        print(f"{title}: missed: {each.row}: {each.body}")
    for each in alarms:
        print(f"{title}: false alarm {verdicts[each.name]}: {each.row}: {each.body}")
    recall = len(caught) / (len(caught) + len(missed))
    precision = len(caught) / (len(caught) + len(alarms))
    print(f"{title}: recall {recall:.2f}, precision {precision:.2f} of {len(cases)}")
    return recall, precision


def test_there_are_enough() -> None:
    assert len([each for each in CASES if each.unsafe]) >= 60
    assert len([each for each in CASES if not each.unsafe]) >= 50


def test_alone(alone: Verdicts) -> None:
    recall, precision = figures([*CASES, *MORE], alone, "alone")
    assert recall >= 0.85
    assert precision >= PRECISION
    # Where it cannot look it says so, which is not the same as seeing it.
    blind = [each for each in (*CASES, *MORE) if alone[each.name] == ["not-linted"]]
    assert [each.body for each in blind if each.row not in TOGETHER] == []


def test_on_other_tables(others: tuple[list[Case], Verdicts]) -> None:
    cases, verdicts = others
    assert figures(cases, verdicts, "other tables") == (1.0, 1.0)


def test_together(together: Verdicts) -> None:
    recall, precision = figures(CASES, together, "together")
    assert recall >= 0.97
    assert precision >= PRECISION
