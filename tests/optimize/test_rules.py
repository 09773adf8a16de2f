"""Rules: read from the scenario as it says, checked from their definition, refused where they name nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InputError
from engine.optimize.plan import optimize
from engine.optimize.rules import broken, history_spend
from engine.optimize.solve import solve


def three(make, **changed):
    return make.curves(
        make.channel("tv", mean=10.0, most=30.0),
        make.channel("pr", 80.0, kind="earned", mean=5.0),
        make.channel("blog", 60.0, kind="owned", mean=0.0, most=0.0),
        **changed,
    )


RULES = """budget = { total = 100 }
[channels.tv]
floor = 20
cap = 60
[channels.pr]
minimum_flight = 30
[groups.unpaid]
kinds = ["earned", "owned"]
share = { min = 0.2, max = 0.7 }
"""


@given(st.lists(st.one_of(st.sampled_from([0.0, 20.0, 30.0, 60.0, 70.0]), st.floats(0, 100)), min_size=3, max_size=3))
def test_rules_are_broken_where_the_scenario_says_so(make, spend):
    held, asked = three(make), make.scenario(RULES)
    total = sum(spend)
    spend = [money * 100 / total for money in spend] if total else spend
    problem = make.problem_of(held, asked)
    assert (broken(problem, np.array(spend)) == []) == make.kept(asked, held, spend)


def test_each_broken_rule_is_named(make):
    problem = make.problem(three(make), RULES)
    names = {rule.name for rule in broken(problem, np.array([10.0, 20.0, 60.0]))}
    assert names == {"budget", "floor of tv", "minimum flight of pr", "most share of unpaid"}


def test_bounds_relative_to_history(make):
    text = "budget = { of_history = 0.8 }\n[every_channel]\nrelative = { min = 0.5, max = 1.5 }\n"
    problem = make.problem(three(make), text, periods=4)
    assert history_spend(three(make), make.scenario(text, 4)).tolist() == [40.0, 20.0, 0.0]
    assert problem.budget.low == problem.budget.high == pytest.approx(48.0)
    assert problem.lower.tolist() == [20.0, 10.0, 0.0]
    assert problem.upper.tolist() == pytest.approx([48.0, 30.0, 0.0])


def test_a_channel_by_name_has_none_of_the_rules_for_every_channel(make):
    text = "budget = { total = 10 }\n[every_channel]\ncap = 2\n[channels.tv]\nfloor = 1\n"
    assert make.problem(three(make), text).upper.tolist() == [10.0, 2.0, 2.0]


FLIGHTS = {
    "above the cap by history": ("relative = { max = 1.0 }\nminimum_flight = 60\n", 0.0, 0.0),
    "above a floor": ("floor = 5\nminimum_flight = 60\n", 60.0, 100.0),
    "below a floor": ("floor = 70\nminimum_flight = 60\n", 70.0, 100.0),
    "above the budget": ("minimum_flight = 160\n", 0.0, 0.0),
    "at the budget": ("minimum_flight = 100\n", 0.0, 100.0),
    "at the cap": ("cap = 60\nminimum_flight = 60\n", 0.0, 60.0),
}


@pytest.mark.parametrize(("rules", "low", "high"), FLIGHTS.values(), ids=FLIGHTS)
def test_minimum_flights_beside_other_rules(make, rules, low, high):
    """A flight above a floor or a cap once led to a plan that broke it, and an internal error."""
    problem = make.problem(three(make), "budget = { total = 100 }\n[channels.tv]\n" + rules)
    assert (problem.lower[0], problem.upper[0]) == (low, high)
    solved = solve(problem)
    assert broken(problem, solved.spend) == []
    assert solved.spend.sum() == pytest.approx(100.0)


REFUSED = {
    "an unknown channel": ("[channels.tvv]\nfloor = 1\n", ["channels", "'tvv'", "did you mean 'tv'?", "tv, pr, blog"]),
    "one in a group": ('[groups.g]\nchannels = ["radio"]\n', ["groups.g", "'radio'"]),
    "one in a shock": ('[[shocks]]\nname = "s"\nkind = "outage"\nchannels = ["xx"]\n', ["shock 's'", "'xx'"]),
    "a group of nobody": ('[groups.g]\nkinds = ["shared"]\n', ["groups.g", "no channel", "shared", "remove"]),
}


@pytest.mark.parametrize(("rules", "words"), REFUSED.values(), ids=REFUSED)
def test_what_the_curves_do_not_have_is_refused_by_name(make, rules, words):
    with pytest.raises(InputError) as refusal:
        make.problem(three(make), "budget = { total = 100 }\n" + rules)
    assert [word for word in ["'x'", *words] if word not in str(refusal.value)] == []


def test_profit_of_an_outcome_without_value_is_refused(make):
    text = 'budget = { total = 100 }\ngoal = { maximise = "profit", margin = 0.3 }\n'
    with pytest.raises(InputError, match=r"profit needs an outcome in money.*'signups'.*outcome_value"):
        make.problem(three(make, outcome="signups"), text)
    assert make.problem(three(make, outcome="signups", outcome_value=3.0), text).payoffs[0].margin == 0.3


def test_history_that_was_never_spent_gives_no_budget(make):
    held = make.curves(make.channel("tv", mean=0.0))
    with pytest.raises(InputError, match=r"of_history.*there is none.*budget.total"):
        make.problem(held, "budget = { of_history = 1.0 }\n")
    plan = optimize(held, make.scenario("budget = { total = 10 }\n"))
    assert plan.baseline.spend == (10.0,)


EDGES = {
    "a cap of nothing": ("total = 100", "[channels.tv]\ncap = 0\n"),
    "a lock of nothing": ("total = 100", "[channels.tv]\nlocked = 0\n"),
    "all locked": (
        "total = 60",
        "[channels.tv]\nlocked = 10\n[channels.pr]\nlocked = 20\n[channels.blog]\nlocked = 30\n",
    ),
    "floors that add up to the budget": (
        "total = 0.6",
        "[channels.tv]\nfloor = 0.1\n[channels.pr]\nfloor = 0.2\n[channels.blog]\nfloor = 0.3\n",
    ),
    "caps that add up to the budget": (
        "total = 0.6",
        "[channels.tv]\ncap = 0.1\n[channels.pr]\ncap = 0.2\n[channels.blog]\ncap = 0.3\n",
    ),
    "a budget above all caps": ("at_most = 1e15", "[every_channel]\ncap = 7\n"),
    "a budget above all caps, and groups that overlap": (
        "at_most = 1e15",
        (
            "[every_channel]\ncap = 7\n"
            '[groups.a]\nchannels = ["tv", "pr"]\ncap = 9\n[groups.b]\nchannels = ["pr", "blog"]\nfloor = 3\n'
        ),
    ),
    "all locked, and groups that overlap": (
        "total = 60",
        (
            "[channels.tv]\nlocked = 10\n[channels.pr]\nlocked = 20\n[channels.blog]\nlocked = 30\n"
            '[groups.a]\nchannels = ["tv", "pr"]\nfloor = 9\n[groups.b]\nchannels = ["pr", "blog"]\nfloor = 3\n'
        ),
    ),
    "a group of all": ("total = 100", '[groups.all]\nchannels = ["tv", "pr", "blog"]\ncap = 100\n'),
    "nowhere to spend": ("at_most = 100", '[[shocks]]\nkind = "outage"\n'),
}


@pytest.mark.parametrize(("budget", "rules"), EDGES.values(), ids=EDGES)
def test_plans_at_the_edge_keep_their_rules_and_close_their_gap(make, budget, rules):
    held, asked = three(make), make.scenario(f"budget = {{ {budget} }}\n" + rules)
    problem = make.problem_of(held, asked)
    plan = optimize(held, asked)
    assert make.kept(asked, held, plan.chosen.spend)
    assert broken(problem, np.array(plan.chosen.spend)) == []
    assert 0 <= plan.gap <= 1e-3
    assert plan.certified


def test_a_limit_far_away_does_not_hide_broken_caps(make):
    """Slack as a share of a budget of 1e15 once let history's spend pass for a plan, caps or not."""
    problem = make.problem(three(make), "budget = { at_most = 1e15 }\n[every_channel]\ncap = 7\n")
    assert [rule.name for rule in broken(problem, np.array([7.0, 8.0, 7.0]))] == ["cap of pr"]
    assert solve(problem).spend == pytest.approx([7.0, 7.0, 7.0])


@pytest.mark.parametrize("at_most", [50.0, 1e6, 1e12, 1e15])
def test_profit_under_a_limit_far_away_is_solved_as_well_as_under_a_near_one(make, at_most):
    text = f'budget = {{ at_most = {at_most!r} }}\ngoal = {{ maximise = "profit", margin = 0.9 }}\n'
    solved = solve(make.problem(three(make), text))
    wanted = [50 * (np.sqrt(max(1.0, 0.9 * ceiling / 50)) - 1) for ceiling in (100.0, 80.0, 60.0)]
    assert solved.spend == pytest.approx(wanted, abs=1e-6)
    assert solved.gap <= 1e-3


@pytest.mark.parametrize("share", ["", '[groups.g]\nkinds = ["earned"]\nshare = { min = 0.3 }\n'])
def test_where_nothing_pays_nothing_is_spent_and_that_is_certain(make, share):
    text = 'budget = { at_most = 1000 }\ngoal = { maximise = "profit", margin = 0.1 }\n' + share
    plan = optimize(three(make), make.scenario(text))
    assert sum(plan.chosen.spend) == 0.0
    assert plan.chosen.value.mean == 0.0
    assert plan.certified


AWKWARD = ["tv.de", 'tv "x"', "=1+1", "\N{ROCKET} launch", "x" * 200, "a\tb", "'", "[channels.tv]", "1"]


def test_any_name_can_be_planned(make):
    held = make.curves(*(make.channel(name) for name in AWKWARD))
    rules = "".join(f"[channels.{quoted(name)}]\nfloor = {at + 1}\n" for at, name in enumerate(AWKWARD))
    group = f"[groups.{quoted('=1+1')}]\nchannels = [{', '.join(quoted(name) for name in AWKWARD[:3])}]\nfloor = 30\n"
    plan = optimize(held, make.scenario("budget = { total = 300 }\n" + rules + group))
    assert [line.name for line in plan.lines] == AWKWARD
    assert all(line.spend >= at + 1 - 1e-9 for at, line in enumerate(plan.lines))


def quoted(name):
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    return f'"{escaped}"'


@pytest.mark.parametrize("count", [1, 2, 250])
def test_one_channel_and_very_many(make, count):
    held = make.random_curves(np.random.default_rng(count), count, draws=4)
    plan = optimize(held, make.scenario(f"budget = {{ total = {60.0 * count} }}\n"), priced=False)
    assert sum(plan.chosen.spend) == pytest.approx(60.0 * count)
    assert plan.certified


def test_a_channel_that_earns_nothing_gets_nothing(make):
    held = make.curves(make.channel("dead", 0.0), make.channel("live"))
    assert optimize(held, make.scenario("budget = { total = 50 }\n")).chosen.spend == pytest.approx([0.0, 50.0])
    nobody = make.curves(make.channel("a", 0.0), make.channel("b", 0.0))
    plan = optimize(nobody, make.scenario("budget = { total = 50 }\n"))
    assert (plan.bound, plan.gap, plan.certified) == (0.0, 0.0, True)
