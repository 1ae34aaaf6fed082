"""The picture: the longest request by tool, on a logarithmic scale, as SVG.

It is read on GitHub in light and in dark mode, so it brings a background of its own, and follows
what the reader's system prefers.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from benchmarks.underload.requests import SLOW
from benchmarks.underload.results import NOTHING, Results, summary

LEFT, RIGHT, TOP, LINE, WIDTH = 300, 190, 92, 34, 920
LOW, HIGH = 1.0, 10_000.0  # milliseconds
# No variables of CSS, which not every viewer knows; the later rules win.
STYLE = """
text { font: 14px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
.title { font-size: 17px; font-weight: 600; } .faint { font-size: 13px; fill: #59636e; }
.number { text-anchor: end; } .axis { text-anchor: middle; }
.paper { fill: #ffffff; } .grid { stroke: #d1d9e0; }
.limit { stroke: #59636e; stroke-dasharray: 5 4; }
.good { fill: #0a7d5c; stroke: #0a7d5c; } .bad { fill: #c4432b; stroke: #c4432b; }
.hollow { fill: #ffffff; stroke-width: 2; } .other { opacity: 0.55; }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc; } .faint { fill: #9198a1; } .limit { stroke: #9198a1; }
.paper { fill: #0d1117; } .grid { stroke: #3d444d; }
.good { fill: #3fc49b; stroke: #3fc49b; } .bad { fill: #f0795f; stroke: #f0795f; }
.hollow { fill: #0d1117; }
}
"""


def draw(results: Results, tools: Sequence[str], change: str, words: str) -> str:
    """Return the picture: a dot for each change, and a large one with a number for `change`."""
    shown = ["", *(tool for tool in tools if results.of(tool))]
    height = TOP + LINE * len(shown) + 74
    box = {"viewBox": f"0 0 {WIDTH} {height}", "role": "img", "aria-labelledby": "title"}
    root = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", **box})
    SubElement(root, "title", {"id": "title"}).text = f"Longest request during {words}, by tool"
    SubElement(root, "style").text = STYLE
    whole = {"width": str(WIDTH), "height": str(height), "rx": "8"}
    SubElement(root, "rect", {**whole, "class": "paper"})
    _text(root, 24, 34, "The longest request while a migration is deployed", "title")
    about = f"Large dot and number: {words}; small: other changes; hollow: not applied."
    _text(root, 24, 57, f"Milliseconds, logarithmic. {about}", "faint")
    _axis(root, TOP + LINE * len(shown))
    for number, tool in enumerate(shown):
        _tool(root, results, tool, change, TOP + LINE * number + LINE / 2)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _tool(root: Element, results: Results, tool: str, change: str, y: float) -> None:
    _text(root, LEFT - 20, y + 5, tool or NOTHING, "number")
    found = {trial.change for trial in results.of(tool)}
    # The large dot is the last one, above the others.
    for each in sorted(found, key=lambda name: name == change):
        trials = results.of(tool, each)
        middle = summary(trials)
        colour = "good" if middle.max_ms <= SLOW * 1000 else "bad"
        large = each == change or not tool
        classes = [colour, "" if large else "other"]
        if tool and middle.applied < middle.n:
            classes.append("hollow")
        at = {"cx": f"{_x(middle.max_ms):.1f}", "cy": f"{y:.1f}", "r": "7" if large else "4"}
        dot = SubElement(root, "circle", {**at, "class": " ".join(filter(None, classes))})
        SubElement(dot, "title").text = f"{each}: {middle.max_ms:,.0f} ms"
        if large:
            said = f"{middle.max_ms:,.0f} ms"
            if tool and middle.applied < middle.n:
                said = f"{said}, not applied"
            _text(root, WIDTH - 24, y + 5, said, "number")


def _axis(root: Element, bottom: float) -> None:
    for power in range(round(math.log10(LOW)), round(math.log10(HIGH)) + 1):
        x = f"{_x(10**power):.1f}"
        ends = {"x1": x, "x2": x, "y1": str(TOP - 8), "y2": str(bottom)}
        SubElement(root, "line", {**ends, "class": "grid"})
        _text(root, float(x), bottom + 20, f"{10**power:,}", "faint axis")
    x = f"{_x(SLOW * 1000):.1f}"
    ends = {"x1": x, "x2": x, "y1": str(TOP - 8), "y2": str(bottom + 28)}
    SubElement(root, "line", {**ends, "class": "limit"})
    _text(root, float(x), bottom + 46, "250 ms: somebody notices", "faint axis")


def _x(milliseconds: float) -> float:
    share = math.log(max(milliseconds, LOW) / LOW) / math.log(HIGH / LOW)
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _text(root: Element, x: float, y: float, text: str, classes: str) -> None:
    at = {"x": f"{x:.1f}", "y": f"{y:.1f}", "class": classes}
    SubElement(root, "text", at).text = text


def write(path: Path, picture: str) -> None:
    """Write a picture, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(picture, encoding="utf-8")
