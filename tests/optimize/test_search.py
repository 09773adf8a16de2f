"""Branch and bound, and the grid that starts it, against slow oracles that know neither tables nor envelopes."""

import numpy as np
import pytest

from engine.optimize import branch, program
from engine.optimize.branch import UndecidedError, search
from engine.optimize.dynamic import best_on_grid
from engine.optimize.rules import broken
from engine.optimize.solve import _scale, _tables, _tightened, groups_of, routed, solve

STEPS = 12  # of the exhaustive grid


def random_rules(rng, count, budget):
    """Floors, caps, minimum flights and locks on the exhaustive grid, so that it can keep them."""
    unit, text = budget / STEPS, ""
    for at in range(count):
        text += f"[channels.c{at}]\n"
        draw = rng.random()
        if draw < 0.25:
            text += f"floor = {float(unit * rng.integers(1, 3))!r}\n"
        if 0.15 < draw < 0.5:
            text += f"cap = {float(unit * rng.integers(3, 9))!r}\n"
        if 0.4 < draw < 0.75:
            text += f"minimum_flight = {float(unit * rng.integers(1, 4))!r}\n"
        if draw > 0.9:
            text += f"locked = {float(unit * rng.integers(0, 3))!r}\n"
    return text


def random_groups(rng, count, overlapping):
    text, cut = "", int(rng.integers(1, count))
    names = [f"c{at}" for at in range(count)]
    for at, members in enumerate((names[:cut], names[cut - 1 :] if overlapping else names[cut:])):
        low = float(rng.integers(0, 4)) / STEPS
        high = min(1.0, low + float(rng.integers(2, 8)) / STEPS)
        text += f"[groups.g{at}]\nchannels = {members}\nshare = {{ min = {low!r}, max = {high!r} }}\n"
    return text


def asked_at(make, seed, overlapping=False, fixed=None):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 5))
    held = make.random_curves(rng, count)
    budget = float(rng.uniform(40, 150) * count)
    drawn, profit = rng.random() < 0.6, rng.random() < 0.3
    fixed = drawn if fixed is None else fixed
    text = f"budget = {{ {'total' if fixed else 'at_most'} = {budget!r} }}\n"
    text += 'goal = { maximise = "profit", margin = 0.8 }\n' if profit else ""
    text += random_rules(rng, count, budget)
    text += random_groups(rng, count, overlapping) if rng.random() < 0.5 or overlapping else ""
    return held, make.scenario(text), budget, {"margin": 0.8, "cost": 1.0} if profit else {}


def agrees(make, seed, overlapping):
    """The planner against every spend of a grid; whether there is a plan."""
    held, asked, budget, goal = asked_at(make, seed, overlapping)
    problem = make.problem_of(held, asked)
    solved = solve(problem)
    on_grid, best = make.enumerated(asked, held, budget, STEPS, **goal)
    if solved is None:
        assert on_grid is None
        return False
    assert make.kept(asked, held, solved.spend)
    assert solved.value == pytest.approx(make.worth(held, solved.spend, **goal), rel=1e-9)
    slack = 1e-9 * solved.gross
    assert solved.bound >= best - slack
    assert solved.value >= best - 1e-3 * abs(best) - slack
    assert solved.bound >= solved.value
    assert solved.gap <= 1e-3
    return True


@pytest.mark.parametrize("seed", range(36))
def test_no_spend_of_an_exhaustive_grid_beats_the_bound(make, seed):
    """Seed 27 is one on which HiGHS, given steep segments as they are, cut off the plan to spend nothing."""
    agrees(make, seed, overlapping=False)


def test_most_of_these_questions_have_a_plan(make):
    assert sum(agrees(make, seed, overlapping=False) for seed in range(60, 84)) > 12


@pytest.mark.parametrize("seed", range(12))
def test_neither_does_it_where_groups_overlap(make, seed):
    agrees(make, seed + 1000, overlapping=True)


@pytest.mark.parametrize("slope", [(0.5, 1.0), (0.5, 3.0), (1.5, 4.0), (2.5, 4.0)])
@pytest.mark.parametrize("flights", [False, True])
def test_twelve_channels_match_dynamic_programming(make, slope, flights):
    rng = np.random.default_rng(int(10 * slope[1]) + flights)
    held = make.random_curves(rng, 12, slope=slope)
    budget = 12 * 70.0
    bounds, text = [], f"budget = {{ total = {budget!r} }}\n"
    for at in range(12):
        floor, cap = float(rng.choice([0.0, 0.0, 10.0])), float(rng.choice([budget, 140.0]))
        flight = float(rng.choice([0.0, 60.0])) if flights and not floor else 0.0
        bounds.append((floor, cap, flight))
        text += f"[channels.c{at}]\nfloor = {floor!r}\ncap = {cap!r}\nminimum_flight = {flight!r}\n"
    solved = solve(make.problem(held, text))
    best = make.best_on_fine_grid(held, budget, bounds)
    assert solved.bound >= best * (1 - 1e-12)
    assert solved.value >= best * (1 - 1e-4)
    assert solved.gap <= 1e-3


@pytest.mark.parametrize("seed", range(12))
def test_search_and_the_mixed_integer_program_bound_each_other(make, seed):
    held, asked, _, _ = asked_at(make, seed + 3000, fixed=True)
    problem = make.problem_of(held, asked)
    tables, groups = _tables(problem, {}, _scale(problem)), groups_of(problem)
    low = max(0.0, problem.budget.low)
    one, other = search(tables, low, problem.budget.high, groups), program.solve(problem, tables)
    assert (one is None) == (other is None)
    if one is None:
        return
    assert not broken(problem, one.spend)
    assert not broken(problem, other.spend)
    values = [sum(np.interp(x, t.spend, t.value) for x, t in zip(f.spend, tables, strict=True)) for f in (one, other)]
    slack = 1e-7 * sum(float(np.ptp(table.upper)) for table in tables)
    assert one.bound >= max(values) - slack
    assert other.bound >= max(values) - slack


@pytest.mark.parametrize("overlapping", [False, True])
def test_no_route_needs_its_bound_lifted_to_the_value_of_the_polished_plan(make, overlapping):
    """`solve` never reports a bound below its value; here the bound is looked at before that."""
    for seed in range(5000, 5005):
        held, asked, _, _ = asked_at(make, seed, overlapping)
        problem = make.problem_of(held, asked)
        solved = solve(problem)
        if solved is not None:
            tight = _tightened(problem)
            found, _ = routed(tight, _tables(tight, {}, _scale(tight)))
            assert found.bound >= solved.value - 1e-9 * solved.gross


def steep(make, count=8):
    held = make.random_curves(np.random.default_rng(4), count, slope=(2.5, 4.0))
    problem = make.problem(held, f"budget = {{ total = {60.0 * count} }}\n")
    return problem, _tables(problem, {}, _scale(problem))


def test_a_search_that_stops_early_says_so_in_its_bound(make, monkeypatch):
    problem, tables = steep(make)
    high = problem.budget.high
    whole = search(tables, high, high)
    monkeypatch.setattr(branch, "NODES", 1)
    monkeypatch.setattr(branch, "STEPS", 7)
    early = search(tables, high, high)
    assert early.nodes <= 1 < whole.nodes
    assert early.bound >= whole.bound
    value = sum(float(np.interp(x, t.spend, t.value)) for x, t in zip(early.spend, tables, strict=True))
    assert early.bound - value > 1e-3 * value


def test_a_search_without_a_plan_does_not_call_the_rules_impossible(make, monkeypatch):
    """It once did: three flights of which just two fit, and a grid that misses them."""
    held = make.curves(*(make.channel(f"c{at}") for at in range(3)))
    flights = "".join(f"[channels.c{at}]\nminimum_flight = 45.1\ncap = 50.0\n" for at in range(3))
    problem = make.problem(held, "budget = { total = 91.0 }\n" + flights)
    monkeypatch.setattr(branch, "NODES", 0)
    monkeypatch.setattr(branch, "STEPS", 3)
    with pytest.raises(UndecidedError):
        search(_tables(problem, {}, _scale(problem)), 91.0, 91.0)
    solved = solve(problem)
    assert sorted(solved.spend > 1) == [False, True, True]
    assert "mixed-integer" in solved.route


def test_a_forbidden_gap_is_left_even_where_the_envelope_costs_nothing(make):
    """A channel that earns nothing has a flat envelope: there is no excess to cut, yet its gap is forbidden."""
    held = make.curves(make.channel("dead", 0.0), make.channel("live"))
    solved = solve(
        make.problem(
            held, "budget = { total = 100 }\n[channels.dead]\nminimum_flight = 50\n[channels.live]\ncap = 80\n"
        )
    )
    assert solved.spend == pytest.approx([50.0, 50.0])
    assert solved.gap <= 1e-4


def test_the_grid_is_the_best_of_the_grid(make):
    held = make.random_curves(np.random.default_rng(5), 3, slope=(2.0, 4.0))
    text = "budget = { total = 180 }\n[channels.c1]\nminimum_flight = 30\n[channels.c2]\nfloor = 20\n"
    asked = make.scenario(text)
    problem = make.problem_of(held, asked)
    tables = _tables(problem, {}, 1e-3 * _scale(problem))
    found = best_on_grid(tables, 180.0, True, 8)
    _, best = max(
        (
            (spend, make.worth(held, spend))
            for spend in ((20.0 * a, 20.0 * b, 20.0 + 20.0 * (8 - a - b)) for a in range(9) for b in range(9 - a))
            if make.kept(asked, held, spend)
        ),
        key=lambda plan: plan[1],
    )
    assert make.worth(held, found) == pytest.approx(best, rel=1e-4)
    assert best_on_grid(tables, 10.0, True, 8) is None
