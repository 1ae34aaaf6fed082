"""Which modules `autoimport_exclude` leaves out."""

import pytest

from migrator.config.exclusions import Exclusions

MODULES = [
    "core.models",
    "core.models.order",
    "core.models.tests",
    "core.models.tests.factories",
    "core.models.deep.tests.factories",
    "core.models.contests",
    "core.models.test_data",
]
TESTS = {
    "core.models.tests",
    "core.models.tests.factories",
    "core.models.deep.tests.factories",
}


@pytest.mark.parametrize(
    ("pattern", "excluded"),
    [
        ("tests", TESTS),
        ("*.tests", TESTS),
        ("core.models.tests", TESTS - {"core.models.deep.tests.factories"}),
        ("core/models/tests/", TESTS - {"core.models.deep.tests.factories"}),
        ("*.tests.*", TESTS - {"core.models.tests"}),
        ("test_*", {"core.models.test_data"}),
        ("core.models.o*", {"core.models.order"}),
        ("core", set(MODULES)),
        ("models.tests", set()),
        ("test", set()),
    ],
)
def test_a_name_excludes_what_is_below_it(pattern: str, excluded: set[str]) -> None:
    exclusions = Exclusions([pattern])
    assert {each for each in MODULES if exclusions.exclude(each)} == excluded
    assert [*exclusions.unused()] == ([] if excluded else [pattern])


def test_a_folder_of_caches_is_no_mistake() -> None:
    assert [*Exclusions(["__pycache__", "tets"]).unused()] == ["tets"]
