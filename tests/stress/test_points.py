"""Points: few weighted weeks of single draws that bring what all weeks of all draws bring in the mean."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from engine.optimize.over_time.course import means
from engine.optimize.over_time.several import by_cell
from engine.optimize.rules import problem_of
from engine.response.curves import Curves, Family, Mixture, respond, respond_with_rate
from engine.stress.points import MOST, points_of
from engine.stress.setting import foreseen
from tests.stress.scenes import BUDGET, asked, set_up, weekly

DRAWS = 40
SHOCKED = """
[[shocks]]
kind = "price"
channels = ["c0"]
factor = 1.5
from = 2027-05-03
expected = true
[[shocks]]
kind = "demand"
factor = 0.6
from = 2027-09-01
expected = true
"""


def saturations(rng, kind):
    """Some draws of a channel that spends about 1000 a week."""
    around = {"ceiling": 3000.0, "halfway": 1000.0}
    held = {name: value * np.exp(0.2 * rng.standard_normal(DRAWS)) for name, value in around.items()}
    slope = np.exp(0.05 * rng.standard_normal(DRAWS)) * {"concave": 0.7, "S-shaped": 2.6}.get(kind, 1.2)
    if kind == "mixture":
        half = [{name: values[part] for name, values in held.items()} for part in (slice(24), slice(24, None))]
        return Mixture((Family("hill", half[0] | {"slope": slope[:24]}), Family("exponential", half[1])))
    return Family("hill", held | {"slope": slope})


def posed(kinds, text="", decide="quarter", more=""):
    rng = np.random.default_rng(4)
    held = Curves(
        "USD",
        "revenue",
        "week",
        tuple(weekly(rng, f"c{at}", 1.0, DRAWS, saturation=saturations(rng, kind)) for at, kind in enumerate(kinds)),
    )
    scenario = asked(BUDGET + text, decide=decide, more=more)
    told, plan = set_up(held, scenario)
    return told, problem_of(held, foreseen(scenario)), plan.cells


def by_points(points, channels, cells):
    """Mean outcome of each channel by the points alone, beyond what comes anyway."""
    value = respond(points.curve, cells @ points.gain + points.offset) * points.weight
    return np.bincount(points.channel, value, channels) - points.anyway.sum(axis=1)


def exact(problem, cells):
    odds = np.full(DRAWS, 1 / DRAWS)
    return np.array(
        [means(one, row[None], odds)[0] for one, row in zip(problem.courses, by_cell(problem, cells), strict=True)]
    )


ASKED = {
    "concave": (("concave", "concave"), {}),
    "S-shaped": (("S-shaped", "concave"), {}),
    "mixtures of families": (("mixture", "concave", "mixture"), {}),
    "by month": (("concave", "mixture"), {"decide": "month"}),
    "a year like any other": (("concave", "mixture"), {"more": ', carry_over = "cycle"'}),
    "shocks that the plan reckons with": (("concave", "concave"), {"text": SHOCKED}),
    "profit with a discount": (
        ("concave", "mixture"),
        {"text": '[goal]\nmaximise = "profit"\nmargin = 0.9\ndiscount_rate = 0.1\n'},
    ),
}


@pytest.fixture(scope="module", params=ASKED.values(), ids=ASKED)
def told(request):
    """A setting, its problem, the cells of its plan and their points."""
    kinds, more = request.param
    setting, problem, cells = posed(kinds, **more)
    return setting, problem, cells, points_of(setting, problem)


def test_points_bring_what_all_draws_bring_in_the_mean_all_around_the_plan(told):
    setting, problem, cells, points = told
    luck = np.random.default_rng(1)
    for spread in (0.0, 0.3, 0.6):
        for _ in range(6):
            money = cells * luck.uniform(1 - spread, 1 + spread, len(cells))
            wanted = exact(problem, money)
            found = by_points(points, len(setting.names), money)
            assert np.abs(found - wanted).max() <= 5e-3 * wanted.sum()


def test_far_below_the_plan_points_bring_what_draws_bring_that_differ_much():
    rng, wide = np.random.default_rng(4), np.random.default_rng(5)
    around = {"ceiling": (3000.0, 1.0), "halfway": (1000.0, 1.0), "slope": (1.6, 0.2)}

    def bent():
        return Family(
            "hill", {name: value * np.exp(size * wide.standard_normal(DRAWS)) for name, (value, size) in around.items()}
        )

    held = Curves(
        "USD", "revenue", "week", tuple(weekly(rng, f"c{n}", 1.0, DRAWS, saturation=bent()) for n in range(4))
    )
    setting, plan = set_up(held, asked(BUDGET))
    problem = problem_of(held, foreseen(setting.planned))
    points = points_of(setting, problem)
    for level in (0.05, 0.1, 0.2):
        found = by_points(points, 4, level * plan.cells).sum()
        assert found == pytest.approx(exact(problem, level * plan.cells).sum(), rel=8e-3)


def test_points_bring_it_span_by_span(told):
    """Spans as sums of weeks, by a loop over all draws."""
    setting, problem, cells, points = told
    value = respond(points.curve, cells @ points.gain + points.offset) * points.weight
    ends = [*setting.spans.tolist(), setting.rows]
    for channel, (course, money) in enumerate(zip(problem.courses, by_cell(problem, cells), strict=True)):
        if len(course.weight) != setting.rows:
            continue
        by_row = course.weight * respond(course.channel, course.stock(money)).mean(axis=1)
        for span, (begin, end) in enumerate(itertools.pairwise(ends)):
            mine = value[(points.channel == channel) & (points.span == span)].sum()
            assert mine == pytest.approx(by_row[begin:end].sum(), rel=5e-3, abs=5e-3 * by_row.sum())


def test_slopes_by_points_are_those_of_the_means(told):
    _, problem, cells, points = told
    rate = respond_with_rate(points.curve, cells @ points.gain + points.offset)[1]
    mine = points.gain @ (rate * points.weight)
    step = 1e-4 * cells.mean()
    for cell in range(0, len(cells), 3):
        if cells[cell] < 0.2 * cells.mean():
            continue
        there = [exact(problem, cells + side * step * np.eye(len(cells))[cell]).sum() for side in (1, -1)]
        assert mine[cell] == pytest.approx((there[0] - there[1]) / (2 * step), rel=2e-2)


def test_weights_are_never_below_0_and_points_few(told):
    setting, _, _, points = told
    assert np.all(points.weight > 0)
    where = points.channel * len(setting.spans) + points.span
    counts = np.bincount(where, minlength=len(setting.names) * len(setting.spans))
    assert counts.max() <= MOST
    assert counts.min() >= 1
    assert len(points.weight) == points.curve.saturation.draws == points.gain.shape[1]


def test_weights_of_a_span_add_up_to_what_its_weeks_are_worth(told):
    setting, _, _, points = told
    for channel, found in enumerate(setting.found):
        for span, worth in enumerate(np.add.reduceat(found.worth, setting.spans).tolist()):
            mine = points.weight[(points.channel == channel) & (points.span == span)].sum()
            assert mine == pytest.approx(worth, rel=2e-2)


def test_no_decision_works_before_it_begins(told):
    setting, problem, _, points = told
    if not setting.planned.horizon.from_history:
        return
    gain = points.gain.reshape(len(setting.names), problem.decisions, -1)
    for decision in range(problem.decisions):
        assert not gain[:, decision, points.span < decision].any()
    for channel in range(len(setting.names)):
        assert not gain[channel][:, points.channel != channel].any()


def test_a_channel_that_brings_nothing_does_no_harm():
    """Its points, where a plan expects it to be worth nothing, weigh nothing."""
    text = '[[shocks]]\nkind = "effectiveness"\nchannels = ["c1"]\nfactor = 0.0\nexpected = true\n'
    setting, problem, cells = posed(("concave", "concave"), text)
    points = points_of(setting, problem)
    assert by_points(points, 2, cells) == pytest.approx(exact(problem, cells), rel=5e-3, abs=1e-9)


def test_the_same_question_has_the_same_points():
    setting, problem, _ = posed(("concave", "S-shaped"))
    one, two = points_of(setting, problem), points_of(replace(setting), problem)
    assert np.array_equal(one.weight, two.weight)
    assert np.array_equal(one.gain, two.gain)
