"""Plans between two goals, against enumeration, against the questions they stand for, and as laws of any trade."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.loading import parse
from engine.config.scenario import Scenario
from engine.errors import InfeasibleError, InputError
from engine.optimize.budgets.brand import between
from engine.optimize.budgets.trade import Trade, undominated
from engine.optimize.plan import Range, by_draw, optimize
from engine.optimize.risk.safety import safety
from engine.optimize.rules import broken, problem_of
from engine.report.charts.trade import trades_chart
from engine.report.trade import trades_text
from engine.response.curves import History

HEAD = 'name = "x"\nhorizon = {{ start = 2027-01-04, periods = 26, decide = "{decide}"{more} }}\n'
BUDGET = "budget = { total = 3_000 }\n"


def asked(rules="", decide="horizon", more=""):
    return parse(HEAD.format(decide=decide, more=more) + BUDGET + rules, Scenario, "q.toml")


def market(make, slopes=(0.9, 1.0, 0.8), draws=3):
    """A fast channel, a slow one and one between; whatever the first earns more in a draw, the second earns less."""
    luck = np.linspace(-0.4, 0.4, draws)
    fast = make.channel("fast", 90 * np.exp(luck), 50.0, slopes[0], retain=0.1)
    slow = make.channel("slow", 85 * np.exp(-luck), 55.0, slopes[1], retain=0.9)
    middle = make.channel("middle", 40 * np.exp(0.3 * luck), 40.0, slopes[2], retain=0.6)
    past = (replace(one, history=History(30.0, 90.0, (20.0, 40.0, 30.0))) for one in (fast, slow, middle))
    return make.curves(*past)


def told(text):
    told.last = text


def within_and_after(make, one, weeks, tail=26):
    """What money by week adds within its weeks, and after them, one week at a time, draw by draw."""
    retain = one.adstock.parameters["retain"]

    def run(inside):
        stock, earned = np.full(len(retain), one.history.mean), []
        for money in one.history.last:
            stock = (1 - retain) * money + retain * stock
        for money in [*inside, *([one.history.mean] * tail)]:
            stock = (1 - retain) * money + retain * stock
            earned.append(make.earned(one, stock))
        return np.array(earned)

    added = run(weeks) - run([0.0] * len(weeks))
    return added[: len(weeks)].sum(axis=0), added[len(weeks) :].sum(axis=0)


@pytest.mark.parametrize("decide", ["horizon", "quarter"])
def test_both_goals_of_a_plan_are_what_a_loop_over_weeks_says(make, decide):
    held = market(make)
    found = between(held, asked(decide=decide), 3, 3_000.0, told)
    assert found.goals == ("outcome", "brand")
    for point in found.points:
        sums, count = np.zeros(2), len(point.decided)
        for at, one in enumerate(held.channels):
            weeks = np.repeat([row[at] * count / 26 for row in point.decided], 26 // count)
            sums += [side.mean() for side in within_and_after(make, one, weeks)]
        assert (point.first, point.second) == pytest.approx(tuple(sums), rel=1e-6)
        assert sum(point.spend) == pytest.approx(3_000.0)


def test_equal_weights_are_the_question_as_it_is_asked(make):
    held, history = market(make), ', carry_over = "history"'
    found = between(held, asked(more=history), 5, 3_000.0, told)
    plan = optimize(held, asked(more=history), priced=False)
    assert not found.notes
    own = found.points[found.own]
    assert own.weight == 0.5
    assert own.first + own.second == pytest.approx(plan.chosen.value.mean, rel=1e-4)
    assert own.objective.mean == pytest.approx(own.first + own.second, rel=1e-9)


@pytest.mark.parametrize("slopes", [(0.9, 1.0, 0.8), (2.5, 3.0, 1.0)], ids=["concave", "S-shaped"])
def test_no_spend_of_an_enumeration_beats_a_row_in_both_goals_or_at_its_weights(make, slopes):
    held = market(make, slopes)
    found = between(held, asked(), 5, 3_000.0, told)
    steps = [[within_and_after(make, one, [200.0 * part / 26] * 26) for part in range(16)] for one in held.channels]
    means = np.array(steps).mean(axis=-1)  # by channel, step and goal
    for parts in itertools.product(range(16), repeat=2):
        if sum(parts) > 15:
            continue
        sums = means[0, parts[0]] + means[1, parts[1]] + means[2, 15 - sum(parts)]
        for point in found.points:
            best = 2 * (1 - point.weight) * sums[0] + 2 * point.weight * sums[1]
            assert best <= point.bound * (1 + 1e-9)
            assert not (sums[0] > point.first * 1.001 and sums[1] > point.second * 1.001)


def test_what_a_step_costs_lies_between_the_odds_of_its_weights(make):
    found = between(market(make), asked(), 5, 3_000.0, told)
    assert len(found.points) == 5
    for one, two in itertools.pairwise(found.points):
        assert one.first > two.first
        assert one.second < two.second
        high = two.weight / (1 - two.weight) if two.weight < 1 else np.inf
        assert one.weight / (1 - one.weight) * 0.98 <= one.costs <= high * 1.02


def test_the_toll_of_a_move_is_that_of_the_question_whatever_the_weights(make):
    held = market(make)
    firm = between(held, asked('goal = { maximise = "outcome", prudence = 5.0 }\n'), 3, 3_000.0, told)
    assert len(firm.points) == 1  # no move is worth so much doubt, for either goal
    assert firm.points[0].spend == pytest.approx([1_000.0] * 3, rel=1e-6)


def cvar(values, level):
    """The mean of the worst draws, the last of them in part, one at a time."""
    left, total = level * len(values), 0.0
    for value in sorted(values):
        total += min(1.0, left) * value
        left -= min(1.0, left)
    return total / (level * len(values))


@pytest.mark.parametrize("slopes", [(0.9, 1.0, 0.8), (2.2, 2.5, 1.0)], ids=["concave", "S-shaped"])
def test_mean_and_worst_draws_are_those_of_the_plan_and_no_enumerated_one_has_more_of_both(make, slopes):
    held = market(make, slopes, draws=7)
    found = safety(held, asked('risk = { measure = "cvar", level = 0.3 }\n'), 5, 3_000.0, told)
    assert found.goals == ("mean", "worst 30 %")
    problem = problem_of(held, asked())
    for point in found.points:
        values = by_draw(problem, np.array(point.spend))[1]
        assert (point.first, point.second) == pytest.approx((values.mean(), cvar(values, 0.3)), rel=1e-9)
        assert point.net == pytest.approx((1 - point.weight) * point.first + point.weight * point.second, rel=1e-9)
        assert point.certified
    for parts in itertools.product(range(31), repeat=2):
        if sum(parts) > 30:
            continue
        values = by_draw(problem, np.array([100.0 * parts[0], 100.0 * parts[1], 3_000.0 - 100.0 * sum(parts)]))[1]
        mean, worst = values.mean(), cvar(values, 0.3)
        for point in found.points:
            assert (1 - point.weight) * mean + point.weight * worst <= point.bound * (1 + 1e-9)


def test_a_frontier_of_risk_runs_from_the_best_mean_to_the_best_worst_draws(make):
    held = market(make, draws=7)
    found = safety(held, asked(), 3, 3_000.0, told)
    best = optimize(held, asked(), priced=False)
    safest = optimize(held, asked('risk = { measure = "cvar" }\n'), priced=False)
    assert found.points[0].first == pytest.approx(best.chosen.value.mean, rel=1e-4)
    assert found.points[-1].second == pytest.approx(safest.net, rel=1e-4)
    assert found.points[-1].second > found.points[0].second
    assert found.own == 0
    assert told.last == "3 of 3 plans"


def test_rules_are_kept_at_every_weight_and_rules_that_cannot_be_are_named(make):
    held = market(make, draws=7)
    rules = "[channels.fast]\ncap = 500\n[channels.slow]\nminimum_flight = 800\n"
    problem = problem_of(held, asked(rules))
    for found in (safety(held, asked(rules), 3, 3_000.0, told), between(held, asked(rules), 3, 3_000.0, told)):
        for point in found.points:
            assert not broken(problem, np.array(point.spend))
    impossible = asked("[channels.fast]\nfloor = 4_000\n")
    with pytest.raises(InfeasibleError, match="floor of fast"):
        safety(held, impossible, 3, 3_000.0, told)
    with pytest.raises(InfeasibleError, match="peso optimize names the rules in conflict"):
        between(held, impossible, 3, 3_000.0, told)


def test_plans_of_a_single_split_are_certified_and_valued_otherwise_than_the_split_of_any_year(make):
    """They once had estimated bounds, next to their values, and none was certified."""
    found = between(market(make), asked(), 3, 3_000.0, told)
    assert all(point.certified for point in found.points)
    assert found.own is None
    text = trades_text(found)
    assert f"Proof: {len(found.points)} of {len(found.points)} plans certified" in text
    assert "One split is valued by peso optimize as that of a year like any other" in text
    assert "what the scenario asks for" not in text


@pytest.mark.parametrize(
    ("rules", "own"),
    [
        ("", None),
        ('risk = { measure = "cvar", weight = 0.5 }\n', 0.5),
        ('risk = { measure = "cvar", weight = 0.4 }\n', None),
        ('goal = { maximise = "outcome", prudence = 0.2 }\n', 0.0),
    ],
)
def test_the_row_that_the_scenario_asks_for_is_marked_and_no_other(make, rules, own):
    """The nearest one was, where the scenario asks for prudence, which is none beside a measure of risk."""
    held = replace(market(make, draws=7), prudence=0.4)
    found = safety(held, asked(rules), 3, 3_000.0, told)
    assert (None if found.own is None else found.points[found.own].weight) == own
    text = trades_text(found)
    assert ("what the scenario asks for" in text) == (own is not None)
    assert ("Under a measure of risk prudence is 0" in text) == ("prudence" not in rules)
    assert ("the scenario itself is planned with 0.4" in text) == (rules == "")
    assert len(trades_chart(found)["layer"][1]["data"]["values"]) == (own is not None)


def point(first, second):
    return Trade(0.0, (), (), first, second, Range(0.0, 0.0, 0.0, 0.0), 0.0, 0.0, 0.0, True)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=12))
def test_what_is_kept_are_the_plans_that_no_other_beats_each_once(pairs):
    kept = [(one.first, one.second) for one in undominated([point(*map(float, pair)) for pair in pairs])]
    best = {one for one in pairs if not any(two != one and two[0] >= one[0] and two[1] >= one[1] for two in pairs)}
    assert sorted(kept) == sorted(best)
    assert kept == sorted(kept, key=lambda pair: pair[1])


def test_a_step_costs_what_is_given_up_over_what_is_gained_and_the_last_nothing():
    rows = undominated([point(10.0, 1.0), point(7.0, 2.0), point(1.0, 4.0), point(6.0, 1.5)])
    assert [row.costs for row in rows] == [3.0, 3.0, None]


@pytest.mark.parametrize(
    ("rules", "more", "words"),
    [
        ("", ', carry_over = "cycle"', "leaves nothing after the end"),
        ("", ', carry_over = "history", tail = 0', "horizon.tail = 0 values nothing"),
        ('risk = { measure = "cvar" }\n', "", "risk says nothing about outcome against brand"),
        ('goal = { maximise = "profit", margin = 0.5 }\n', "", "goal.maximise says nothing"),
        ('[soft]\n"floor of fast" = 1\n', "", "soft says nothing"),
    ],
)
def test_what_leaves_no_brand_to_weigh_is_refused(make, rules, more, words):
    with pytest.raises(InputError, match=words):
        between(market(make), asked(rules, more=more), 3, 3_000.0, told)


def test_what_leaves_no_risk_to_weigh_is_refused(make):
    with pytest.raises(InputError, match="the curves hold one draw"):
        safety(market(make, draws=1), asked(), 3, 3_000.0, told)
    with pytest.raises(InputError, match="'regret' is not what mean is traded against"):
        safety(market(make), asked('risk = { measure = "regret" }\n'), 3, 3_000.0, told)
