"""Least returns: as intervals of one channel by brute force, as priced rows against all splits of a grid, refused."""

from dataclasses import replace

import numpy as np
import pytest

from engine.errors import InfeasibleError, InputError, UntrustworthyError
from engine.optimize.plan import optimize
from engine.optimize.returns import search
from engine.optimize.returns.spans import spans
from engine.optimize.rules import broken, problem_of
from engine.optimize.solve import Solved, solve

CURVED = {
    "concave": (100.0, 50.0, 1.0, 1.0),
    "steep at 0": (100.0, 50.0, 0.5, 1.0),
    "S-shaped": (100.0, 50.0, 3.0, 1.0),
    "just enough": (100.0, 50.0, 3.0, 1.05),
    "never enough": (100.0, 50.0, 3.0, 1.2),
    "two steps": ([60.0, 100.0], [5.0, 500.0], 12.0, 0.03),
    "in yen": (1e12, 5e11, 2.0, 0.8),
}


@pytest.mark.parametrize("marginal", [False, True], ids=["average", "margin"])
@pytest.mark.parametrize(("ceiling", "halfway", "slope", "least"), CURVED.values(), ids=CURVED)
def test_spans_hold_every_spend_that_brings_enough_and_no_other(make, ceiling, halfway, slope, least, marginal):
    one = make.channel("tv", ceiling, halfway, slope)
    payoff = make.problem(make.curves(one), "budget = { total = 100 }\n").payoffs[0]
    found = spans(payoff, least, 100.0, marginal)
    spend = np.geomspace(1e-7, 40, 20_001) * float(np.max(halfway))
    step = spend * 1e-6
    brings, less, more = (make.earned(one, part[:, None]).mean(axis=1) for part in (spend, spend - step, spend + step))
    rate = (more - less) / (2 * step) if marginal else brings / spend
    inside = np.any([(spend >= low) & (spend <= high) for low, high in found] or [np.zeros(len(spend), bool)], axis=0)
    sure = np.abs(rate / least - 1) > 1e-4
    assert (inside[sure] == (rate >= least)[sure]).all()


def test_a_least_return_is_a_cap_and_with_an_s_shape_a_minimum_flight_too(make):
    held = make.curves(make.channel("tv", 100.0, 50.0, 3.0), make.channel("pr", 300.0, 80.0))
    text = "budget = { at_most = 300 }\n[channels.tv]\nleast_roas = 1\n[channels.pr]\nleast_roas = 1.5\n"
    problem = make.problem(held, text)
    golden = (1 + 5**0.5) / 2  # tv: s^2 / (1 + s^3) = 1/2 has the roots 1 and the golden section, in units of 50
    assert (problem.flight[0], problem.upper[0]) == pytest.approx((50.0, 50.0 * golden), rel=1e-7)
    assert problem.upper[1] == pytest.approx(120.0, rel=1e-7)  # 300 / (80 + x) = 1.5
    plan = optimize(held, make.scenario(text))
    assert plan.certified and all(line.spend <= line.outcome.mean * 1.0000001 for line in plan.lines)
    assert "cap of pr by least_roas 1.5" in plan.binding


@pytest.mark.filterwarnings("error")
def test_a_return_far_beyond_any_other_leaves_no_money_and_no_number_overflows(make):
    payoff = make.problem(make.curves(make.channel("tv", 100.0, 50.0, 3.0)), "budget = { total = 100 }\n").payoffs[0]
    assert all(high <= 1e-9 for _, high in spans(payoff, 1e15, 100.0, marginal=False))


def test_channels_that_never_bring_enough_get_nothing(make):
    held = make.curves(make.channel("tv", 100.0, 50.0, 3.0), make.channel("pr", 300.0, 80.0))
    plan = optimize(held, make.scenario("budget = { total = 100 }\n[channels.tv]\nleast_roas = 1.2\n"))
    assert plan.chosen.spend == (0.0, 100.0)


def test_a_marginal_return_is_met_by_the_last_unit_that_is_spent(make):
    held = make.curves(make.channel("tv", 300.0, 50.0), make.channel("pr", 300.0, 80.0))
    text = "budget = { at_most = 900 }\n[every_channel]\nleast_marginal_roas = 1.5\n"
    plan = optimize(held, make.scenario(text))
    assert [line.marginal for line in plan.lines] == pytest.approx([1.5, 1.5], rel=1e-6)
    both = optimize(held, make.scenario("budget = { target_marginal_roas = 1.5 }\n"))  # the same money, found
    assert plan.chosen.spend == pytest.approx(both.chosen.spend, rel=1e-3)


def test_spends_between_two_spans_are_left_out(make):
    held = make.curves(make.channel("tv", [60.0, 100.0], [5.0, 60.0], 12.0), make.channel("pr", [20.0, 20.0], 60.0))
    text = "budget = { total = 50 }\n[channels.tv]\nleast_marginal_roas = 0.3\n"
    problem = make.problem(held, text)
    ((low, high),) = problem.returns[0].holes
    found = solve(problem)
    assert broken(problem, found.spend) == []
    splits = np.linspace(0, 50, 5001)
    least, most = problem.flight[0], problem.upper[0]
    allowed = splits[(splits == 0) | ((splits >= least) & (splits <= low)) | ((splits >= high) & (splits <= most))]
    best = max(make.worth(held, (money, 50 - money)) for money in allowed)
    assert found.bound >= best >= found.value * (1 - 1e-4) and found.gap <= 1e-3


def grid_best(make, held, total, rows, steps=160):
    """The best of all splits of a total over three channels whose groups bring enough; the first two are the groups."""
    grid = np.linspace(0, total, steps + 1)
    brings = [np.array([make.earned(one, money).mean() for money in grid]) for one in held.channels]
    first, second = np.meshgrid(np.arange(steps + 1), np.arange(steps + 1), indexing="ij")
    first, second = first[first + second <= steps], second[first + second <= steps]
    parts = np.array([first, second, steps - first - second])
    outcome = np.array([each[at] for each, at in zip(brings, parts, strict=True)])
    keeps = np.ones(len(first), bool)
    for inside, least in rows:
        keeps &= inside @ outcome >= least * (inside @ grid[parts]) - 1e-9
    return float(outcome.sum(axis=0)[keeps].max(initial=-np.inf))


@pytest.mark.parametrize("seed", range(6))
def test_groups_that_must_bring_enough_are_planned_as_well_as_all_splits_of_a_grid(make, seed):
    rng = np.random.default_rng(seed)
    held = make.random_curves(rng, 3, slope=(0.5, 1.0) if seed < 3 else (1.5, 4.0))
    total = float(rng.uniform(100, 400))
    free = solve(make.problem(held, f"budget = {{ total = {total} }}\n"))
    outcome = [float(make.earned(one, money).mean()) for one, money in zip(held.channels, free.spend, strict=True)]
    least = 1.25 * sum(outcome[:2]) / max(float(free.spend[:2].sum()), 1.0) or 1.0
    text = f'budget = {{ total = {total} }}\n[groups.g]\nchannels = ["c0", "c1"]\nleast_roas = {least}\n'
    problem = make.problem(held, text)
    found, best = solve(problem), grid_best(make, held, total, [(np.array([1, 1, 0]), least)])
    assert broken(problem, found.spend) == []
    assert found.bound >= best - 1e-9 and found.value >= best * (1 - 1e-6)
    assert found.gap <= 1e-3 and found.proven


def test_several_groups_at_once(make):
    held = make.random_curves(np.random.default_rng(3), 3, slope=(0.5, 1.0))
    rows = [(np.array([1, 1, 0]), 1.1), (np.array([0, 1, 1]), 1.25)]
    text = 'budget = { total = 300 }\n[groups.a]\nchannels = ["c0", "c1"]\nleast_roas = 1.1\n'
    text += '[groups.b]\nchannels = ["c1", "c2"]\nleast_roas = 1.25\n'
    found, best = solve(make.problem(held, text)), grid_best(make, held, 300.0, rows)
    if found is None:
        assert best == -np.inf
    else:
        assert found.bound >= best and found.value >= best * (1 - 1e-6) and found.gap <= 1e-3


def test_a_cost_of_customers_at_the_most_is_the_same_question_in_another_unit(make):
    held = make.curves(make.channel("tv", 100.0, 50.0), make.channel("pr", 300.0, 80.0), outcome="customers")
    text = "budget = {{ at_most = 900 }}\n[channels.tv]\n{0}\n"
    counted = optimize(held, make.scenario(text.format("most_cac = 2")))
    valued = optimize(replace(held, outcome_value=30.0), make.scenario(text.format("least_roas = 15")))
    assert counted.chosen.spend == pytest.approx(valued.chosen.spend, rel=1e-5)
    assert counted.lines[0].spend == pytest.approx(150.0, rel=1e-6)  # 100 / (50 + x) = 1/2


def test_a_return_that_cannot_be_kept_is_told_with_what_can(make):
    held = make.curves(make.channel("tv", 100.0, 50.0), make.channel("pr", 300.0, 80.0))
    text = "budget = { total = 300 }\n[channels.tv]\nfloor = 100\nleast_roas = 1\n"
    with pytest.raises(InfeasibleError, match=r"cap of tv by least_roas 1 <= USD 50.*\(least_roas 0.66\d+ of tv\)"):
        optimize(held, make.scenario(text))
    text = 'budget = { total = 300 }\n[groups.all]\nkinds = ["paid"]\nleast_roas = 2\n'
    best = max(make.worth(held, (money, 300 - money)) for money in np.linspace(0, 300, 30_001)) / 300
    with pytest.raises(InfeasibleError, match=r"no plan keeps least_roas 2 of group all .*least_roas (\S+) of") as told:
        optimize(held, make.scenario(text))
    figure = float(str(told.value).split("room for is least_roas ")[1].split(" ")[0])
    assert figure == pytest.approx(best, rel=1e-3) and figure <= best
    assert optimize(held, make.scenario(text.replace("least_roas = 2", f"least_roas = {figure}"))).spend > 299


@pytest.mark.parametrize(
    ("text", "changed", "words"),
    [
        ("[channels.tv]\nmost_cac = 2\n", {}, "most_cac needs an outcome that is counted.*give least_roas"),
        ("[channels.tv]\nleast_roas = 2\n", {"outcome": "leads"}, "least_roas needs an outcome in money.*most_cac"),
        (
            '[groups.g]\nkinds = ["paid"]\nleast_roas = 0.5\n[risk]\nmeasure = "cvar"\n',
            {},
            "cannot be planned beside risk",
        ),
    ],
)
def test_returns_that_say_nothing_are_refused(make, text, changed, words):
    held = make.curves(make.channel("tv"), make.channel("pr"), **changed)
    with pytest.raises(InputError, match=words):
        optimize(held, make.scenario("budget = { total = 100 }\n" + text))


@pytest.mark.parametrize("seed", [2, 9, 10])
def test_two_groups_on_s_shapes_are_planned_or_proven_impossible(make, seed):
    """Where prices alone find no plan, ranges of channels are cut until one is found or none is left."""
    rng = np.random.default_rng(seed)
    held = make.random_curves(rng, 3, slope=(1.2, 4.0))
    total, least, all_of = float(rng.uniform(50, 400)), float(rng.uniform(0.5, 2)), float(rng.uniform(0.5, 1.5))
    text = f'budget = {{ total = {total} }}\n[groups.g]\nchannels = ["c0", "c1"]\nleast_roas = {least}\n'
    text += f'[groups.h]\nkinds = ["paid", "earned", "shared"]\nleast_roas = {all_of}\n'
    found = solve(make.problem(held, text))
    best = grid_best(make, held, total, [(np.array([1, 1, 0]), least), (np.ones(3), all_of)])
    assert (found is None) == (best == -np.inf)
    assert found is None or (found.bound >= best - 1e-9 and found.value >= best * (1 - 1e-6) and found.gap <= 1e-3)


def test_a_least_return_of_a_channel_with_parts_is_of_their_sum(make):
    north, south = make.channel("tv/north", 100.0, 50.0), make.channel("tv/south", 200.0, 50.0)
    parts = [replace(one, part_of="tv", geo=one.name[3:]) for one in (north, south)]
    held = make.curves(*parts, make.channel("pr", 30.0, 50.0))
    text = "budget = { total = 300 }\n[channels.tv]\nleast_roas = 1.3\n"
    found, best = solve(make.problem(held, text)), grid_best(make, held, 300.0, [(np.array([1, 1, 0]), 1.3)])
    assert found.bound >= found.value >= best * (1 - 1e-6) and found.gap <= 1e-3
    brought = sum(float(make.earned(one, money)[0]) for one, money in zip(parts, found.spend[:2], strict=True))
    assert brought / found.spend[:2].sum() == pytest.approx(1.3, rel=1e-4)


@pytest.mark.parametrize("unit", [1e-3, 1e12])
def test_the_unit_of_money_does_not_matter(make, unit):
    def asked(unit):
        channels = [make.channel("tv", 200.0 * unit, 80.0 * unit), make.channel("radio", 90.0 * unit, 60.0 * unit, 2.0)]
        held = make.curves(*channels, make.channel("pr", 60.0 * unit, 30.0 * unit))
        rows = '[groups.g]\nchannels = ["tv", "radio"]\nleast_roas = 1.2\n[channels.pr]\nleast_roas = 0.4\n'
        return solve(make.problem(held, f"budget = {{ total = {180 * unit} }}\n{rows}"))

    scaled, plain = asked(unit), asked(1.0)
    assert scaled.spend / unit == pytest.approx(plain.spend, rel=1e-4) and plain.prices[0] > 0
    assert scaled.value / unit == pytest.approx(plain.value, rel=1e-6) and scaled.gap <= 1e-3


@pytest.fixture
def told(make, monkeypatch):
    """A question with a hole, to whose parts by least and most money on tv a planner that only looks up answers."""
    held = make.curves(make.channel("tv", [60.0, 100.0], [5.0, 60.0], 12.0), make.channel("pr", [20.0, 20.0], 60.0))
    text = "budget = { total = 50 }\n[channels.tv]\nleast_marginal_roas = 0.3\n"
    problem = make.problem(held, text)
    ((low, high),) = problem.returns[0].holes

    def answers(whole, below, above):
        def answer(asked, memory, starts=()):
            rules = asked.rules[len(problem.rules) :]
            money, value, bound = whole if not rules else below if rules[0].high == low else above
            spend = {"inside": (low + high) / 2, "below": low, "above": high}[money]
            return Solved(np.array([spend, 50 - spend]), value, bound, "told", 100.0, 1e-3)

        monkeypatch.setattr(search, "solve", answer)
        return problem

    return answers


def test_a_side_of_a_hole_that_its_own_plan_closes_keeps_its_bound(told):
    """The bound once was that of the side looked at last."""
    found = search.solved(told(("inside", 10.0, 10.0), ("below", 5.0, 9.0), ("above", 4.0, 6.0)), {}, ())
    assert (found.value, found.bound) == (5.0, 9.0)


def test_sides_of_holes_without_end_are_no_proof_that_no_plan_keeps_a_return(told):
    problem = told(("inside", 10.0, 10.0), ("inside", 9.0, 9.0), ("inside", 8.0, 8.0))
    with pytest.raises(UntrustworthyError, match=r"no proof that there is none.*ask with fewer of them, or ease one"):
        search.solved(problem, {}, ())


@pytest.mark.parametrize("proven", [False, True])
def test_only_a_proven_bound_shows_that_no_plan_of_several_decisions_keeps_a_return(make, proven):
    held = make.curves(make.channel("tv", 100.0, 50.0, 3.0), make.channel("pr", 300.0, 80.0))
    text = "budget = { total = 3000 }\n[channels.tv]\nleast_roas = 0.1\n"
    problem = problem_of(held, make.quarterly(text, 26))
    bad = np.array([1500.0, 1500.0, 0.0, 0.0])

    def ask(asked, starts):
        return Solved(bad, -1.0, -1.0, "told", 100.0, 1e-3, proven)

    row = replace(problem.returns[0], least=100.0)
    assert search._within_reach(replace(problem, returns=(row,)), (row,), ask, []).impossible == proven


def test_an_impossible_return_by_quarter_is_proven_to_be_so(make):
    held = make.curves(make.channel("tv", 100.0, 50.0, 3.0), make.channel("pr", 300.0, 80.0))
    text = "budget = { total = 3000 }\n[channels.tv]\nfloor = 1000\nleast_roas = 2\n"
    with pytest.raises(InfeasibleError, match=r"no plan keeps least_roas 2 of tv .*any plan that was found is"):
        optimize(held, make.quarterly(text, 26))
