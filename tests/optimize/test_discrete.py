"""Steps of spend and numbers of active channels: kept as they say, and nothing on a grid is above the bound."""

import itertools

import numpy as np
import pytest

from engine.errors import InputError
from engine.optimize.program import solve as by_program
from engine.optimize.rules import broken
from engine.optimize.solve import _scale, _tables, solve
from engine.optimize.stepped import stepped

TEN = 10.0
RULES = {  # text, and what it says of a spend
    "steps of all": ("[every_channel]\nstep = 20\n", lambda x: all(money % 20 == 0 for money in x)),
    "steps of two sizes": (
        "[every_channel]\nstep = 30\n[channels.c1]\nstep = 20\n",
        lambda x: x[0] % 30 == 0 and x[1] % 20 == 0 and x[2] % 30 == 0,
    ),
    "steps of one": ("[channels.c1]\nstep = 40\n", lambda x: x[1] % 40 == 0),
    "steps above a flight": (
        "[channels.c1]\nstep = 40\nminimum_flight = 50\n",
        lambda x: x[1] % 40 == 0 and (x[1] == 0 or x[1] >= 50),
    ),
    "steps between limits": (
        "[channels.c1]\nstep = 40\nfloor = 10\ncap = 110\n",
        lambda x: x[1] in (40, 80),
    ),
    "few active": ("[active]\nmax = 1\n", lambda x: sum(money > 0 for money in x) <= 1),
    "two active": ("[active]\nmax = 2\n", lambda x: sum(money > 0 for money in x) <= 2),
    "all active": ("[active]\nmin = 3\neach = 30\n", lambda x: min(x) >= 30),
    "at least two": ("[active]\nmin = 2\neach = 60\n", lambda x: sum(money >= 60 for money in x) >= 2),
    "few of a group": (
        '[groups.g]\nchannels = ["c0", "c2"]\nactive = { max = 1 }\nfloor = 50\n',
        lambda x: (x[0] > 0) + (x[2] > 0) <= 1 and x[0] + x[2] >= 50,
    ),
    "both": (
        "[active]\nmax = 2\n[every_channel]\nstep = 60\n",
        lambda x: sum(money > 0 for money in x) <= 2 and all(money % 60 == 0 for money in x),
    ),
}


def best_on_a_grid(make, held, budget, exact, allowed):
    """The best of all spends in tens that a rule allows."""
    worth = [
        [make.worth(make.curves(one), [TEN * taken]) for taken in range(int(budget / TEN) + 1)] for one in held.channels
    ]
    levels = range(int(budget / TEN) + 1)
    found = [
        (sum(row[taken] for row, taken in zip(worth, some, strict=True)), some)
        for some in itertools.product(levels, repeat=len(held.channels))
        if (sum(some) * TEN == budget if exact else sum(some) * TEN <= budget) and allowed([TEN * at for at in some])
    ]
    return max(found, default=(-np.inf, None))[0]


@pytest.mark.parametrize(
    ("budget", "slope"), [("total", (0.5, 1.0)), ("at_most", (2.5, 4.0)), ("total", (2.5, 4.0))], ids=str
)
@pytest.mark.parametrize(("rules", "allowed"), RULES.values(), ids=RULES)
def test_whole_numbers_are_kept_and_no_grid_is_above_the_bound(make, rules, allowed, budget, slope):
    held = make.random_curves(np.random.default_rng(5), 3, slope=slope)
    problem = make.problem(held, f"budget = {{ {budget} = 240 }}\n" + rules)
    solved = solve(problem)
    best = best_on_a_grid(make, held, 240.0, budget == "total", allowed)
    assert allowed([round(money, 9) for money in solved.spend.tolist()])
    assert broken(problem, solved.spend) == []
    assert solved.value == pytest.approx(make.worth(held, solved.spend), rel=1e-9)
    assert solved.bound >= best * (1 - 1e-12)
    assert solved.value >= best * (1 - 1e-3)
    assert solved.gap <= 1e-3 and solved.proven


@pytest.mark.parametrize("seed", range(4))
def test_a_dynamic_programme_over_steps_finds_no_better_plan(make, seed):
    """Exact over all steps, twelve channels of any shape: the plan is within a thousandth, the bound is not below."""
    rng = np.random.default_rng(seed)
    held = make.random_curves(rng, 12, slope=(0.5, 4.0))
    step, count = 25.0, 24
    best = np.full(count + 1, -np.inf)
    best[0] = 0.0
    for one in held.channels:
        gain = np.array([make.worth(make.curves(one), [step * taken]) for taken in range(count + 1)])
        best = np.array([max(best[at - taken] + gain[taken] for taken in range(at + 1)) for at in range(count + 1)])
    solved = solve(make.problem(held, f"budget = {{ total = {step * count} }}\n[every_channel]\nstep = {step}\n"))
    assert solved.bound >= best[-1] * (1 - 1e-12)
    assert solved.value >= best[-1] * (1 - 1e-3)
    assert np.all(solved.spend % step == 0)


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e9])
def test_steps_do_not_depend_on_the_unit_of_money(make, unit):
    held = make.random_curves(np.random.default_rng(2), 6, unit=unit)
    asked = f"budget = {{ total = {600 * unit!r} }}\n[every_channel]\nstep = {40 * unit!r}\n[active]\nmax = 3\n"
    solved = solve(make.problem(held, asked))
    assert solved.gap <= 1e-3
    assert (solved.spend > 0).sum() <= 3
    assert np.round(solved.spend / (40 * unit), 9).tolist() == np.round(solved.spend / (40 * unit)).tolist()


def test_tables_cut_to_steps_hold_exact_values_alone(make):
    held = make.random_curves(np.random.default_rng(2), 2)
    problem = make.problem(held, "budget = { total = 240 }\n[channels.c0]\nstep = 70\nminimum_flight = 100\n")
    tables = _tables(problem, {}, _scale(problem))
    cut, other = stepped(problem, tables)
    assert cut.spend.tolist() == [0.0, 140.0, 210.0] and cut.gap == (0.0, 140.0)
    assert cut.upper.tolist() == pytest.approx([make.worth(make.curves(held.channels[0]), [x]) for x in cut.spend])
    assert other is tables[1]


def test_the_program_alone_bounds_what_it_finds(make):
    """Whatever the way to it, the program's own bound holds: here without the bound of the question without steps."""
    held = make.random_curves(np.random.default_rng(9), 4, slope=(2.5, 4.0))
    problem = make.problem(held, "budget = { total = 240 }\n[every_channel]\nstep = 60\n[active]\nmax = 2\n")
    found = by_program(problem, stepped(problem, _tables(problem, {}, _scale(problem))))
    every = [x for x in itertools.product(range(5), repeat=4) if sum(x) == 4 and sum(one > 0 for one in x) <= 2]
    best = max(make.worth(held, [60.0 * one for one in some]) for some in every)
    assert best * (1 - 1e-12) <= found.bound <= best * (1 + 1e-3)


BROKEN = {
    "a step": ("[channels.c0]\nstep = 50\n", [60.0, 100.0, 80.0], "step of c0"),
    "too many": ("[active]\nmax = 2\n", [60.0, 100.0, 80.0], "most active channels"),
    "too few": ("[active]\nmin = 2\neach = 90\n", [60.0, 100.0, 80.0], "least active channels"),
    "too many of a group": (
        '[groups.g]\nchannels = ["c0", "c2"]\nactive = { max = 1 }\n',
        [60.0, 100.0, 80.0],
        "most active channels of g",
    ),
}


@pytest.mark.parametrize(("rules", "spend", "name"), BROKEN.values(), ids=BROKEN)
def test_each_rule_is_checked_by_itself(make, rules, spend, name):
    problem = make.problem(make.random_curves(np.random.default_rng(2), 3), "budget = { total = 240 }\n" + rules)
    assert [rule.name for rule in broken(problem, np.array(spend))] == [name]
    assert broken(problem, np.array([100.0, 140.0, 0.0])) == []


def test_nothing_is_found_where_steps_do_not_add_up_to_the_budget(make):
    held = make.random_curves(np.random.default_rng(2), 3)
    assert solve(make.problem(held, "budget = { total = 250 }\n[every_channel]\nstep = 100\n")) is None
    assert solve(make.problem(held, "budget = { at_most = 250 }\n[every_channel]\nstep = 100\n")).spend.sum() == 200.0


REFUSED = {
    "soft rules": '[soft]\n"cap of c0" = 1\n[channels.c0]\nstep = 5\ncap = 9\n',
    "risk.measure": '[risk]\nmeasure = "cvar"\n[active]\nmax = 2\n',
}


@pytest.mark.parametrize(("beside", "rules"), REFUSED.items(), ids=REFUSED)
def test_what_cannot_be_planned_beside_them_is_refused(make, beside, rules):
    with pytest.raises(InputError, match=rf"(step|active) cannot be planned beside {beside}"):
        make.scenario("budget = { total = 240 }\n" + rules)


def test_targets_are_refused_beside_them(make):
    with pytest.raises(InputError, match="active cannot be planned beside a target"):
        make.scenario("budget = { target_outcome = 240 }\n[active]\nmax = 2\n")
