"""Every new chart is drawn: specs compile, hostile names stay text, and drawings are small."""

import re

import numpy as np
import pytest

from engine.report.charts.curves import Planned, response_chart
from engine.report.charts.fan import course_chart, stressed_course_chart
from engine.report.charts.funnel import funnel_chart
from engine.report.charts.journeys import PHONE, journeys_chart
from engine.report.charts.look import SLIM
from engine.report.charts.moves import moves_chart
from engine.report.charts.ranges import policies_chart, scenarios_chart
from engine.report.charts.returns import APART, Square, returns_chart, ticks_of
from engine.report.charts.risk import outcomes_chart
from engine.report.charts.shocked import bridge_chart, tornado_chart
from engine.report.charts.spending import spending_chart
from engine.report.page.drawn import drawn
from engine.report.page.records import Figure
from engine.report.render import svg, themed
from engine.simulate.stages import LADDERS
from tests.report.charted import HOSTILE, MARKS
from tests.report.drawn_plans import AFTER, BEFORE, plan_made
from tests.report.fits import fit_of
from tests.report.test_charts_journeys import routes_of, stages_of, world_of
from tests.report.test_charts_quarters import RANGES
from tests.report.test_charts_render import texts
from tests.report.test_charts_stress import ANSWERS

PLAN = plan_made(HOSTILE, (*BEFORE, 1.0), (*AFTER, 7.0), decisions=4, scenario=HOSTILE[0])
FOUND = ANSWERS["hostile"]
WORLD = world_of(routes_of(HOSTILE), stages_of(LADDERS["business"], [7.0] * len(LADDERS["business"].moves)))
CHARTS = {
    "moves": lambda: moves_chart(PLAN),
    "response": lambda: response_chart(fit_of(HOSTILE).curves, {name: Planned(9.0, (1.0, 20.0)) for name in HOSTILE}),
    "spending": lambda: spending_chart(PLAN),
    "course": lambda: course_chart(PLAN, RANGES),
    "stressed course": lambda: stressed_course_chart(FOUND, FOUND.cases[-1].policies[0]),
    "tornado": lambda: tornado_chart(FOUND),
    "bridge": lambda: bridge_chart(FOUND),
    "policies": lambda: policies_chart(FOUND, FOUND.cases[-1]),
    "outcomes": lambda: outcomes_chart(FOUND, FOUND.cases[-1].policies[0], np.linspace(4e3, 8e3, 10_000)),
    "scenarios": lambda: scenarios_chart([PLAN, plan_made(scenario=HOSTILE[1])]),
    "funnel": lambda: funnel_chart(WORLD),
    "journeys": lambda: journeys_chart(WORLD, {HOSTILE[0]: "paid"}),
}
ON_PHONES = {
    "tornado on a phone": lambda: tornado_chart(FOUND, SLIM),
    "funnel on a phone": lambda: funnel_chart(WORLD, SLIM),
    "journeys on a phone": lambda: journeys_chart(WORLD, {HOSTILE[0]: "paid"}, PHONE),
    "returns on a phone": lambda: returns_chart(fit_of(HOSTILE), SLIM),
}
CHARTS |= ON_PHONES
WIDEST = 460  # pixels of a drawing that a phone shows at 80 % and more of its size
NAMELESS = {
    "course",
    "funnel",
    "funnel on a phone",
    "outcomes",
    "policies",
    "stressed course",
}  # they show no name from data on a mark


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_is_drawn_small_with_hostile_names_as_text(name):
    spec = CHARTS[name]()
    drawing = svg(spec)
    page = themed(drawing, spec["description"])
    assert len(drawing) <= 100_000 and "NaN" not in drawing and "undefined" not in "".join(texts(drawing))
    assert "<script" not in page.lower() and "http" not in page.replace("http://x", "")
    assert name in NAMELESS or any(mark in told for told in texts(page) for mark in MARKS)


@pytest.mark.parametrize("name", ON_PHONES)
def test_charts_whose_labels_are_placed_have_a_form_for_phones(name):
    spec = ON_PHONES[name]()
    chart = drawn(Figure(name, {**spec, "width": 900}, slim=spec))
    wide, slim = (re.search(r'viewBox="0 0 ([0-9.]+)', one) for one in (chart.views[0].svg, chart.views[0].slim))
    assert float(slim.group(1)) <= WIDEST < float(wide.group(1))


@pytest.mark.parametrize("reach", [1.5, 3.0, 9.9, 60.0, 1e4, 1e9])
@pytest.mark.parametrize("side", [430, SLIM])
def test_numbers_of_an_axis_of_returns_stand_apart_and_1_is_among_them(reach, side):
    square, ticks = Square(reach, side), ticks_of(Square(reach, side))
    places = [square.pixel(float(tick)) for tick in ticks]
    assert 1 in ticks and max(ticks) <= reach
    assert (0 in ticks) == (square.pixel(1.0) >= APART)
    assert min(np.diff(places)) >= APART
    assert [square.value(place) for place in places] == pytest.approx(ticks, rel=1e-9, abs=1e-9)
