"""Prudence: a move away from today's split must be worth its doubt."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config.loading import parse
from engine.config.scenario import Scenario
from engine.errors import InputError
from engine.optimize.plan import optimize
from engine.optimize.plan_file import plan_document
from engine.optimize.rules import problem_of
from engine.optimize.tables import doubt
from engine.report.answer import proof
from engine.response.curves_file import read_curves, write_curves
from tests.optimize.builders import channel, curves, earned, random_curves, scenario

ASKED = "budget = { of_history = 1.0 }\nevery_channel = { relative = { min = 0.0, max = 3.0 } }\n"


def asked(prudence=None):
    goal = "" if prudence is None else f'goal = {{ maximise = "outcome", prudence = {prudence} }}\n'
    return scenario(ASKED + goal, periods=4)


def uncertain(seed, count=4, draws=40):
    return random_curves(np.random.default_rng(seed), count, draws=draws)


def gain_by_draw(held, plan):
    today, chosen = (np.array(split.spend) / 4 for split in (plan.baseline, plan.chosen))
    return 4 * sum(
        earned(one, new) - earned(one, old) for one, new, old in zip(held.channels, chosen, today, strict=True)
    )


@pytest.mark.parametrize("seed", range(8))
def test_a_move_is_worth_its_doubt(seed):
    held = uncertain(seed)
    for prudence in (0.5, 1.0, 2.0):
        plan = optimize(held, asked(prudence))
        gain = gain_by_draw(held, plan)
        assert plan.certified
        assert gain.mean() == pytest.approx(plan.gain.mean, rel=1e-9, abs=1e-6)
        away = np.abs(gain - gain.mean()).mean()
        assert gain.mean() >= prudence * away - 1e-4 * plan.baseline.value.mean
        assert plan.chance_of_loss <= 1 / (2 * prudence) + 1e-9  # by Markov's inequality on the shortfall


def test_where_all_is_in_doubt_today_is_kept():
    plan = optimize(uncertain(3), asked(10.0))
    assert plan.chosen.spend == pytest.approx(plan.baseline.spend)
    assert plan.gain.mean == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_the_tolled_plan_is_the_best_of_all_on_a_grid(seed):
    held = uncertain(seed, count=3)
    plan = optimize(held, asked(0.7))
    posed = problem_of(held, asked(0.7))
    today, steps = np.array(plan.baseline.spend), 120
    money = today.sum() / steps * np.arange(steps + 1)

    def tolled(channel, spend):
        payoff = posed.payoffs[channel]
        less, more = payoff.toll
        moved = spend - today[channel]
        return 4 * earned(held.channels[channel], spend / 4).mean() - np.where(moved < 0, -less, more) * moved

    values = [np.array([tolled(c, one) for one in money]) for c in range(3)]
    best = max(
        values[0][i] + values[1][j] + values[2][steps - i - j]
        for i in range(steps + 1)
        for j in range(steps + 1 - i)
        if all(x <= 3 * t + 1e-9 for x, t in zip((money[i], money[j], money[steps - i - j]), today, strict=True))
    )
    found = sum(float(tolled(c, spend)) for c, spend in enumerate(plan.chosen.spend))
    assert found >= best - 1e-3 * abs(best)
    assert plan.bound >= best
    assert plan.net == pytest.approx(found, rel=1e-9)


def net_of(posed, spend):
    """Mean outcome less the charge for moves, read off the problem."""
    total = 0.0
    for payoff, money in zip(posed.payoffs, spend, strict=True):
        (less, more), moved = payoff.toll, money - payoff.anchor
        total += 4 * earned(payoff.channel, money / 4).mean() - (more * moved if moved > 0 else -less * moved)
    return total


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.sampled_from([0.1, 0.4, 2.0]), st.sampled_from(["of_history = 1.0", "at_most = 600"]))
def test_no_plan_is_worth_more_than_the_bound_after_the_charge_for_its_moves(seed, prudence, budget):
    """The bound once had the plan's own charge added to it, and other plans were worth more than it."""
    held = uncertain(seed)
    text = f'budget = {{ {budget} }}\ngoal = {{ maximise = "outcome", prudence = {prudence} }}\n'
    plan = optimize(held, scenario(text, periods=4), priced=False)
    posed = problem_of(held, scenario(text, periods=4))
    assert plan.net == pytest.approx(plan.chosen.value.mean - plan.tolls, rel=1e-12)
    assert plan.tolls >= 0
    assert plan.net == pytest.approx(net_of(posed, plan.chosen.spend), rel=1e-9)
    assert plan.gap == pytest.approx((plan.bound - plan.net) / plan.bound, abs=1e-12)
    free = optimize(held, scenario(text.replace(f"prudence = {prudence}", "prudence = 0"), periods=4), priced=False)
    rng, least = np.random.default_rng(seed), plan.spend if "history" in budget else 0.0
    splits = [rng.dirichlet(np.ones(4)) * rng.uniform(least, max(least, 600)) for _ in range(50)]
    if "history" in budget:
        splits = [split * plan.spend / split.sum() for split in splits]
    for split in (free.chosen.spend, plan.baseline.spend, *splits):
        if sum(split) <= posed.budget.high * (1 + 1e-9):
            assert net_of(posed, split) <= plan.bound * (1 + 1e-9)
    assert free.chosen.value.mean >= plan.chosen.value.mean * (1 - 1e-4)


def test_without_a_charge_net_is_value_and_the_bound_is_its_bound():
    plan = optimize(uncertain(1), asked(0.0))
    assert (plan.tolls, plan.net) == (0.0, plan.chosen.value.mean)
    assert plan_document(plan)["net"] == plan_document(plan)["value"]["mean"] <= plan.bound


def test_one_draw_has_no_doubt():
    held = uncertain(5, draws=1)
    assert optimize(held, asked(5.0)).chosen.spend == pytest.approx(optimize(held, asked(0.0)).chosen.spend, rel=1e-6)


def test_doubt_is_the_deviation_of_what_a_move_brings():
    held = uncertain(1)
    payoff = problem_of(held, asked(0.0)).payoffs[0]
    less, more = doubt(payoff, 160.0, 0.0, 400.0)
    at = 4 * earned(held.channels[0], 160.0 / 4)
    for spend, told in ((0.0, less), (400.0, more)):
        change = 4 * earned(held.channels[0], spend / 4) - at
        assert told >= np.abs(change - change.mean()).mean() / abs(spend - 160.0) * (1 - 1e-9)
    assert doubt(payoff, 160.0, 160.0, 400.0)[0] == 0


@pytest.mark.parametrize("reach", [4.0, 3.0, 1.5])
def test_doubt_is_the_same_a_hair_s_breadth_away(reach):
    """A spend to look at once fell on today's but for rounding, and the toll was noise over nothing: twice as high."""
    payoff = problem_of(uncertain(1), asked(0.0)).payoffs[0]
    for anchor in np.linspace(7.0, 900.0, 200).tolist():
        at = doubt(payoff, anchor, 0.0, reach * anchor)
        beside = doubt(payoff, anchor, 0.0, reach * anchor * 1.0003)
        assert at == pytest.approx(beside, rel=1e-2)


def test_the_scenario_outweighs_the_curves():
    held = dataclasses.replace(uncertain(2), prudence=10.0)
    kept = optimize(held, asked())
    moved = optimize(held, asked(0.0))
    assert kept.chosen.spend == pytest.approx(kept.baseline.spend)
    assert moved.chosen.spend == pytest.approx(optimize(uncertain(2), asked()).chosen.spend)


def uncertain_third(today, slope=1.0):
    """Two channels that are known well and one that nobody knows, which spends `today` a week."""
    rng, draws = np.random.default_rng(0), 100

    def many(value, by):
        return value * np.exp(by * rng.standard_normal(draws) - by**2 / 2)

    return curves(
        channel("tv", many(600.0, 0.3), many(200.0, 0.5), mean=200.0),
        channel("radio", many(400.0, 0.3), many(150.0, 0.5), mean=150.0),
        channel("idle", many(600.0, 1.5), many(200.0, 0.5), slope, mean=today),
    )


FREE = 'budget = { of_history = 1.0 }\ngoal = { maximise = "outcome", prudence = 0.4 }\n'


def third_toll(today, slope=1.0, text=FREE):
    return problem_of(uncertain_third(today, slope), scenario(text, periods=4)).payoffs[2].toll[1]


@pytest.mark.parametrize("slope", [1.0, 3.0])
@pytest.mark.parametrize("today", [0.0, 0.01, 1.0])
def test_a_channel_that_hardly_runs_today_pays_for_its_doubt_like_one_that_runs_a_little(today, slope):
    """At 0 today it once paid nothing, and got a fifth of the budget at a chance of loss of 55 %."""
    assert third_toll(today, slope) >= 0.8 * third_toll(5.0, slope) > 0


def test_money_for_an_idle_channel_is_worth_its_doubt():
    held, text = uncertain_third(0.0), FREE.replace("0.4", "1.0")
    plan = optimize(held, scenario(text, periods=4), priced=False)
    gain = gain_by_draw(held, plan)
    assert gain.mean() >= np.abs(gain - gain.mean()).mean() - 1e-4 * plan.baseline.value.mean
    assert plan.chance_of_loss <= 0.5


@pytest.mark.parametrize("floor", [40.0, 100.0])
def test_money_above_a_floor_far_from_today_is_charged(floor):
    """A floor above four times today's spend once switched the charge off for all money above it."""
    assert third_toll(5.0, text=FREE + f"[channels.idle]\nfloor = {floor}\n") >= 0.5 * third_toll(5.0)


LOOSER = {  # a rule on one channel, and a looser one
    "a floor that is not reached": ("[channels.c0]\nrelative = { min = 0.3, max = 3.0 }\n", ""),
    "a floor that is": ("[channels.c1]\nrelative = { min = 0.9, max = 3.0 }\n", ""),
    "a lock": ("[channels.c2]\nlocked = 150\n", ""),
    "a cap": ("[channels.c3]\ncap = 200\n", "[channels.c3]\ncap = 300\n"),
    "bounds of all": ("every_channel = { relative = { min = 0.7, max = 1.3 } }\n", ""),
    "a share": ('[groups.g]\nchannels = ["c0", "c1"]\nshare = { min = 0.6 }\n', ""),
}
WEIGHED = 'goal = { maximise = "outcome", prudence = 0.4 }\n'


def pair(name, budget="of_history = 1.0", decide=""):
    """The question with the rule, and with the looser one."""
    horizon = decide and f'decide = "{decide}", '
    return (
        parse(
            f'name = "x"\nhorizon = {{ {horizon}start = 2027-01-04, periods = {26 if decide else 4} }}\n'
            f"budget = {{ {budget} }}\n{WEIGHED}{rule}",
            Scenario,
            "question.toml",
        )
        for rule in LOOSER[name]
    )


@pytest.mark.parametrize("budget", ["of_history = 1.0", "at_most = 900"])
@pytest.mark.parametrize("name", LOOSER)
@pytest.mark.parametrize("seed", range(3))
def test_a_looser_rule_never_earns_less_after_the_charge_for_doubt(seed, name, budget):
    """A floor out of reach once limited where doubt was looked for: without it the same plan was charged more."""
    held = uncertain(seed)
    firm, free = (optimize(held, one, priced=False) for one in pair(name, budget))
    assert free.bound >= firm.net * (1 - 1e-9)
    assert free.net >= firm.net * (1 - 1e-3)


@pytest.mark.parametrize("decide", ["", "quarter"])
@pytest.mark.parametrize("name", LOOSER)
def test_a_move_is_charged_the_same_whatever_the_rules(name, decide):
    held = uncertain(0)
    firm, free = (problem_of(held, one) for one in pair(name, decide=decide))
    tolls = [payoff.toll for payoff in free.payoffs]
    assert min(min(toll) for toll in tolls) > 0
    assert [payoff.toll for payoff in firm.payoffs] == tolls
    assert [payoff.toll for payoff in firm.with_rules(firm.rules[:1]).payoffs] == tolls


def test_wider_limits_of_the_total_leave_the_charge_as_it_is():
    held = uncertain(1)
    few, many = (
        problem_of(held, scenario(f"budget = {{ at_most = {money} }}\n{WEIGHED}", periods=4)) for money in (500, 5000)
    )
    assert [payoff.toll for payoff in few.payoffs] == [payoff.toll for payoff in many.payoffs]


def test_the_more_channels_are_idle_the_same_each_pays():
    held = uncertain_third(0.0)
    more = dataclasses.replace(held, channels=(*held.channels, dataclasses.replace(held.channels[2], name="idle too")))
    tolls = [payoff.toll for payoff in problem_of(more, scenario(FREE, periods=4)).payoffs]
    assert tolls[2] == tolls[3] == problem_of(held, scenario(FREE, periods=4)).payoffs[2].toll


def test_curves_keep_their_prudence_in_the_file(tmp_path):
    held = dataclasses.replace(uncertain(2), prudence=0.35)
    write_curves(tmp_path / "curves.json", held)
    assert read_curves(tmp_path / "curves.json").prudence == 0.35
    (tmp_path / "odd.json").write_text((tmp_path / "curves.json").read_text().replace("0.35", "-1"))
    with pytest.raises(InputError, match="prudence"):
        read_curves(tmp_path / "odd.json")


def test_without_history_nothing_is_charged():
    one = uncertain(4)
    bare = [dataclasses.replace(c, history=dataclasses.replace(c.history, mean=0.0, max=0.0)) for c in one.channels]
    plan = optimize(curves(*bare, prudence=9.0), scenario("budget = { total = 400 }\n", periods=4))
    free = optimize(curves(*bare), scenario("budget = { total = 400 }\n", periods=4))
    assert plan.chosen.spend == free.chosen.spend


@pytest.mark.parametrize("prudence", ["10.5", "-1", "true", '"much"'])
def test_a_prudence_that_no_scenario_may_ask_for_is_refused_in_curves_too(tmp_path, prudence):
    write_curves(tmp_path / "curves.json", dataclasses.replace(uncertain(2), prudence=0.35))
    text = (tmp_path / "curves.json").read_text()
    (tmp_path / "curves.json").write_text(text.replace('"prudence": 0.35', f'"prudence": {prudence}'))
    with pytest.raises(InputError, match=f"prudence is {prudence}; a number from 0 to 10 is needed"):
        read_curves(tmp_path / "curves.json")


@pytest.mark.parametrize("seed", range(3))
def test_the_chance_of_a_target_is_of_what_is_left_after_the_charge_for_doubt(seed):
    """As under every other measure; the report says so."""
    held = uncertain(seed)
    free = optimize(held, asked(2.0), priced=False)
    goal = free.chosen.value.mean - free.tolls / 2
    text = f'goal = {{ maximise = "outcome", prudence = 2.0 }}\nrisk = {{ measure = "probability", target = {goal} }}\n'
    plan = optimize(held, scenario(ASKED + text, periods=4), priced=False)
    earns = 4 * sum(earned(one, money / 4) for one, money in zip(held.channels, plan.chosen.spend, strict=True))
    before, after = float(np.mean(earns >= goal)), float(np.mean(earns - plan.tolls >= goal))
    assert plan.net == pytest.approx(after)
    assert plan.net <= plan.bound
    assert ("for the doubt of its moves, this plan is worth" in proof(plan)) == (plan.tolls > 0)
    assert before >= after
