"""Programs in cvxpy: rules across channels that overlap, and the ways in which the solver has been wrong."""

from dataclasses import replace

import cvxpy
import numpy as np
import pytest

from engine.errors import UntrustworthyError
from engine.optimize import program
from engine.optimize.rules import broken
from engine.optimize.solve import _program, _repaired, _scale, _tables, solve
from engine.optimize.tables import objective, tabulate

OVERLAP = (
    '[groups.a]\nchannels = ["c0", "c1"]\nshare = {{ min = {0} }}\n[groups.b]\nchannels = ["c1", "c2"]\ncap = {1}\n'
)


def worth_of(tables, spend):
    return sum(float(np.interp(x, table.spend, table.value)) for x, table in zip(spend, tables, strict=True))


@pytest.mark.parametrize("slope", [(0.4, 1.0), (0.5, 4.0), (2.5, 4.0)])
@pytest.mark.parametrize("budget", ["total", "at_most"])
def test_a_grid_of_all_spends_stays_below_the_bound(make, slope, budget):
    held = make.random_curves(np.random.default_rng(3), 3, slope=slope)
    asked = make.scenario(f"budget = {{ {budget} = 240 }}\n" + OVERLAP.format(0.5, 120))
    solved = solve(make.problem_of(held, asked))
    _, best = make.enumerated(asked, held, 240.0, 30)
    assert "program" in solved.route
    assert make.kept(asked, held, solved.spend)
    assert solved.bound >= best
    assert solved.value >= best * (1 - 1e-3)
    assert solved.gap <= 1e-3


def lines_over(runs, owner, spend):
    """The most that the runs of one channel promise at each spend; minus infinity where no run reaches it."""
    best = np.full(len(spend), -np.inf)
    for run in np.flatnonzero(runs.owner == owner):
        own = runs.run == run
        x = runs.start[run] + np.append(0.0, np.cumsum(runs.length[own]))
        y = runs.base[run] + np.append(0.0, np.cumsum(runs.slope[own] * runs.length[own]))
        inside = (spend >= x[0]) & (spend <= x[-1] * (1 + 1e-12))
        best[inside] = np.maximum(best[inside], np.interp(spend[inside], x, y))
        assert (np.diff(runs.slope[own]) <= 1e-9 * np.abs(runs.slope[own]).max(initial=0.0)).all()
    return best


@pytest.fixture(scope="module", params=[(0.3, 0.6), (0.8, 1.2), (2.5, 4.0), (0.5, 4.0)], ids=str)
def tabulated(make, request):
    """Tables of curves with slopes of a range, and for each of them levels of spend and what they bring."""
    held = make.random_curves(np.random.default_rng(int(10 * request.param[0])), 4, draws=6, slope=request.param)
    problem = make.problem(held, "budget = { total = 400 }\n[channels.c0]\nminimum_flight = 40\n")
    tables, exact = _tables(problem, {}, _scale(problem)), []
    for table, channel in zip(tables, held.channels, strict=True):
        begin = table.spend[1] if table.gap else 0.0
        spend = begin + (400.0 - begin) * np.linspace(0, 1, 4001) ** 3
        exact.append((spend, np.array([make.worth(make.curves(channel), [money]) for money in spend])))
    return tables, exact


@pytest.mark.parametrize("merged", [0.0, 1e-3, 1.0])
def test_runs_are_concave_and_nowhere_below_the_curve(tabulated, merged):
    tables, every = tabulated
    runs = program.runs_of(tables, merged)
    for at, (table, (spend, exact)) in enumerate(zip(tables, every, strict=True)):
        over = lines_over(runs, at, spend)
        assert (over >= exact - 1e-9).all()
        if table.gap:
            assert lines_over(runs, at, np.array([0.0, 20.0])).tolist() == [0.0, -np.inf]


@pytest.mark.parametrize("anchor", [4000.0, 20_000.0, 35_627.0])
@pytest.mark.parametrize("toll", [0.5, 4.05, 25.0])
@pytest.mark.parametrize("merged", [0.0, 3e-3, 2e-4, 1.0])
def test_runs_are_nowhere_below_the_kink_of_a_toll(make, anchor, toll, merged):
    """A line over a convex stretch once passed below the kink at today's spend, by a thousandth and more."""
    asked = "budget = { total = 60000 }\n"
    steep = make.problem(make.curves(make.channel("c0", 1e5, 1000.0, 4.0)), asked, periods=52).payoffs[0]
    payoff = replace(steep, anchor=anchor, toll=(toll, toll))
    table = tabulate(payoff, 0.0, 60_000.0, 0.0, 5000.0)
    runs = program.runs_of([table], merged * float(np.ptp(table.upper)))
    spend = np.union1d(np.linspace(0.0, 60_000.0, 2001), anchor)
    exact = objective(payoff, spend).mean(1)
    assert (lines_over(runs, 0, spend) >= exact - 1e-11 * np.abs(exact).max()).all()


def test_a_looser_tolerance_needs_fewer_runs(make):
    problem = make.problem(
        make.random_curves(np.random.default_rng(2), 4, slope=(2.5, 4.0)), "budget = { total = 400 }\n"
    )
    tables = _tables(problem, {}, _scale(problem))
    counts = [len(program.runs_of(tables, merged).owner) for merged in (1e-4, 1e-2, 1.0)]
    assert counts[0] > counts[1] > counts[2] >= 4


@pytest.mark.parametrize("low", [0.3, 0.45])
@pytest.mark.parametrize("seed", range(4))
def test_steep_beginnings_do_not_mislead_the_solver(make, seed, low):
    """Slopes below 1 begin with segments of length 1e-13 and slopes of 1e6, on which HiGHS once cut off the optimum.

    Its bound was below a plan that keeps every rule, by one part in ten thousand or by all there is.
    """
    rng = np.random.default_rng(seed)
    held = make.random_curves(rng, 4, draws=5, slope=(low, low + 0.3), unit=10.0 ** float(rng.integers(-3, 9)))
    steep = make.random_curves(rng, 2, draws=5, slope=(2.5, 4.0), unit=held.channels[0].history.mean / 50)
    renamed = [make.channel(f"s{at}", *parameters(one)) for at, one in enumerate(steep.channels)]
    both = make.curves(*held.channels, *renamed)
    budget = float(sum(one.saturation.parameters["halfway"].mean() for one in both.channels))
    text = f"budget = {{ total = {budget!r} }}\n" + OVERLAP.format(0.3, 0.5 * budget)
    problem = make.problem(both, text)
    tables = _tables(problem, {}, _scale(problem))
    found = program.solve(problem, tables)
    best = solve(problem)
    assert broken(problem, found.spend) == []
    assert found.bound >= best.value * (1 - 1e-12)
    assert found.bound >= worth_of(tables, found.spend)


def parameters(one):
    return (one.saturation.parameters[name] for name in ("ceiling", "halfway", "slope"))


def test_a_solver_that_runs_out_of_time_is_not_called_a_proof(make, monkeypatch):
    problem = make.problem(
        make.random_curves(np.random.default_rng(2), 6, slope=(2.5, 4.0)), "budget = { total = 400 }\n"
    )
    tables = _tables(problem, {}, _scale(problem))

    def gives_up(asked, **_):
        asked._status = "user_limit"

    monkeypatch.setattr(cvxpy.Problem, "solve", gives_up)
    with pytest.raises(UntrustworthyError, match="no plan in 60 seconds and no proof that there is none"):
        program.solve(problem, tables)


def test_a_suspicious_bound_is_asked_for_again_without_presolve(make, monkeypatch):
    problem = make.problem(make.random_curves(np.random.default_rng(2), 3), "budget = { total = 200 }\n")
    tables, asked = _tables(problem, {}, _scale(problem)), []
    honest = program._answered

    def wrong_at_first(question, presolve):
        asked.append(presolve)
        return honest(question, presolve) * (0.9 if presolve == "on" else 1.0)

    monkeypatch.setattr(program, "_answered", wrong_at_first)
    found = program.solve(problem, tables)
    assert asked[:2] == ["on", "off"]
    assert found.bound >= solve(problem).value


def test_rules_that_cannot_be_kept_have_no_plan(make):
    rules = OVERLAP.format(0.9, 1) + "[channels.c0]\ncap = 10\n"
    held = make.random_curves(np.random.default_rng(2), 3)
    assert solve(make.problem(held, "budget = { total = 240 }\n" + rules)) is None


@pytest.mark.parametrize(("slope", "kind"), [((0.5, 1.0), "linear program"), ((2.5, 4.0), "mixed-integer program")])
def test_the_route_says_which_program_it_was(make, slope, kind):
    problem = make.problem(make.random_curves(np.random.default_rng(2), 3, slope=slope), "budget = { total = 200 }\n")
    assert kind in _program(problem, _tables(problem, {}, _scale(problem)))[1]


def test_a_plan_that_spends_little_of_its_budget_keeps_its_shares_all_the_same(make):
    """The solver's tolerance, next to nothing of the budget, was once too much of such a plan: an internal error."""
    held = make.curves(make.channel("c0"), make.channel("c1"), make.channel("c2"))
    rules = '[groups.g]\nchannels = ["c1", "c2"]\nshare = { min = 0.3 }\n[channels.c2]\nminimum_flight = 2e-6\n'
    problem = make.problem(held, "budget = { at_most = 100 }\n" + rules)
    off = np.array([7e-6, 0.0, 3e-6 - 2e-11])
    assert [rule.name for rule in broken(problem, off)] == ["least share of g"]
    near = _repaired(problem, off)
    assert broken(problem, near, slack=1e-9) == []
    assert near == pytest.approx(off, rel=1e-4)
    grounded = np.array([7e-6, 3e-6 - 2e-11, 0.0])
    assert _repaired(problem, grounded)[2] == 0.0
    assert broken(problem, _repaired(problem, grounded), slack=1e-9) == []


def test_a_spend_that_keeps_the_rules_is_not_touched(make):
    problem = make.problem(make.curves(make.channel("c0"), make.channel("c1")), "budget = { total = 100 }\n")
    spend = np.array([40.0, 60.0])
    assert _repaired(problem, spend) is spend


@pytest.mark.parametrize("rules", ["cap = 0", "locked = 0", "minimum_flight = 200"])
def test_where_every_channel_is_off_nothing_is_spent_and_that_is_proven(make, rules):
    """A program of no money at all once was scaled by it."""
    held = make.curves(make.channel("tv", 100.0, 50.0, 3.0), make.channel("pr", 80.0, 40.0))
    shares = '[groups.a]\nchannels = ["tv"]\nshare = { max = 0.5 }\n'
    found = solve(make.problem(held, f"budget = {{ at_most = 100 }}\n[every_channel]\n{rules}\n{shares}"))
    assert found.spend.tolist() == [0.0, 0.0]
    assert (found.value, found.proven) == (0.0, True)
    assert found.bound <= 1e-6
