"""Whole numbers over several decisions: bounds that no plan in steps exceeds, laws, and what each part promises."""

import itertools

import numpy as np
import pytest

from engine.optimize.discrete import relaxed
from engine.optimize.over_time.course import means
from engine.optimize.over_time.lattice import Lattice, find, lattice
from engine.optimize.over_time.lattice import table as stepped
from engine.optimize.over_time.search import framed, tables_of
from engine.optimize.over_time.several import by_cell, chances, mean_value, spread_over_time
from engine.optimize.rules import broken
from engine.optimize.solve import solve

SHAPES = {"concave": (0.5, 0.9), "near": (0.8, 1.2), "steep": (1.5, 4.0)}
BUDGETS = {"concave": "total", "near": "at_most", "steep": "total"}
STEP = 90.0
BESIDE = {
    "caps": "quarter_cap = 360\n",
    "flights": "minimum_flight = 135\n",
    "ramps": "[ramp]\nmax_change = 0.5\n",
    "a group": '[groups.g]\nchannels = ["c0", "c1"]\ncap = 400\n',
    "profit": '[goal]\nmaximise = "profit"\nmargin = 0.5\n',
    "tolls": "[goal]\nprudence = 0.5\n",
}


def carried(make, seed, count, slope, draws=4):
    """Channels with carry-over."""
    rng = np.random.default_rng(seed)
    held = make.random_curves(rng, count, slope=slope, draws=draws)
    return make.curves(
        *(
            make.channel(
                one.name,
                one.saturation.parameters["ceiling"],
                one.saturation.parameters["halfway"],
                one.saturation.parameters["slope"],
                retain=np.clip(rng.uniform(0.1, 0.7) + 0.05 * rng.standard_normal(draws), 0.0, 0.9),
                mean=one.history.mean,
            )
            for one in held.channels
        )
    )


def worths(problem, plans):
    """What plans earn, by the exact courses alone."""
    total = np.zeros(len(plans))
    for channel, (payoff, way) in enumerate(zip(problem.payoffs, problem.ways, strict=True)):
        own = plans.reshape(len(plans), len(problem.names), -1)[:, channel]
        earned = payoff.margin * means(way.course, own, chances(problem)) - own @ way.cost
        total += earned - payoff.doubted(own.sum(axis=1))
    return total


def best_of_all(problem, steps, cells, fixed):
    """The best of all plans in steps that keep the rules."""
    every = [some for some in itertools.product(range(steps + 1), repeat=cells - 1) if sum(some) <= steps]
    lasts = [(steps - sum(some),) if fixed else range(steps - sum(some) + 1) for some in every]
    plans = STEP * np.array([(*some, end) for some, ends in zip(every, lasts, strict=True) for end in ends])
    worth = worths(problem, plans)
    return next(float(worth[at]) for at in np.argsort(-worth) if not broken(problem, plans[at]))


@pytest.mark.parametrize(("shape", "slope"), SHAPES.items(), ids=SHAPES)
@pytest.mark.parametrize(("beside", "rules"), BESIDE.items(), ids=BESIDE)
def test_no_plan_in_steps_is_above_the_bound_and_the_plan_is_next_to_the_best(make, shape, slope, beside, rules):
    """Two of three channels, two quarters, all plans one after the other."""
    held = carried(make, len(beside) + 7 * len(shape), 3, slope)
    budget = BUDGETS[shape]
    text = f"budget = {{ {budget} = {6 * STEP} }}\n[active]\nmax = 2\n[every_channel]\nstep = {STEP}\n{rules}"
    problem = make.problem_of(held, make.quarterly(text, 26))
    solved = solve(problem)
    best = best_of_all(problem, 6, 6, budget == "total")
    size = max(abs(best), solved.least * solved.gross)
    assert broken(problem, solved.spend) == []
    assert solved.value == pytest.approx(mean_value(problem, solved.spend), rel=1e-12)
    assert solved.bound >= best - 1e-9 * size
    assert solved.value >= best - 1e-3 * size
    assert solved.gap <= 2e-3
    assert solved.proven or shape != "concave"


def test_few_of_twelve_channels_by_quarter_are_certified_and_no_other_choice_is_above_the_bound(make):
    held = carried(make, 1, 12, (0.5, 0.85))
    text = "budget = { total = 19200 }\n"
    solved = solve(make.problem_of(held, make.quarterly(text + "[active]\nmax = 4\n")))
    assert solved.proven and solved.gap <= 1e-3
    free = make.problem_of(held, make.quarterly(text))
    assert solve(free).value > 1.2 * solved.bound  # the number of channels is what costs
    active = np.flatnonzero(by_cell(free, solved.spend).sum(axis=1))
    assert len(active) == 4
    for out, into in itertools.product(active.tolist(), range(12)):
        on = set(active.tolist()) - {out} | {into}
        shut = "".join(f"[channels.c{at}]\ncap = 0\n" for at in range(12) if at not in on)
        other = make.problem_of(held, make.quarterly(text + shut))
        split = np.array([4800.0 if at in on else 0.0 for at in range(12)]) * 4 / len(on)
        assert mean_value(other, spread_over_time(other, split)) <= solved.bound


@pytest.mark.parametrize(("shape", "slope"), SHAPES.items(), ids=SHAPES)
def test_more_active_channels_and_finer_steps_never_earn_less(make, shape, slope):
    held = carried(make, 3 + len(shape), 4, slope)

    def asked(rules):
        return solve(make.problem_of(held, make.quarterly("budget = { total = 2400 }\n" + rules, 26)))

    counted = [asked(f"[active]\nmax = {most}\n") for most in (1, 2, 3)]
    steps = [asked(f"[every_channel]\nstep = {step}\n") for step in (300, 150)]
    for chain in (counted, steps, [counted[-1], asked("")], [steps[-1], asked("")]):
        for fewer, more in itertools.pairwise(chain):
            assert more.value >= fewer.value * (1 - 5e-4)
            assert more.bound >= fewer.value * (1 - 1e-9)


def test_steps_go_with_budgets_of_quarters(make):
    held = carried(make, 5, 3, (0.5, 0.9))
    total = 6 * STEP
    text = f"budget = {{ total = {total}, quarters = [{2 * STEP}, {4 * STEP}] }}\n[active]\nmax = 2\n"
    problem = make.problem_of(held, make.quarterly(text + f"[every_channel]\nstep = {STEP}\n", 26))
    solved = solve(problem)
    best = best_of_all(problem, 6, 6, True)
    assert solved.proven and solved.bound >= best * (1 - 1e-9)
    assert solved.value >= best * (1 - 1e-3) and solved.gap <= 2e-3


def seen(make, slope, draws, step):
    """The courses in steps of a channel, and its table without."""
    held = carried(make, 4, 2, slope, draws)
    text = f"budget = {{ total = 1000 }}\n[every_channel]\nstep = {step}\n"
    free = relaxed(make.problem_of(held, make.quarterly(text, 39)))
    spend = np.full(6, 1000 / 6)
    tables = tables_of(free, framed(free), [(0.0, spend)], np.zeros(len(free.rules)))
    one = lattice(tables.views[0], float(step), tables.known[0])
    assert isinstance(one, Lattice)
    return free, one, tables.known[0]


@pytest.mark.parametrize(("slope", "draws"), [((0.5, 0.9), 4), ((1.5, 4.0), 4)])
def test_courses_in_steps_promise_no_less_than_they_earn_and_the_best_of_a_total_is_found(make, slope, draws):
    free, one, known = seen(make, slope, draws, 100)
    course, margin = free.courses[0], free.payoffs[0].margin
    earned = margin * means(course, one.courses, chances(free)) - one.charge
    assert len(one.courses) == sum(1 for some in itertools.product(range(11), repeat=3) if sum(some) <= 10)
    assert np.all(one.promise >= earned - 1e-9 * earned.max())
    find(one, [700.0])
    assert one.proven
    assert one.value[one.at(700.0)].max() == pytest.approx(earned[one.at(700.0)].max(), rel=1e-9)
    cut = stepped(one, known)
    best = [earned[one.at(total)].max() for total in cut.spend.tolist()]
    assert np.all(cut.upper >= np.array(best) - 1e-9 * earned.max())
    assert cut.upper[7] == pytest.approx(best[7], rel=1e-9)


def test_promises_on_some_of_the_draws_are_called_estimates(make):
    _, one, _ = seen(make, (1.5, 4.0), 600, 40)
    assert not one.proven
