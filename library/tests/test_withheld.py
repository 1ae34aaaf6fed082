"""What revisions print on a shadow database is withheld, unless it may say why one fails."""

import sys

import pytest

from migrator.console import verbosity, withheld


def test_prints_are_withheld(capfd: pytest.CaptureFixture[str]) -> None:
    with withheld.prints():
        print("Dropping everything")
        sys.stdout.reconfigure(encoding="latin-1")  # type: ignore[union-attr]
        sys.stdout.buffer.write(b"bytes")
    print("result")
    assert capfd.readouterr() == ("result\n", "")


def test_verbose_shows_them(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(verbosity.VARIABLE, verbosity.VERBOSE)
    with withheld.prints():
        print("row 17: ä")
    assert capfd.readouterr().out == "row 17: ä\n"


def test_a_failure_shows_them(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError), withheld.prints():
        print("row 17: ä")
        print(1 / 0)
    assert capfd.readouterr() == ("", "row 17: ä\n")
