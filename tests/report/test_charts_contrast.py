"""Whatever a chart draws stands out from the page, in the light and in the dark."""

import re
from html.parser import HTMLParser
from importlib.resources import files

import numpy as np
import pytest

from engine.report.charts.course import contributions_chart, outcome_chart
from engine.report.charts.look import PAPER
from engine.report.charts.returns import returns_chart
from engine.report.charts.shares import shares_chart
from engine.report.charts.spending import spending_chart
from engine.report.render import VARIABLES, svg
from tests.report.drawn_plans import plan_made
from tests.report.fits import fit_of
from tests.report.test_charts_drawn import CHARTS
from tests.report.test_look import light

LEAST = 3.0  # of marks against what is beside them: Web Content Accessibility Guidelines 2.2, 1.4.11
DECORATION = 0.2  # opacity up to which a surface only leads the eye from mark to mark
SHOWN = re.compile("role-mark|role-legend-symbol")  # groups of marks
NAMES = tuple(f"channel {at}" for at in range(20))  # five of each kind: all of its shades
FIT = fit_of(NAMES)
DRAWN = {
    **CHARTS,
    "many shades": lambda: spending_chart(plan_made(NAMES, np.ones(20), np.arange(20.0, 0.0, -1.0), decisions=4)),
    "contributions": lambda: contributions_chart(FIT),
    "fitted": lambda: outcome_chart(FIT),
    "returns": lambda: returns_chart(FIT),
    "shares": lambda: shares_chart(FIT),
}


def themes():
    """What stands for each colour of the look: in the light, and in the dark."""
    style = files("engine.report.page").joinpath("page.css").read_text("utf-8")
    found = []
    for part in style.split(":root {")[1:3]:
        known = dict(re.findall(r"--([\w-]+): (#\w{6})", part.partition("}")[0]))
        found.append({colour: known[name] for colour, name in VARIABLES.items()})
    return dict(zip(("light", "dark"), found, strict=True))


class Marks(HTMLParser):
    """Fill and edge, with their opacities, of everything that shows data or explains a colour; no words."""

    def __init__(self, drawing):
        super().__init__()
        self.groups, self.found = [], []
        self.feed(drawing)

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        if tag == "g":
            self.groups.append(told.get("class", ""))
        elif tag in ("path", "line", "rect") and self.groups and SHOWN.search(self.groups[-1]):
            self.found.append([side for side in map(told_side(told), ("fill", "stroke")) if side[0].startswith("#")])

    handle_startendtag = handle_starttag

    def handle_endtag(self, tag):
        if tag == "g":
            self.groups.pop()


def told_side(told):
    """How the inside or the edge of a mark is painted."""
    whole = float(told.get("opacity", 1))
    return lambda side: (told.get(side, "none").lower(), whole * float(told.get(f"{side}-opacity", 1)))


def contrast(colour, opacity, theme):
    """Of a colour upon the page."""
    paper, ink = (
        np.array([int(one[at : at + 2], 16) for at in (1, 3, 5)]) for one in (theme[PAPER], theme.get(colour, colour))
    )
    seen = "#" + "".join(f"{round(part):02x}" for part in opacity * ink + (1 - opacity) * paper)
    levels = sorted(float(np.dot([0.2126, 0.7152, 0.0722], light(one))) + 0.05 for one in (seen, theme[PAPER]))
    return levels[1] / levels[0]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", DRAWN)
def test_every_mark_or_its_edge_stands_out_from_the_page(name, scheme):
    theme, seen = themes()[scheme], 0
    for sides in Marks(svg(DRAWN[name]())).found:
        if any(opacity > DECORATION for _, opacity in sides):
            assert max(contrast(*side, theme) for side in sides) >= LEAST, sides
            seen += 1
    assert seen > 1
