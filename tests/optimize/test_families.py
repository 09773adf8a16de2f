"""Every family is planned with: certified plans against dynamic programming on the curves of the textbook."""

import numpy as np
import pytest

from engine.optimize.plan import optimize
from engine.optimize.plan_file import plan_document
from engine.response.adstock import ADSTOCKS
from engine.response.curves import Channel, Family, History, Mixture
from engine.response.saturation import SATURATIONS

DRAWS = 6
BUDGETS = (40.0, 250.0, 1200.0)


def held_of(make, rng, families):
    """Curves whose channels have the given saturations, without carry-over."""
    plain = Family("geometric", {"retain": np.zeros(DRAWS)})
    channels = [
        Channel(f"c{at}", "paid", plain, family, History(float(rng.uniform(5, 100)), 200.0))
        for at, family in enumerate(families)
    ]
    return make.curves(*channels)


def require_best(make, held, budget):
    """The plan keeps its budget, is worth what it claims, and neither it nor its bound is below the oracle."""
    text = f"budget = {{ total = {budget} }}\n[channels.c0]\nfloor = 5.0\n[channels.c1]\nminimum_flight = 30.0\n"
    plan = optimize(held, make.scenario(text), priced=False)
    bounds = [(5.0, np.inf, 0.0), (0.0, np.inf, 30.0), *[(0.0, np.inf, 0.0)] * (len(held.channels) - 2)]
    best = make.best_on_fine_grid(held, budget, bounds, steps=1500)
    assert sum(plan.chosen.spend) == pytest.approx(budget, rel=1e-9)
    assert plan.chosen.value.mean == pytest.approx(make.worth(held, plan.chosen.spend), rel=1e-9)
    assert plan.certified
    assert plan.bound >= best * (1 - 1e-9)
    assert plan.chosen.value.mean >= best * (1 - 1e-3)


@pytest.mark.parametrize("name", SATURATIONS)
@pytest.mark.parametrize("budget", BUDGETS)
def test_the_plan_of_every_family_is_that_of_dynamic_programming(make, name, budget):
    rng = np.random.default_rng(21)
    require_best(make, held_of(make, rng, [make.random_saturation(rng, name, DRAWS) for _ in range(4)]), budget)


@pytest.mark.parametrize("seed", range(6))
def test_families_may_differ_between_channels(make, seed):
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(sorted(SATURATIONS))[:4]
    held = held_of(make, rng, [make.random_saturation(rng, name, DRAWS) for name in chosen])
    require_best(make, held, BUDGETS[seed % 3])


@pytest.mark.parametrize("seed", range(6))
def test_families_may_differ_between_draws(make, seed):
    rng = np.random.default_rng(100 + seed)

    def mixture():
        first, second = rng.permutation(sorted(SATURATIONS))[:2]
        cut = int(rng.integers(1, DRAWS))
        sizes = ((first, cut), (second, DRAWS - cut))
        return Mixture(tuple(make.random_saturation(rng, name, count) for name, count in sizes))

    require_best(make, held_of(make, rng, [mixture() for _ in range(4)]), BUDGETS[seed % 3])


@pytest.mark.parametrize("slope", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("at_most", [1e4, 1e12])
def test_the_best_profit_of_a_family_without_ceiling_is_its_closed_form(make, slope, at_most):
    """margin * ceiling / 2 * (spend / halfway)^slope - spend is greatest where its derivative is 0."""
    ceiling, halfway, margin = 100.0, 50.0, 0.4
    held = make.curves(make.channel(ceiling=ceiling, halfway=halfway, slope=slope, family="power"))
    goal = 'goal = { maximise = "profit", margin = 0.4 }\n'
    plan = optimize(held, make.scenario(f"budget = {{ at_most = {at_most} }}\n" + goal), priced=False)
    best = halfway * (margin * ceiling * slope / (2 * halfway)) ** (1 / (1 - slope))
    profit = margin * ceiling / 2 * (best / halfway) ** slope - best
    assert plan.certified
    assert plan.chosen.value.mean == pytest.approx(profit, rel=1e-3)
    assert plan.bound >= profit * (1 - 1e-9)
    assert plan.chosen.spend[0] == pytest.approx(best, rel=0.1)


SHAPES = {"retain": 0.6, "peak": 2.0, "shape": 1.6, "scale": 3.0, "retain_slow": 0.92, "slow": 0.4, "onset": 0.5}


def carried(make, adstock, periods):
    """A plan of two channels, one of them on air for its first weeks only, and its outcome period by period."""
    air, radio = make.channel("air", 100.0, 30.0, 2.0), make.channel("radio", 80.0, 40.0, 1.0)
    air = Channel(air.name, air.kind, adstock, air.saturation, air.history)
    text = f"budget = {{ total = {60.0 * periods} }}\n[channels.air]\nflight = {{ until = 2027-01-25 }}\n"
    plan = optimize(make.curves(air, radio), make.scenario(text, periods), priced=False)
    assert plan.certified
    return plan, (air, radio)


@pytest.mark.parametrize("name", ADSTOCKS)
def test_a_plan_with_any_carry_over_earns_what_a_slow_walk_through_its_weeks_says(make, name):
    periods = 8
    adstock = Family(name, {key: np.array([SHAPES[key]]) for key in ADSTOCKS[name].shape})
    plan, channels = carried(make, adstock, periods)
    weights = ADSTOCKS[name].kernel(np.arange(520.0), *(np.array(SHAPES[key]) for key in ADSTOCKS[name].shape))
    total = 0.0
    for week in range(periods):
        stock = sum(weights[lag] * plan.schedule[(week - lag) % periods][0] for lag in range(520))
        total += make.earned(channels[0], stock)[0] + make.earned(channels[1], plan.schedule[week][1])[0]
    assert plan.chosen.value.mean == pytest.approx(total, rel=1e-6)


def test_carry_over_may_differ_between_draws(make):
    slow = Family("two_speed", {"retain": np.array([0.5]), "retain_slow": np.array([0.9]), "slow": np.array([0.3])})
    fast = Family("geometric", {"retain": np.array([0.2])})
    rng = np.random.default_rng(2)
    whole = make.random_saturation(rng, "hill", 2)
    text = "budget = { total = 400.0 }\n[channels.tv]\nflight = { until = 2027-01-25 }\n"

    def outcome(adstock, rows):
        cut = Family("hill", {key: values[rows] for key, values in whole.parameters.items()})
        tv = Channel("tv", "paid", adstock, cut, History(40.0, 80.0))
        return optimize(make.curves(tv), make.scenario(text, 8), priced=False).chosen.value.mean

    both = outcome(Mixture((slow, fast)), slice(None))
    assert both == pytest.approx((outcome(slow, slice(0, 1)) + outcome(fast, slice(1, 2))) / 2, rel=1e-12)


def test_a_plan_file_promises_what_the_plan_gains(make):
    held = make.random_curves(np.random.default_rng(3), 3, draws=40)
    plan = optimize(held, make.scenario("budget = { of_history = 1.0 }\n"), priced=False)
    promise = plan_document(plan)["promise"]
    chosen, before = (
        sum(make.earned(one, money) for one, money in zip(held.channels, split.spend, strict=True))
        for split in (plan.chosen, plan.baseline)
    )
    expected = {"mean": (chosen - before).mean(), "chance_worse": np.mean(chosen < before)}
    for name, share in (("p05", 0.05), ("p50", 0.5), ("p95", 0.95)):
        expected[name] = np.quantile(chosen - before, share)
    assert promise == pytest.approx(expected, rel=1e-9)
