"""Every new chart is drawn: specs compile, hostile names stay text, and drawings are small."""

import numpy as np
import pytest

from engine.report.charts.curves import Planned, response_chart
from engine.report.charts.fan import course_chart, stressed_course_chart
from engine.report.charts.funnel import funnel_chart
from engine.report.charts.journeys import journeys_chart
from engine.report.charts.moves import moves_chart
from engine.report.charts.ranges import policies_chart, scenarios_chart
from engine.report.charts.risk import outcomes_chart
from engine.report.charts.shocked import bridge_chart, tornado_chart
from engine.report.charts.spending import spending_chart
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
NAMELESS = {"course", "funnel", "outcomes", "policies", "stressed course"}  # they show no name from data on a mark


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_is_drawn_small_with_hostile_names_as_text(name):
    spec = CHARTS[name]()
    drawing = svg(spec)
    page = themed(drawing, spec["description"])
    assert len(drawing) <= 100_000 and "NaN" not in drawing and "undefined" not in "".join(texts(drawing))
    assert "<script" not in page.lower() and "http" not in page.replace("http://x", "")
    assert name in NAMELESS or any(mark in told for told in texts(page) for mark in MARKS)
