"""Proofs of plans over several decisions with S-shaped curves: ceilings over all families, bounds against all plans."""

from dataclasses import replace

import numpy as np
import pytest

from engine.config.loading import parse
from engine.config.scenario import Scenario
from engine.optimize.over_time.ceilings import ceiling, majorant, raised
from engine.optimize.over_time.course import Course, means
from engine.optimize.over_time.decisions import Spent
from engine.optimize.over_time.shapes import Shapes, shapes
from engine.optimize.over_time.spans import Box, Fan, box, whole
from engine.optimize.plan import by_draw, optimize
from engine.optimize.rules import THOROUGH, USUAL, broken, problem_of
from engine.optimize.solve import solve
from engine.response.curves import Channel, Family, History

FAMILIES = {
    "hill": {"slope": (0.4, 1.0, 1.4, 2.0, 4.0)},
    "logistic": {"slope": (1.0, 1.5, 3.0, 8.0, 20.0)},
    "burr": {"slope": (0.6, 1.3, 2.0, 3.0, 5.0), "tail": (0.2, 5.0, 1.0, 0.5, 100.0)},
    "power": {"slope": (0.2, 0.5, 0.7, 0.9, 1.0)},
    "exponential": {},
    "tanh": {},
    "michaelis_menten": {},
}
DRAWS = 5


def course(family, rng, decisions=3, rows=6):
    """A course whose rows reach from nothing to far beyond the halfway spends."""
    shape = {name: np.array(values) for name, values in FAMILIES[family].items()}
    known = {"ceiling": rng.uniform(1, 3, DRAWS), "halfway": rng.uniform(0.7, 1.4, DRAWS), **shape}
    tv = Channel(
        "tv", "paid", Family("geometric", {"retain": np.zeros(DRAWS)}), Family(family, known), History(1.0, 2.0)
    )
    gain = rng.uniform(0, 1, (decisions, rows, DRAWS)) * (rng.random((decisions, rows, 1)) < 0.8)
    offset = rng.uniform(0, 0.3, (rows, DRAWS)) * (rng.random((rows, 1)) < 0.5)
    return Course(tv, gain, offset, rng.uniform(0.5, 1.5, rows), np.zeros(DRAWS))


def within(low, high, total=None):
    """All courses between limits, of some totals."""
    free = Shapes(low, high, (), np.zeros(len(low)))
    return box(free, (low, high), (float(low.sum()), float(high.sum())) if total is None else total)


def some_box(rng, width):
    middle = rng.uniform(0.01, 3.0, 3)
    low, high = middle * (1 - width * rng.random(3)), middle * (1 + width * rng.random(3))
    least, most = np.sort(rng.uniform(low.sum(), high.sum(), 2))
    corners = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T
    courses = np.concatenate([corners, low + rng.random((400, 3)) * (high - low)])
    totals = courses.sum(axis=1)
    return within(low, high, (least, most)), courses[(totals >= least) & (totals <= most)]


def some_fan(rng, width):
    least, most = np.sort(rng.uniform(0.01, 3.0) * (1 + width * rng.uniform(-1, 1, 2)))
    ratios = np.sort(rng.uniform(0.5, 1.5, (2, 1)) * (1 + width * rng.uniform(-0.9, 1, (2, 2))), axis=1)
    steps = rng.uniform(*ratios.T, (60, 2))
    steps[:20] = np.where(rng.random((20, 2)) < 0.5, *ratios.T)
    shapes = np.cumprod(np.column_stack([np.ones(60), steps]), axis=1)
    totals = np.where(rng.random(60) < 0.3, rng.choice([least, most], 60), rng.uniform(least, most, 60))
    return Fan((float(least), float(most)), ratios), totals[:, None] * shapes / shapes.sum(axis=1, keepdims=True)


SPANS = {"a box": some_box, "a fan": some_fan}


@pytest.mark.parametrize("kind", SPANS)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("width", [1e-3, 0.1, 0.5, 1.0])
def test_no_course_of_a_span_earns_more_than_the_ceiling(family, width, kind):
    rng = np.random.default_rng(7)
    for _ in range(12):
        one, odds = course(family, rng), rng.dirichlet(np.ones(DRAWS))
        span, others = SPANS[kind](rng, width)
        if not len(others):
            continue
        money = span.nearest(others[0])
        earned = means(one, others, odds)
        found, rounding = ceiling(one, span, money, odds), 1e-11 * np.abs(earned).max()
        value, slope, bend, top = majorant(one, span.limits, money, odds)
        moved = others - money
        assert (found.height + moved @ found.slope >= earned - rounding).all()
        assert (found.parabola(others) >= earned - rounding).all()
        assert (value + moved @ slope + np.sum(moved @ bend * moved, axis=1) / 2 >= earned - rounding).all()
        assert earned.max() <= top + rounding
        assert found.value == pytest.approx(means(one, money[None], odds)[0], rel=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("width", [0.1, 0.5, 1.0])
def test_mixtures_of_corners_earn_no_more_than_the_corners_raised_and_mixed_alike(family, width):
    rng = np.random.default_rng(11)
    for _ in range(12):
        one, odds = course(family, rng), rng.dirichlet(np.ones(DRAWS))
        span, _ = some_fan(rng, width)
        corners = np.concatenate(span.corners)
        more = raised(one, corners, span.limits, odds)
        heights = means(one, corners, odds) + more
        parts = rng.dirichlet(np.full(len(corners), 0.3), 60)
        earned = means(one, parts @ corners, odds)
        assert np.isnan(more).all() or (earned <= parts @ heights + 1e-11 * np.abs(earned).max()).all()


def test_where_every_curve_bends_upwards_corners_are_not_raised():
    shape = {"ceiling": np.ones(2), "halfway": np.ones(2), "slope": np.full(2, 3.0)}
    tv = Channel("tv", "paid", Family("geometric", {"retain": np.zeros(2)}), Family("hill", shape), History(1.0, 2.0))
    one = Course(tv, np.array([[[1.0, 1.0]], [[0.5, 1.0]]]), np.zeros((1, 2)), np.ones(1), np.zeros(2))
    span = Fan((0.05, 0.4), np.array([[0.8, 1.2]]))
    assert raised(one, np.concatenate(span.corners), span.limits, np.full(2, 0.5)) == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize("kind", SPANS)
@pytest.mark.parametrize("seed", range(20))
def test_halves_of_a_span_hold_all_its_courses_and_what_is_told_of_them(kind, seed):
    rng = np.random.default_rng(seed)
    span, others = SPANS[kind](rng, 0.5)
    while len(others) > 4:  # a half of a half of a half
        halves = span.halves(float(rng.uniform(0, 2) * span.total[1]))
        inside = [[one for one in others if holds(half, one)] for half in halves]
        assert sum(map(len, inside)) >= len(others)
        for axis in rng.normal(size=(3, 3)):
            told, reached = span.most_of(axis), max((float(axis @ one) for one in others), default=-np.inf)
            assert told >= reached - 1e-9 * np.abs(axis).max() * span.total[1]
            height, rise = span.line(axis, span.total[0])
            lines = height + rise * (others.sum(axis=1) - span.total[0])
            assert (lines >= others @ axis - 1e-9 * np.abs(axis).max() * span.total[1]).all()
        at = int(np.argmax([len(one) for one in inside]))
        span, others = halves[at], np.array(inside[at])


@pytest.mark.parametrize(("decisions", "kind"), [(4, Fan), (7, Fan), (12, Box)])
def test_a_fan_has_few_corners_and_more_decisions_are_a_box(decisions, kind):
    ramp = np.tile([0.85, 1.15], (decisions - 1, 1))
    rows = tuple(
        row
        for at, (least, most) in enumerate(ramp.tolist())
        for unit in [np.eye(decisions)]
        for row in ((unit[at + 1] - least * unit[at], 0.0, np.inf), (unit[at + 1] - most * unit[at], -np.inf, 0.0))
    )
    none = np.zeros(decisions)
    held = shapes(none, np.full(decisions, 100.0), list(rows), none, 50.0)
    assert isinstance(whole(held, (1.0, 50.0)), kind)


def holds(span, money):
    """Whether a course is one of a span, told from its definition."""
    slack = 1e-9 * span.total[1]
    (low, high), total = span.limits, money.sum()
    within_limits = (money >= low - slack).all() and (money <= high + slack).all()
    steps = money[1:] / money[:-1]
    fans = (
        not isinstance(span, Fan) or ((steps >= span.ratios[:, 0] - 1e-9) & (steps <= span.ratios[:, 1] + 1e-9)).all()
    )
    return within_limits and fans and span.total[0] - slack <= total <= span.total[1] + slack


def test_a_ceiling_touches_a_mean_that_bends_downwards_though_one_draw_bends_upwards():
    shape = {"ceiling": np.ones(4), "halfway": np.array([0.4, 0.4, 0.4, 1.6]), "slope": np.full(4, 3.0)}
    tv = Channel("tv", "paid", Family("geometric", {"retain": np.zeros(4)}), Family("hill", shape), History(1.0, 2.0))
    one = Course(tv, np.ones((1, 1, 4)), np.zeros((1, 4)), np.ones(1), np.zeros(4))
    money = np.array([0.6])
    found = ceiling(one, within(0.9 * money, 1.1 * money), money, np.full(4, 0.25))
    assert found.height == pytest.approx(found.value, rel=1e-12)


YEAR = 'name = "x"\nhorizon = {{ start = 2027-01-04, periods = 26, decide = "quarter", tail = 8 }}\n{rules}'
RULES = {
    "a ramp": "budget = {{ total = {money} }}\n[ramp]\nmax_change = 0.2\n",
    "no ramp": "budget = {{ total = {money} }}\n",
    "at most, profit": 'budget = {{ at_most = {money} }}\ngoal = {{ maximise = "profit", margin = 0.6 }}\n',
    "doubt": "budget = {{ total = {money} }}\ngoal = {{ prudence = 0.5 }}\n",
    "flights": "budget = {{ total = {money} }}\n[every_channel]\nminimum_flight = 3_000\n",
    "budgets by quarter": "budget = {{ total = {money}, quarters = [{half}, {half}] }}\n",
    "a share": 'budget = {{ total = {money} }}\n[groups.e]\nkinds = ["earned"]\nshare = {{ min = 0.3 }}\n',
}


def steep(make, seed, slopes=(2.5, 3.5)):
    rng = np.random.default_rng(seed)
    found = []
    for at, slope in enumerate(slopes):
        level = rng.uniform(500, 1500)
        known = {
            "ceiling": 3 * level * np.exp(0.2 * rng.standard_normal(3)),
            "halfway": level * np.exp(0.2 * rng.standard_normal(3)),
            "slope": slope * np.exp(0.1 * rng.standard_normal(3)),
        }
        retain = Family("geometric", {"retain": rng.uniform(0.2, 0.7, 3)})
        history = History(0.6 * level, 2 * level, tuple((level * rng.uniform(0.3, 1.0, 60)).tolist()))
        found.append(Channel(f"c{at}", ("paid", "earned")[at % 2], retain, Family("hill", known), history))
    return make.curves(*found)


def posed(make, rules, seed, money):
    text = YEAR.format(rules=RULES[rules].format(money=money, half=money / 2))
    return problem_of(steep(make, seed), parse(text, Scenario, "q.toml"))


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize(("seed", "money"), [(1, 22_000), (2, 40_000)])
def test_no_plan_on_a_grid_beats_a_proven_bound(make, rules, seed, money):
    problem = posed(make, rules, seed, money)
    solved = solve(replace(problem, effort=THOROUGH))
    assert solved.proven
    assert solved.bound >= solved.value
    steps = np.arange(13) / 12 * money
    cells = np.array(np.meshgrid(*[steps] * 3)).reshape(3, -1).T
    best = -np.inf
    for first in cells[cells.sum(axis=1) <= money * (1 + 1e-9)]:
        spend = np.append(first, max(0.0, money - first.sum()))
        if not broken(problem, spend):
            moved = spend.reshape(2, 2).sum(axis=1)
            toll = sum(float(pay.doubted(one[None])[0]) for pay, one in zip(problem.payoffs, moved, strict=True))
            best = max(best, float(by_draw(problem, spend)[1].mean()) - toll)
    assert best <= solved.bound + 1e-9 * abs(solved.bound)


@pytest.mark.parametrize("seed", range(4))
def test_s_shaped_quarters_on_a_ramp_are_certified(make, seed):
    solved = solve(replace(posed(make, "a ramp", seed, 30_000), effort=USUAL))
    assert solved.proven
    assert solved.gap <= 1e-3
    assert "proven" in solved.route


def test_a_plan_says_whether_its_bound_is_proven(make):
    text = YEAR.format(rules=RULES["a ramp"].format(money=30_000))
    held, asked = steep(make, 1), parse(text, Scenario, "q.toml")
    estimated, proven = (optimize(held, asked, priced=False, effort=effort) for effort in (0, USUAL))
    assert (estimated.certified, proven.certified) == (False, True)
    assert not estimated.proven
    assert proven.proven
    assert proven.chosen.value.mean >= estimated.chosen.value.mean * (1 - 1e-6)


@pytest.mark.parametrize(
    ("periods", "ramp", "flight", "money"),
    [(27, 0.15, 800, 40_000), (14, 0.15, 800, 40_000), (26, 1.0, 12_000, 28_000)],
    ids=str,
)
def test_uneven_decisions_beside_minimum_flights_lose_no_plan(make, periods, ramp, flight, money):
    """A short last decision lets a ramp rise far, and a full one may land: not all decisions fly, or all at once."""
    draw, halfway = Family("geometric", {"retain": np.array([0.3])}), 300.0 if ramp == 1.0 else 500.0
    shapes = {"c0": (halfway, 2000.0, 2.5), "c1": (900.0, 3000.0, 3.0)}
    named = {
        name: Family("hill", dict(zip(("halfway", "ceiling", "slope"), map(np.atleast_1d, shape), strict=True)))
        for name, shape in shapes.items()
    }
    last = {name: shape[0] for name, shape in shapes.items()}
    held = make.curves(
        *(Channel(name, "paid", draw, hill, History(1.0, 2.0, (last[name],) * 60)) for name, hill in named.items())
    )
    text = (
        f'name = "x"\nhorizon = {{ start = 2027-01-04, periods = {periods}, decide = "quarter", tail = 8 }}\n'
        f"budget = {{ total = {money} }}\n[channels.c0]\nminimum_flight = {flight}\n[ramp]\nmax_change = {ramp}\n"
    )
    problem = problem_of(held, parse(text, Scenario, "q.toml"))
    assert solve(replace(problem, effort=2 * USUAL)).proven  # a bound that is below its own plan is told to be none


def test_a_quarter_that_has_begun_beside_a_minimum_flight_loses_no_plan(make):
    """What is left of the quarter has no flight of its own, so the channel may spend less than one."""
    draw = Family("geometric", {"retain": np.array([0.3])})
    named = {
        "c0": {"halfway": np.array([100.0]), "ceiling": np.array([1000.0]), "slope": np.array([1.0])},
        "c1": {"halfway": np.array([2000.0]), "ceiling": np.array([3000.0]), "slope": np.array([3.0])},
    }
    past = (1.0,) * 60
    held = make.curves(
        *(Channel(name, "paid", draw, Family("hill", one), History(1.0, 2.0, past)) for name, one in named.items())
    )
    text = YEAR.format(rules="budget = { total = 30_000 }\n[channels.c0]\nminimum_flight = 20_000\n")
    problem = problem_of(held, parse(text, Scenario, "q.toml"), Spent(np.zeros((6, 2))))
    solved = solve(replace(problem, effort=USUAL))
    assert solved.proven
    assert solved.gap <= 1e-3
    assert solved.value > 26_500  # that of [0, 1873, 0, 0, 0, 28127]


def two_s_shaped(make):
    """Two channels of one draw that cannot pay at a low margin."""
    shapes_of = {"a": (1000.0, 300.0, 3.0), "b": (900.0, 500.0, 2.0)}
    history = History(100.0, 200.0, (100.0,) * 60)
    known = {
        name: Family("hill", dict(zip(("halfway", "ceiling", "slope"), map(np.atleast_1d, shape), strict=True)))
        for name, shape in shapes_of.items()
    }
    carries = Family("geometric", {"retain": np.array([0.3])})
    return make.curves(*(Channel(name, "paid", carries, curve, history) for name, curve in known.items()))


def test_a_plan_that_is_worth_nothing_is_proven_and_told_in_shares_of_what_could_be_earned(make):
    rules = 'budget = { at_most = 20000 }\ngoal = { maximise = "profit", margin = 0.3 }\n'
    asked = parse(YEAR.format(rules=rules), Scenario, "q.toml")
    found = solve(replace(problem_of(two_s_shaped(make), asked), effort=USUAL))
    assert found.value == pytest.approx(0.0, abs=1e-9)
    assert found.proven
    assert found.gap <= 1e-3


def test_a_loss_that_cannot_be_helped_is_proven_and_progress_tells_how_much_less_it_could_be(make):
    rules = 'budget = { total = 20000 }\ngoal = { maximise = "profit", margin = 0.3 }\n'
    told = []
    asked = parse(YEAR.format(rules=rules), Scenario, "q.toml")
    found = solve(replace(problem_of(two_s_shaped(make), asked), effort=USUAL + 1, tell=told.append))
    more = [float(text.split("no plan earns ")[1].split("%")[0]) for text in told if "no plan earns" in text]
    assert found.value < 0
    assert found.proven
    assert more[0] > more[-1]
    assert more[-1] == pytest.approx(100 * (found.bound - found.value) / abs(found.value), abs=0.01)
