"""Steps of spend and numbers of active channels: kept as they say, and nothing on a grid is above the bound."""

import itertools

import numpy as np
import pytest

from engine.errors import InputError
from engine.optimize.budgets.frontier import next_unit
from engine.optimize.conflict.conflict import conflict, explanation
from engine.optimize.conflict.discrete import can_be_kept
from engine.optimize.explaining import explained
from engine.optimize.over_time.decisions import Spent
from engine.optimize.over_time.several import mean_value
from engine.optimize.plan import optimize
from engine.optimize.plan_file import plan_document
from engine.optimize.program import solve as by_program
from engine.optimize.rules import broken, problem_of
from engine.optimize.solve import _scale, _tables, solve
from engine.optimize.stepped import stepped
from engine.report.answer import plan_text

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


def test_steps_that_are_next_to_nothing_of_the_budget_are_refused(make):
    asked = make.scenario("budget = { total = 3e6 }\n[channels.c1]\nstep = 2.9\n")
    with pytest.raises(InputError, match=r"step 2.9 of 'c1' is less than a millionth of the budget, 3000000, .*larger"):
        optimize(make.random_curves(np.random.default_rng(2), 3), asked)


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


@pytest.mark.parametrize("rules", ["[every_channel]\nstep = 500\n", "[active]\nmax = 0\n"])
def test_nothing_is_spent_where_no_step_and_no_channel_fits(make, rules):
    held = make.random_curves(np.random.default_rng(2), 3)
    assert solve(make.problem(held, "budget = { at_most = 240 }\n" + rules)).spend.tolist() == [0.0, 0.0, 0.0]
    assert solve(make.problem(held, "budget = { total = 240 }\n" + rules)) is None


def test_nothing_is_found_where_steps_do_not_add_up_to_the_budget(make):
    held = make.random_curves(np.random.default_rng(2), 3)
    assert solve(make.problem(held, "budget = { total = 250 }\n[every_channel]\nstep = 100\n")) is None
    assert solve(make.problem(held, "budget = { at_most = 250 }\n[every_channel]\nstep = 100\n")).spend.sum() == 200.0


REFUSED = {
    "soft rules": '[soft]\n"cap of c0" = 1\n[channels.c0]\nstep = 5\ncap = 9\n',
    "least_roas": "[active]\nmax = 2\n[channels.c0]\nleast_roas = 1.0\n",
}


@pytest.mark.parametrize(("beside", "rules"), REFUSED.items(), ids=REFUSED)
def test_what_cannot_be_planned_beside_them_is_refused(make, beside, rules):
    with pytest.raises(InputError, match=rf"(step|active) cannot be planned beside .*{beside}"):
        make.scenario("budget = { total = 240 }\n" + rules)


def test_measures_of_risk_are_refused_beside_them_over_several_decisions(make):
    risky = 'budget = { total = 240 }\n[risk]\nmeasure = "cvar"\n[active]\nmax = 2\n'
    told = "active cannot be planned beside risk.measure = .cvar. over several decisions yet; leave out one of them"
    with pytest.raises(InputError, match=told):
        make.quarterly(risky)


def test_targets_are_refused_beside_them(make):
    with pytest.raises(InputError, match="active cannot be planned beside a target"):
        make.scenario("budget = { target_outcome = 240 }\n[active]\nmax = 2\n")


def by_quarter(make, text, periods=26):
    head = f'name = "x"\nhorizon = {{ start = 2027-01-04, periods = {periods}, decide = "quarter" }}\n'
    return make.parse(head + text, make.Scenario, "question.toml")


@pytest.fixture(scope="module")
def small(make):
    """Two channels over two quarters, in steps of 50 of 1000."""
    held = make.curves(make.channel("c0", 100.0, 30.0, 0.8), make.channel("c1", 70.0, 20.0, 0.9, retain=0.5))
    return held, make.problem_of(held, by_quarter(make, "budget = { total = 1000 }\n[every_channel]\nstep = 50\n"))


def test_steps_by_quarter_are_exchanged_to_the_best_plan_of_a_grid(small):
    """All plans in steps, one after the other: none is above the bound, and the plan is next to the best of them."""
    _, problem = small
    solved = solve(problem)
    every = [
        50.0 * np.array([*some, 20 - sum(some)]) for some in itertools.product(range(21), repeat=3) if sum(some) <= 20
    ]
    best = max(mean_value(problem, spend) for spend in every)
    assert broken(problem, solved.spend) == []
    assert np.all(solved.spend % 50.0 == 0)
    assert solved.value == pytest.approx(mean_value(problem, solved.spend), rel=1e-12)
    assert solved.proven and solved.bound >= best * (1 - 1e-12)
    assert solved.value >= best * (1 - 2e-3)


def test_few_channels_by_quarter_are_the_best_of_all_choices(make):
    held = make.random_curves(np.random.default_rng(3), 4, slope=(0.5, 1.0), draws=2)
    text = "budget = { total = 3000 }\n"
    solved = solve(make.problem_of(held, by_quarter(make, text + "[active]\nmax = 2\n")))
    best = 0.0
    for on in itertools.combinations(range(4), 2):
        shut = "".join(f"[channels.c{at}]\ncap = 0\n" for at in range(4) if at not in on)
        best = max(best, solve(make.problem_of(held, by_quarter(make, text + shut))).value)
    assert (solved.spend.reshape(4, -1).sum(axis=1) > 0).sum() == 2
    assert best * (1 - 2e-3) <= solved.value <= solved.bound


def test_steps_go_with_ramps_caps_and_what_is_over(make):
    """A quarter and three weeks are over, in no steps: the quarter that has begun is in steps as a whole."""
    held = make.random_curves(np.random.default_rng(3), 3, slope=(0.5, 1.0), draws=2)
    rules = "budget = { at_most = 4000 }\n[ramp]\nmax_change = 0.5\n[every_channel]\nstep = 40\nquarter_cap = 900\n"
    spent = Spent(np.full((16, 3), 37.7))
    problem = problem_of(held, by_quarter(make, rules, 39), spent)
    solved = solve(problem)
    money = solved.spend.reshape(3, 4)
    assert broken(problem, solved.spend) == []
    assert money[:, :2] == pytest.approx(37.7 * np.array([[13, 3]] * 3))
    begun = (money[:, 1] + money[:, 2]) / 40
    assert begun == pytest.approx(np.round(begun)) and np.all(money[:, 3] % 40 == 0)
    assert money[:, 2:].sum() > 0


CONFLICTS = {  # the rules that clash, and a way out that ends it
    "a budget in no steps": (
        "budget = { total = 1005 }\n[every_channel]\nstep = 10\n",
        {"budget", "step of c0", "step of c1", "step of c2"},
        "lower budget by USD 5 to USD 1,000",
    ),
    "caps of few": (
        "budget = { total = 500 }\n[every_channel]\ncap = 200\n[active]\nmax = 2\n",
        {"budget", "cap of c0", "cap of c1", "cap of c2", "most active channels"},
        "leave out most active channels",
    ),
    "more than there are": (
        'budget = { total = 500 }\n[groups.g]\nchannels = ["c0", "c1"]\nactive = { min = 3 }\n',
        {"least active channels of g"},
        "lower least active channels of g to 2",
    ),
    "a floor between steps": (
        "budget = { total = 700 }\n[channels.c1]\nstep = 300\nfloor = 350\ncap = 500\n",
        {"floor of c1", "cap of c1", "step of c1"},
        "lower floor of c1 by USD 50 to USD 300",
    ),
}


@pytest.mark.parametrize(("text", "names", "way"), CONFLICTS.values(), ids=CONFLICTS)
def test_conflicts_name_what_clashes_and_a_way_out(make, text, names, way):
    problem = make.problem(make.random_curves(np.random.default_rng(2), 3), text)
    members = conflict(problem)
    assert {rule.name for rule in members} == names
    assert not can_be_kept(members, 1)
    for at in range(len(members)):
        assert len(members) == 1 or can_be_kept(members[:at] + members[at + 1 :], 1)
    assert way in explanation(problem, "USD")


@pytest.mark.parametrize("decide", ["horizon", "quarter"])
def test_plans_tell_them_and_are_explained(make, decide):
    held = make.random_curves(np.random.default_rng(2), 4, draws=4, slope=(0.5, 1.0))
    text = f'name = "x"\nhorizon = {{ start = 2027-01-04, periods = 26, decide = "{decide}" }}\n'
    text += "budget = { at_most = 6000 }\n[active]\nmax = 2\n[every_channel]\nstep = 100\n"
    asked = make.parse(text, make.Scenario, "question.toml")
    plan = optimize(held, asked)
    told = explained(held, asked, plan)
    assert "most active channels" in plan.binding
    assert any(name.startswith("step of c") for name in plan.binding)
    assert any(reason.idle and "most active channels" in reason.held for reason in told.reasons)
    assert next(cost for cost in told.rules if cost.rule == "most active channels").gain > 0
    assert not any(price.rule.startswith(("step", "most")) for price in plan.prices)
    assert [(price.rule, price.dual) for price in plan.prices] == [("budget", None)]
    assert plan.prices[0].gain > 0 and told.price is None
    assert plan_document(plan)["prices"][0]["dual"] is None
    assert "budget: money goes in steps, so a single unit has no price: see the real step; " in plan_text(plan)
    assert next_unit(problem_of(held, asked), plan.cells) is None


def test_beside_steps_money_is_priced_by_what_channels_without_them_make_of_it(make):
    held = make.random_curves(np.random.default_rng(2), 3, draws=4, slope=(0.5, 1.0))

    def best(total):
        return optimize(held, make.scenario(f"budget = {{ total = {total} }}\n[channels.c0]\nstep = 40\n"))

    plan, richer = best(240), best(241)
    assert plan.chosen.spend[0] == richer.chosen.spend[0] > 0
    gained = richer.chosen.value.mean - plan.chosen.value.mean
    (price,) = [price for price in plan.prices if price.rule == "budget"]
    assert price.dual == pytest.approx(gained, rel=1e-2)
    asked = make.scenario("budget = { total = 240 }\n[channels.c0]\nstep = 40\n")
    assert next_unit(problem_of(held, asked), plan.cells) == pytest.approx(gained, rel=1e-2)
    assert plan.prices[0] == price and not any("step" in price.rule for price in plan.prices)
