"""Play: a plan on paths of shocks, against the planner's own outcome, loops over single paths, and shocks by hand."""

import functools
import itertools
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config.shocks import Shock
from engine.errors import InputError
from engine.optimize.plan import by_draw
from engine.optimize.rules import problem_of
from engine.response.curves import Family, Mixture
from engine.stress.levels import levels
from engine.stress.luck import met
from engine.stress.play import Paths, outcomes, paths_of, works
from engine.stress.setting import foreseen
from tests.stress.scenes import BUDGET, asked, calm, curves, set_up, surely

HORIZONS = {
    "one split of a year like any other": ("horizon", ""),
    "one split after a history": ("horizon", ', carry_over = "history"'),
    "by quarter": ("quarter", ""),
    "by quarter, without a tail": ("quarter", ", tail = 0"),
    "by quarter of a year like any other": ("quarter", ', carry_over = "cycle"'),
    "by month": ("month", ""),
}
GOALS = {
    "outcome": "",
    "profit with a discount": '[goal]\nmaximise = "profit"\nmargin = 0.4\ndiscount_rate = 0.12\n',
}
STORM = """
[[shocks]]
kind = "price"
channels = ["c0", "c2"]
factor = 1.4
from = 2027-02-12
onset = 5
until = 2027-10-01
recovery = 3
expected = true
[[shocks]]
kind = "effectiveness"
channels = ["c1"]
factor = 0.6
from = 2027-06-17
expected = true
[[shocks]]
kind = "outage"
channels = ["c1"]
from = 2027-03-10
until = 2027-05-05
expected = true
[[shocks]]
kind = "demand"
factor = 0.85
from = 2027-09-01
until = 2027-12-12
recovery = 4
expected = true
[[shocks]]
kind = "season"
factor = 1.5
shift = 3
from = 2027-11-15
until = 2027-12-06
expected = true
[[shocks]]
kind = "competitor"
factor = 1.6
elasticity = -0.2
from = 2027-01-20
expected = true
"""
LESS = {  # harsher with each factor
    "price": (1.0, 1.2, 2.0, 8.0),
    "effectiveness": (1.0, 0.7, 0.2, 0.0),
    "demand": (1.0, 0.8, 0.5, 0.1),
    "competitor": (1.0, 1.5, 3.0, 9.0),
}


def every(told, paths):
    """The first paths, as many as there are draws or a multiple of them."""
    return Paths(np.arange(paths), np.arange(told.curves.draws))


def played(told, found, money=None):
    """Outcome of all draws by row and channel."""
    count = max([told.curves.draws, *(len(one.comes) for one in found)])
    money = told.money[None] if money is None else money
    return outcomes(told, works(told, every(told, count)), levels(told, found), money, count)


def totals(told, found):
    return played(told, found).sum(axis=(1, 2))


@functools.cache
def yearly(decide, more, goal):
    """Curves of which one is S-shaped, their plan without shocks, and its setting."""
    held, scenario = curves(slopes=(0.8, 1.7, 1.0)), asked(BUDGET + goal, decide=decide, more=more)
    return held, scenario, *set_up(held, scenario)


@pytest.fixture
def lasting(monkeypatch):
    """What was spent before counts until its end: where it counts as faded depends on the draws looked at together."""
    monkeypatch.setattr("engine.optimize.over_time.decisions.FADED", -1.0)


def by_week(problem, cells):
    """The money of each channel by period."""
    money = cells.reshape(len(problem.names), -1)
    if problem.ways:
        return np.array([row @ way.pace for row, way in zip(money, problem.ways, strict=True)]).T
    return np.array([row[0] * payoff.timing.pace for row, payoff in zip(money, problem.payoffs, strict=True)]).T


@pytest.mark.parametrize("goal", GOALS.values(), ids=GOALS)
@pytest.mark.parametrize(("decide", "more"), HORIZONS.values(), ids=HORIZONS)
def test_without_shocks_paths_bring_what_the_plan_says_draw_by_draw(decide, more, goal):
    held, scenario, told, plan = yearly(decide, more, goal)
    outcome, _ = by_draw(problem_of(held, scenario), plan.cells)
    found = played(told, ()).sum(axis=1)
    assert found == pytest.approx(outcome.T, rel=1e-12)
    assert found.sum(axis=1).mean() == pytest.approx(plan.chosen.outcome.mean, rel=1e-12)


@pytest.mark.parametrize("goal", GOALS.values(), ids=GOALS)
@pytest.mark.parametrize(("decide", "more"), HORIZONS.values(), ids=HORIZONS)
def test_shocks_bring_what_the_planner_reckons_who_knows_them_draw_by_draw(decide, more, goal):
    """The planner's own outcome of any plan under the same shocks, and that plan's money met by them as a surprise."""
    held, _, usual, _ = yearly(decide, more, goal)
    problem = problem_of(held, asked(BUDGET + goal + STORM, decide=decide, more=more))
    cells = np.random.default_rng(3).uniform(0, 20_000, len(problem.names) * problem.decisions)
    wanted, _ = by_draw(problem, cells)
    shocks = asked(BUDGET + STORM).shocks
    money = by_week(problem, cells)
    paths = 3 * held.draws
    found = [surely(one, paths) for one in shocks]
    came = outcomes(usual, works(usual, every(usual, paths)), levels(usual, found), money[None], paths)
    assert came.shape == (paths, usual.rows, 3)
    assert came.sum(axis=1) == pytest.approx(np.tile(wanted.T, (3, 1)), rel=1e-9)
    many = played(usual, found, np.repeat(money[None], paths, 0))
    assert many == pytest.approx(came, rel=1e-12, abs=1e-9)


def test_shocks_that_the_plan_reckons_with_are_no_surprise():
    held, scenario = curves(), asked(BUDGET + STORM)
    told, plan = set_up(held, scenario)
    assert played(told, ()).sum(axis=(1, 2)).mean() == pytest.approx(plan.chosen.outcome.mean, rel=1e-12)
    assert foreseen(scenario).shocks == scenario.shocks
    known = asked(BUDGET + STORM.replace("expected = true", ""))
    assert foreseen(known).shocks == ()


def test_tiers_are_refused():
    text = BUDGET + "[channels.c0]\ntiers = [{ above = 10_000, price = 0.9 }]\n"
    with pytest.raises(InputError, match="tiers"):
        set_up(curves(), asked(text, decide="horizon"))


@pytest.fixture(scope="module")
def told():
    """A plan by quarter on concave, nearly straight and S-shaped curves."""
    return set_up(curves(slopes=(0.7, 1.0, 2.2)), asked())[0]


def test_a_price_on_all_weeks_is_that_much_less_money(told):
    price = Shock(kind="price", factor=1.6)
    found, cheaper = played(told, [surely(price)]), played(told, (), told.money[None] / 1.6)
    assert found == pytest.approx(cheaper, rel=1e-12)


def test_a_demand_on_all_weeks_is_that_much_more_outcome(told):
    assert played(told, [surely(Shock(kind="demand", factor=0.7))]) == pytest.approx(0.7 * played(told, ()))


def test_two_points_by_hand(told):
    """A third of the paths at half the effect: the mean is that of both."""
    paths = 3 * told.curves.draws
    share = np.arange(paths) % 3 == 0
    found = totals(told, [surely(Shock(kind="demand", factor=0.5, chance=1 / 3), paths, comes=share)])
    assert found == pytest.approx(np.tile(totals(told, ()), 3) * np.where(share, 0.5, 1.0))


def test_a_straight_curve_loses_what_its_price_takes():
    """On a power curve next to a straight line, twice the price is half the outcome of the money."""
    held = curves()
    line = {"ceiling": np.full(4, 9e5), "halfway": np.full(4, 3e5), "slope": np.full(4, 1.0)}
    straight = replace(held, channels=tuple(replace(one, saturation=Family("power", line)) for one in held.channels))
    told = set_up(straight, asked())[0]
    price = Shock(kind="price", factor=2.0, chance=0.5)
    comes = np.arange(8) < 4
    found = totals(told, [surely(price, 8, comes=comes)])
    assert found == pytest.approx(np.tile(totals(told, ()), 2) * np.where(comes, 0.5, 1.0), rel=1e-9)


@pytest.mark.parametrize("width", [0.1, 0.6])
@pytest.mark.parametrize("kind", ["demand", "price"])
def test_symmetric_shocks_average_to_nothing_on_straight_curves(kind, width):
    """As much more as less, of effect or of contacts: each draw meets both, and the mean of both is the plan."""
    held = curves()
    line = {"ceiling": np.full(4, 9e5), "halfway": np.full(4, 3e5), "slope": np.full(4, 1.0)}
    straight = replace(held, channels=tuple(replace(one, saturation=Family("power", line)) for one in held.channels))
    told = set_up(straight, asked())[0]
    size = np.repeat([1 - width, 1 + width], 4)
    factor = 1 / size if kind == "price" else size  # contacts that money buys are symmetric, so prices are not
    late = Shock(kind=kind, factor=1.0, **{"from": date(2027, 3, 19)}, onset=3)
    low, high = totals(told, [surely(late, 8, factor=factor)]).reshape(2, -1)
    assert (low + high) / 2 == pytest.approx(totals(told, ()), rel=1e-9)
    assert np.all(high > low * (1 + width / 10))


@pytest.mark.parametrize("first", [None, date(2027, 6, 10)])
@pytest.mark.parametrize("kind", LESS)
def test_a_harsher_shock_is_never_better_on_any_path(told, kind, first):
    more = {"elasticity": -0.3} if kind == "competitor" else {}
    found = [
        played(told, [surely(Shock.model_validate({"kind": kind, "factor": size, "from": first, **more}))])
        for size in LESS[kind]
    ]
    for milder, harsher in itertools.pairwise(found):
        assert np.all(harsher <= milder + 1e-9)
    assert found[-1].sum() < 0.999 * found[0].sum()


def test_less_money_is_never_better(told):
    found = [played(told, (), share * told.money[None]) for share in (1.0, 0.8, 0.3, 0.0)]
    for more, less in itertools.pairwise(found):
        assert np.all(less <= more + 1e-9)
    assert not found[-1].any()


def test_many_paths_are_a_loop_over_single_ones(lasting):
    text = (
        BUDGET
        + """
[[shocks]]
name = "a"
kind = "price"
factor = { p05 = 0.8, p95 = 1.6 }
from = 2027-02-01
onset = 4
within = 30
chance = 0.6
[[shocks]]
name = "b"
kind = "demand"
factor = { low = 0.5, mode = 0.9, high = 1.2 }
from = 2027-05-01
until = 2027-08-01
recovery = 8
[[shocks]]
name = "c"
kind = "season"
factor = 1.5
shift = 4
chance = 0.5
from = 2027-11-15
until = 2027-12-06
"""
    )
    told = set_up(curves(), asked(text))[0]
    paths = every(told, 12)
    money = np.random.default_rng(1).uniform(0, 2000, (12, told.periods, 3))
    scenario = told.planned
    together = outcomes(told, works(told, paths), levels(told, met(scenario, scenario.shocks, 5, paths.number)), money)
    for path in range(12):
        alone = Paths(np.array([path]), np.array([path % 4]))
        luck = levels(told, met(scenario, scenario.shocks, 5, alone.number))
        single = outcomes(told, works(told, alone), luck, money[path : path + 1])
        assert together[path] == pytest.approx(single[0], rel=1e-10, abs=1e-9)


@settings(max_examples=15)
@given(st.lists(st.floats(0.0, 0.9), min_size=4, max_size=4))
def test_effects_as_far_above_as_below_1_leave_the_mean_as_it_is(told, away):
    """Outcome is linear in effects: paths with opposite luck cancel."""
    factor = 1 + np.concatenate([away, -np.array(away)])
    shock = Shock.model_validate({"kind": "effectiveness", "factor": 1.0, "from": date(2027, 5, 5), "onset": 6})
    found = totals(told, [surely(shock, 8, factor=factor)])
    assert (found[:4] + found[4:]) / 2 == pytest.approx(totals(told, ()), rel=1e-12)


@pytest.mark.parametrize(("count", "draws", "together"), [(10, 4, 8), (3, 4, 100), (8, 4, 1), (25, 4, 9), (1, 1, 1)])
def test_pieces_hold_each_path_once_and_each_draw_as_often_as_the_others(count, draws, together):
    pieces = paths_of(count, draws, together)
    assert np.concatenate([piece.number for piece in pieces]).tolist() == list(range(count))
    for piece in pieces:
        assert len(piece.number) == piece.repeats * len(piece.draws)
        assert np.all(np.diff(piece.draws) > 0)
        assert piece.draws.max() < draws
    used = np.bincount(np.concatenate([np.tile(one.draws, one.repeats) for one in pieces]), minlength=draws)
    assert used.max() - used.min() <= 1


def test_some_draws_of_a_mixture_of_families_bring_what_they_bring_among_all(lasting):
    held = curves()
    parts = held.channels[0].saturation.parameters
    both = Mixture(
        (
            Family("hill", {name: values[:2] for name, values in parts.items()}),
            Family("exponential", {name: parts[name][2:] for name in ("ceiling", "halfway")}),
        )
    )
    mixed = replace(held, channels=(replace(held.channels[0], saturation=both), *held.channels[1:]))
    told = set_up(mixed, asked())[0]
    whole = played(told, ())
    some = Paths(np.arange(2), np.array([1, 3]))
    assert outcomes(told, works(told, some), calm(told), told.money[None]) == pytest.approx(whole[[1, 3]], rel=1e-12)
