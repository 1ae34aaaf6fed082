"""The page of a history in a real browser: large, hostile, searched and used with the keyboard."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from migrator.diagrams import history_page
from migrator.diagrams.history_page import Database, History, Revision
from migrator.diagrams.table_changes import Line, TableChange
from tests.pictures.browser import dom

HOSTILE = (
    "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='x'\">"
)
NUMBER, TABLES = 1000, 500
# What a user does, and what is there then; a copy of the page without its policy runs it.
USE = """
const log = {};
const press = (key) => document.activeElement.dispatchEvent(
  new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
const items = () => [...document.querySelectorAll("#" + current + " > .item")];
const seen = () => items().filter((element) => !element.hidden).length;
log.all = seen();
press("/");
log.focus = document.activeElement.id;
byId("search").value = "table_0499"; byId("search").dispatchEvent(new Event("input"));
log.found = seen();
press("ArrowDown");
log.row = document.activeElement.className;
document.activeElement.click();
log.open = document.activeElement.getAttribute("aria-expanded");
log.details = document.querySelectorAll(".details .change").length;
document.activeElement.click();
log.closed = document.querySelectorAll(".details").length;
press("ArrowUp");
log.back = document.activeElement.id;
press("Escape");
log.cleared = seen();
document.querySelectorAll("nav button")[2].click();
log.tables = seen();
byId("search").value = "TABLE_0123"; byId("search").dispatchEvent(new Event("input"));
log.table = seen();
log.wide = document.documentElement.scrollWidth > window.innerWidth;
log.labels = [...document.querySelectorAll("button, input")].every(
  (e) => e.textContent.trim() || e.getAttribute("aria-label"));
document.body.replaceChildren(JSON.stringify(log));
"""
EXPECTED = {
    "all": NUMBER,
    "focus": "search",
    "found": 2,
    "row": "row",
    "open": "true",
    "details": 1,
    "closed": 0,
    "back": "search",
    "cleared": NUMBER,
    "tables": TABLES,
    "table": 1,
    "wide": False,
    "labels": True,
}


def revision(number: int) -> Revision:
    name = f"table_{number % TABLES:04}"
    line = Line("column", HOSTILE, "integer", "bigint")
    parents: tuple[str, ...] = (f"r{number - 1:04}",) if number else ()
    if number % 100 == 99:  # beside the one before, and merged by the next
        parents = (f"r{number - 2:04}",)
    elif number % 100 == 0 and number:
        parents = (f"r{number - 1:04}", f"r{number - 2:04}")
    return Revision(
        revision=f"r{number:04}",
        message=f"{HOSTILE} {number}",
        file=f"migrations/versions/{number}.py",
        date="2026-11-30 10:00",
        phase="contract" if number % 7 == 0 else "expand, non-transactional",
        parents=parents,
        on_branch=number > NUMBER - 3,
        changes=(TableChange("table", name, (line,)),),
        sql=f"ALTER TABLE {name} -- {HOSTILE}",
    )


@pytest.fixture(scope="module")
def page() -> str:
    return history_page.write(
        History(
            title=HOSTILE,
            revisions=tuple(revision(number) for number in reversed(range(NUMBER))),
            databases=(Database(f"development {HOSTILE}", ("r0500",)),),
            branch=HOSTILE,
            branch_changes=(TableChange("table", HOSTILE, (Line("index", "i", None, HOSTILE),)),),
            tables=tuple(f"table_{number:04}" for number in range(TABLES)),
            notes=(HOSTILE,),
        )
    )


def test_it_needs_no_network_and_only_its_own_script_may_run(page: str) -> None:
    assert not re.search(r'(?:src|href)="', page.split('<script type="application/json"')[0])
    assert page.count("<script") == 2
    assert "default-src 'none'" in page
    assert "@import" not in page and "url(" not in page


def test_nothing_in_the_data_becomes_markup(page: str, tmp_path: Path) -> None:
    file = tmp_path / "history.html"
    file.write_text(page, encoding="utf-8")
    shown = dom(file)
    assert "<img" not in shown
    assert shown.count("<script") == 2
    title = re.search("<title>(.*?)</title>", shown)
    assert title and title[1].endswith(": history")
    assert len(re.findall('class="row"', shown)) == NUMBER + TABLES


@pytest.mark.parametrize("size", ["390,844", "1280,900"])
def test_it_is_searched_and_used_with_the_keyboard(page: str, tmp_path: Path, size: str) -> None:
    file = tmp_path / "history.html"
    free = re.sub("<meta http-equiv=.*?>", "", page, flags=re.DOTALL)
    file.write_text(free.replace("</body>", f"<script>{USE}</script></body>"), encoding="utf-8")
    found = re.search(r"<body>(\{.*?\})\s*</body>", dom(file, f"--window-size={size}"), re.DOTALL)
    assert found
    assert json.loads(found[1]) == EXPECTED
