"""Reasons of plans, against splits on fine grids, closed forms, and questions that are asked anew from the start."""

import json
from dataclasses import replace

import numpy as np
import pytest

from engine.optimize import explaining
from engine.optimize.changing import NOTABLE, RUNG, first
from engine.optimize.explaining import explained, explanation_document
from engine.optimize.plan import optimize
from engine.optimize.plan_file import plan_document
from engine.optimize.risk.information import information, perfect_information
from engine.optimize.rules import problem_of
from engine.optimize.solve import solve
from engine.report.answer import plan_text
from engine.response.curves import Family
from tests.optimize.builders import channel, curves, earned, random_curves, scenario
from tests.optimize.test_over_time import asked as over_time
from tests.optimize.test_over_time import weekly

STEPS = 4000
HISTORY = "budget = { of_history = 1.0 }\n"


@pytest.fixture
def no_thresholds(monkeypatch):
    """What a test does not look at is not computed: thresholds are most of the work."""
    monkeypatch.setattr(explaining, "IDLE", 0)
    monkeypatch.setattr(explaining, "RUNNING", 0)


def asked(held, text):
    question = scenario(text)
    plan = optimize(held, question)
    return plan, explained(held, question, plan)


def reason(explanation, name):
    return next(one for one in explanation.reasons if one.name == name)


def works(held, name, factor):
    """Curves on which one channel brings a multiple of what it does."""

    def scaled(one):
        known = one.saturation.parameters
        return replace(one, saturation=Family(one.saturation.name, known | {"ceiling": factor * known["ceiling"]}))

    return replace(held, channels=tuple(scaled(one) if one.name == name else one for one in held.channels))


def second_of_two(held, budget, price=1.0, low=0.0, high=np.inf):
    """Money of the second channel, and what the best split of two earns, on a fine grid."""
    money = budget * np.arange(STEPS + 1) / STEPS
    money = money[(money >= low) & (money <= high)]
    one, two = held.channels
    rows = np.array([earned(one, budget - part).mean() + earned(two, part / price).mean() for part in money])
    return money[np.argmax(rows)], rows.max()


@pytest.mark.parametrize("budget", [20.0, 60.0, 150.0])
def test_an_idle_concave_channel_enters_where_its_first_money_meets_the_price_of_money(budget):
    held = curves(channel("a", 100.0, 50.0, 1.0), channel("b", 5.0, 50.0, 1.0))
    _, why = asked(held, f"budget = {{ total = {budget} }}")
    enters = reason(why, "b").enters
    truth = (100 * 50 / (50 + budget) ** 2) / (5 / 50)
    if truth < 1:
        assert enters is None
        return
    assert enters.within <= truth * 1.001 <= enters.factor * 1.002
    assert enters.factor / enters.within == pytest.approx(RUNG)
    assert why.price == pytest.approx(100 * 50 / (50 + budget) ** 2, rel=1e-4)
    assert enters.cheaper


@pytest.mark.parametrize("slope", [1.8, 3.0])
def test_an_idle_s_shaped_channel_enters_between_two_effects_whose_best_splits_a_grid_confirms(slope):
    held = curves(channel("a", [100.0, 120.0], 40.0, 0.8), channel("b", [30.0, 36.0], 60.0, slope))
    _, why = asked(held, "budget = { total = 80 }")
    enters = reason(why, "b").enters
    assert second_of_two(works(held, "b", enters.within), 80.0)[0] == 0
    assert second_of_two(works(held, "b", enters.factor), 80.0)[0] == pytest.approx(enters.spend, abs=0.1)
    assert enters.spend > 1
    assert enters.cheaper
    assert second_of_two(held, 80.0, price=1 / enters.factor)[0] > 1


@pytest.mark.parametrize("slope", [0.7, 2.5])
def test_a_channel_loses_a_tenth_and_all_of_its_money_where_a_grid_says(slope):
    held = curves(channel("a", [100.0, 120.0], 40.0, 0.9), channel("b", [150.0, 110.0], 30.0, slope))
    plan, why = asked(held, "budget = { total = 100 }")
    found, now = reason(why, "b"), plan.lines[1].spend
    assert second_of_two(works(held, "b", found.lessens.within), 100.0)[0] >= 0.9 * now - 0.05
    assert second_of_two(works(held, "b", found.lessens.factor), 100.0)[0] <= 0.9 * now + 0.05
    if slope > 1:
        assert second_of_two(works(held, "b", found.leaves.within), 100.0)[0] > 1
        assert second_of_two(works(held, "b", found.leaves.factor), 100.0)[0] == 0
    else:  # infinitely steep at first: it keeps some whatever it brings
        assert found.leaves is None


@pytest.mark.parametrize("prudence", [0.2, 0.6])
def test_thresholds_of_a_prudent_plan_are_those_of_questions_asked_anew(prudence):
    held = random_curves(np.random.default_rng(11), 3, 6, (0.8, 3.0))
    text = f'budget = {{ total = 120 }}\ngoal = {{ maximise = "outcome", prudence = {prudence} }}'
    plan, why = asked(held, text)
    looked = [(found, found.enters or found.lessens) for found in why.reasons if found.enters or found.lessens]
    assert looked
    for found, threshold in looked:
        at = held.names.index(found.name)
        edge = 1e-4 * plan.spend / 3 if found.idle else 0.9 * found.plan
        within, beyond = (
            optimize(works(held, found.name, factor), scenario(text)).lines[at].spend
            for factor in (threshold.within, threshold.factor)
        )
        assert beyond == pytest.approx(threshold.spend, rel=1e-3)
        assert (within <= edge < beyond) if found.idle else (beyond < edge <= within)


def test_a_channel_that_a_floor_holds_has_no_threshold_at_which_it_loses_money():
    held = curves(channel("a", 100.0, 40.0, 1.0), channel("b", 5.0, 40.0, 1.0))
    _, why = asked(held, "budget = { total = 100 }\n[channels.b]\nfloor = 30")
    assert reason(why, "b").held == ("floor of b",)
    assert (reason(why, "b").lessens, reason(why, "b").leaves) == (None, None)
    assert reason(why, "b").kept == ("floor of b",)


@pytest.mark.usefixtures("no_thresholds")
@pytest.mark.usefixtures("no_thresholds")
@pytest.mark.parametrize(
    ("rule", "name", "low", "high"),
    [
        ("[channels.b]\ncap = 20", "cap of b", 0, 20),
        ("[channels.b]\nfloor = 85", "floor of b", 85, 100),
        ("[channels.b]\nlocked = 15", "b locked", 15, 15),
        ('[groups.g]\nchannels = ["b"]\nshare = { max = 0.1 }', "most share of g", 0, 10),
    ],
)
def test_a_rule_costs_what_the_best_split_without_it_earns_more(rule, name, low, high):
    held = curves(channel("a", [100.0, 120.0], 40.0, 0.9), channel("b", [150.0, 110.0], 30.0, 1.5))
    _, why = asked(held, f"budget = {{ total = 100 }}\n{rule}")
    bound, free = second_of_two(held, 100.0, low=low, high=high), second_of_two(held, 100.0)
    assert [cost.rule for cost in why.rules] == [name]
    assert why.rules[0].gain == pytest.approx(free[1] - bound[1], abs=2e-3)
    assert why.rules[0].moved == pytest.approx(abs(free[0] - bound[0]), abs=0.1)
    assert name in reason(why, "b").held


def test_a_minimum_flight_that_grounds_a_channel_costs_what_flying_lower_would_earn():
    held = curves(channel("a", 100.0, 40.0, 0.9), channel("b", 60.0, 30.0, 0.9))
    plan, why = asked(held, "budget = { total = 100 }\n[channels.b]\nminimum_flight = 95")
    assert plan.lines[1].spend == pytest.approx(0, abs=1e-9)
    free = second_of_two(held, 100.0)
    assert why.rules[0].rule == "minimum flight of b"
    assert why.rules[0].gain == pytest.approx(free[1] - earned(held.channels[0], 100.0).mean(), abs=2e-3)


@pytest.mark.usefixtures("no_thresholds")
@pytest.mark.usefixtures("no_thresholds")
@pytest.mark.parametrize("prudence", [0.0, 0.3])
def test_slopes_are_those_of_the_curves_and_stop_at_the_price_of_money_with_the_charge(prudence):
    held = random_curves(np.random.default_rng(4), 4, 6, (0.5, 0.95))
    _, why = asked(held, f'budget = {{ total = 200 }}\ngoal = {{ maximise = "outcome", prudence = {prudence} }}')
    for one, found in zip(held.channels, why.reasons, strict=True):
        for spend, told in ((found.today, found.at_today), (found.plan, found.at_plan)):
            if spend > 0:
                step = 1e-4 * spend
                rise = (earned(one, spend + step) - earned(one, spend - step)).mean() / (2 * step)
                assert told == pytest.approx(rise, rel=1e-4)
        less, more = found.charge
        if found.plan > 0:
            assert found.at_plan - more <= why.price * (1 + 2e-3)
            assert found.at_plan + less >= why.price * (1 - 2e-3)
        if found.move > 1:
            assert found.at_plan - more == pytest.approx(why.price, rel=2e-3)
        if found.move < -1 and found.plan > 0 and not prudence:
            assert found.at_plan == pytest.approx(why.price, rel=2e-3)


@pytest.mark.usefixtures("no_thresholds")
def test_a_move_is_right_in_the_draws_in_which_undoing_it_earns_less():
    held = random_curves(np.random.default_rng(7), 4, 9, (0.5, 0.9))
    plan, why = asked(held, HISTORY)
    today, now = np.array(plan.baseline.spend), np.array(plan.chosen.spend)
    moves, shares = now - today, []
    for at, own in enumerate(moves):
        against = [k for k in range(4) if moves[k] * own < 0]
        undone = now.copy()
        undone[at] = today[at]
        for k in against:
            undone[k] -= moves[k] * abs(own) / sum(abs(moves[j]) for j in against)
        assert undone.sum() == pytest.approx(now.sum())
        gains = [sum(earned(one, split[k]) for k, one in enumerate(held.channels)) for split in (now, undone)]
        shares.append(float(np.mean(gains[0] > gains[1])) if abs(own) > NOTABLE * now.sum() else None)
    told = [found.right for found in why.reasons]
    assert [one is None for one in told] == [one is None for one in shares]
    assert [one for one in told if one is not None] == pytest.approx([one for one in shares if one is not None])
    assert min(one for one in shares if one is not None) < 1


def test_the_best_average_of_an_idle_channel_is_that_of_the_best_spend():
    held = curves(channel("a", 100.0, 40.0, 0.9), channel("b", 30.0, 60.0, 2.5))
    _, why = asked(held, "budget = { total = 80 }")
    spend, average = reason(why, "b").best
    money = np.linspace(0.1, 80, 5000)
    averages = np.array([earned(held.channels[1], part).mean() / part for part in money])
    assert average == pytest.approx(averages.max(), rel=1e-2)
    assert earned(held.channels[1], spend).mean() / spend == pytest.approx(average)


@pytest.mark.usefixtures("no_thresholds")
@pytest.mark.parametrize(
    ("rule", "allowed"),
    [("step = 25", (25, 50, 75)), ("minimum_flight = 60", np.linspace(60, 80, 500)), ("", np.linspace(0.1, 80, 500))],
)
def test_of_an_idle_channel_no_unit_is_told_that_cannot_be_spent(rule, allowed):
    held = curves(channel("a", 100.0, 40.0, 0.9), channel("b", 30.0, 60.0, 2.5))
    plan, why = asked(held, f"budget = {{ total = 80 }}\n[channels.b]\n{rule}\n")
    best = max(earned(held.channels[1], part).mean() / part for part in allowed)
    assert plan.lines[1].spend == pytest.approx(0, abs=1e-9)
    assert reason(why, "b").best[1] == pytest.approx(best, rel=1e-3)
    assert (plan.lines[1].marginal is None, reason(why, "b").at_plan is None) == (bool(rule), bool(rule))
    assert plan.lines[0].marginal > 0 and reason(why, "a").at_plan > 0
    document = plan_document(plan)["by_channel"][1]
    assert "marginal" in document and (document["marginal"] is None) == bool(rule)
    told = plan_text(plan).splitlines()
    assert next(line for line in told if line.startswith("b ")).endswith(" -") == bool(rule)


def moves(held, text):
    plan = optimize(held, scenario(text))
    return max(abs(line.spend - line.baseline) for line in plan.lines) > NOTABLE * plan.spend


def doubtful(seed=0, count=3):
    held = random_curves(np.random.default_rng(seed), count, 5, (0.5, 0.9))
    return replace(held, channels=tuple(replace(one, history=replace(one.history, mean=40.0)) for one in held.channels))


@pytest.mark.usefixtures("no_thresholds")
def goal(prudence):
    return f'{HISTORY}goal = {{ maximise = "outcome", prudence = {prudence} }}\n'


@pytest.mark.usefixtures("no_thresholds")
def test_where_prudence_keeps_a_plan_the_largest_that_does_not_is_told():
    held = doubtful()
    _, why = asked(held, goal(9.0))
    assert why.unchanged.because == "prudence"
    assert why.unchanged.eased == why.unchanged.together == ()
    assert moves(held, goal(why.unchanged.prudence))
    assert not moves(held, goal(why.unchanged.prudence * RUNG))


@pytest.mark.usefixtures("no_thresholds")
def test_where_rules_leave_no_choice_two_that_are_enough_together_are_told():
    held, lock = doubtful(), "relative = { min = 1.0, max = 1.0 }"
    _, why = asked(held, f"{HISTORY}[every_channel]\n{lock}")
    assert (why.unchanged.because, why.unchanged.eased, why.unchanged.prudence) == ("rules", (), None)
    named = {name.split(" at ")[0] for name in why.unchanged.together}
    assert len(named) == 2
    rest = [one.name for one in held.channels if one.name not in named]
    assert moves(held, HISTORY + "".join(f"[channels.{name}]\n{lock}\n" for name in rest))
    for name in named:
        others = [one.name for one in held.channels if one.name != name]
        assert not moves(held, HISTORY + "".join(f"[channels.{other}]\n{lock}\n" for other in others))


@pytest.mark.usefixtures("no_thresholds")
def test_where_one_rule_is_enough_the_least_easing_that_moves_money_is_told():
    held = curves(channel("a", 100.0, 40.0, 1.0), channel("b", 300.0, 40.0, 1.0))
    _, why = asked(held, f"{HISTORY}[channels.b]\ncap = 40")
    (found,) = why.unchanged.eased
    assert (why.unchanged.because, found.rule) == ("rules", "cap of b")
    assert moves(held, f"{HISTORY}[channels.b]\ncap = {40 + found.by}")
    assert not moves(held, f"{HISTORY}[channels.b]\ncap = {40 + found.within - 1e-6}")


@pytest.mark.usefixtures("no_thresholds")
def test_today_s_split_that_is_the_best_is_called_so():
    held = curves(channel("a"), channel("b"))
    assert asked(held, HISTORY)[1].unchanged.because == "best"
    assert asked(held, f"{HISTORY}[every_channel]\nrelative = {{ min = 1.0 }}")[1].unchanged.because == "best"


@pytest.mark.usefixtures("no_thresholds")
def test_what_is_held_twice_is_told_as_held_by_both():
    held, lock = doubtful(), "[every_channel]\nrelative = { min = 1.0, max = 1.0 }"
    _, why = asked(held, f"{goal(9.0)}{lock}")
    assert why.unchanged.because == "both"
    assert not moves(held, goal(9.0))
    assert not moves(held, f"{goal(0.0)}{lock}")


@pytest.mark.usefixtures("no_thresholds")
def test_a_plan_that_moves_money_has_no_reason_not_to():
    assert asked(doubtful(), HISTORY)[1].unchanged is None


@pytest.mark.usefixtures("no_thresholds")
def test_experiments_are_worth_what_knowing_is_worth():
    held = random_curves(np.random.default_rng(2), 2, 34, (0.6, 2.0))
    _, why = asked(held, "budget = { total = 150 }")
    posed, memory = problem_of(held, scenario("budget = { total = 150 }")), {}
    solved = solve(posed, memory)
    told = information(posed, solved, memory)
    assert {one.name: one.gain for one in why.experiments.channels} == pytest.approx(
        {one.name: one.gain for one in told}, abs=1e-4
    )
    gains = [one.gain for one in why.experiments.channels]
    assert gains == sorted(gains, reverse=True)
    whole = perfect_information(posed, solved, memory)
    assert why.experiments.everything.upper == pytest.approx(whole.upper, rel=1e-3)


def test_spend_beyond_what_was_seen_is_marked_by_spend_and_by_stock():
    one = channel("a", 100.0, 40.0, 1.0, mean=50.0, most=60.0)
    near = replace(one, name="b", history=replace(one.history, max=90.0, support=(30.0, 50.0)))
    far = replace(one, name="c", history=replace(one.history, max=90.0, support=(90.0, 95.0)))
    fine = replace(one, name="d", history=replace(one.history, max=90.0, support=(30.0, 90.0)))
    _, why = asked(curves(one, near, far, fine), "budget = { total = 280 }")
    seen = [found.seen for found in why.reasons]
    assert [found.stock for found in seen] == [pytest.approx((70.0, 70.0), rel=1e-3)] * 4
    assert [found.extrapolated for found in seen] == [True, True, False, False]
    assert [found.below for found in seen] == [False, False, True, False]


@pytest.mark.parametrize("measure", ["cvar", "robust", "regret", "probability"])
def test_of_a_plan_for_another_measure_only_what_applies_is_told(measure):
    held = random_curves(np.random.default_rng(5), 3, 12, (0.6, 0.9))
    target = ", target = 100.0" if measure == "probability" else ""
    plan, why = asked(held, f'budget = {{ total = 100 }}\nrisk = {{ measure = "{measure}"{target} }}')
    assert (why.price, why.rules, why.experiments, why.unchanged) == (None, (), None, None)
    assert measure in why.left_out[0]
    assert [found.plan for found in why.reasons] == [line.spend for line in plan.lines]
    assert not any(found.looked_at for found in why.reasons)


@pytest.mark.parametrize(
    "text",
    [
        'budget = { at_most = 900 }\ngoal = { maximise = "profit", margin = 0.5 }',
        'budget = { at_most = 900 }\ngoal = { maximise = "profit", margin = 0.001 }',
        "budget = { target_outcome = 100 }",
        "budget = { at_most = 200 }\n[every_channel]\ncap = 0",
        'budget = { total = 200 }\n[[shocks]]\nkind = "outage"\nchannels = ["c0"]',
        'budget = { total = 200, reserve = 0.1 }\nsoft = { "cap of c1" = 1 }\n[channels.c1]\ncap = 1\nfloor = 1',
        "budget = { total = 200 }\n[every_channel]\nminimum_flight = 90",
    ],
)
@pytest.mark.parametrize("draws", [1, 3])
def test_whatever_is_answered_is_explained(text, draws):
    held = random_curves(np.random.default_rng(6), 3, draws, (0.5, 2.5))
    plan, why = asked(held, text)
    document = json.loads(json.dumps(explanation_document(why), allow_nan=False))
    assert [one["name"] for one in document["channels"]] == [line.name for line in plan.lines]
    assert (why.experiments is None) == (draws == 1)
    idle = [found.idle for found in why.reasons]
    assert idle == [line.spend <= 1e-4 * (plan.spend or 900) / 3 for line in plan.lines]


def test_overlapping_groups_are_explained_near_the_plan_and_that_is_said():
    held = random_curves(np.random.default_rng(3), 4, 3, (0.6, 2.5))
    groups = "".join(
        f'[groups.{name}]\nkinds = ["earned", "{other}"]\nshare = {{ {side} }}\n'
        for name, other, side in (("g", "paid", "min = 0.5"), ("h", "owned", "max = 0.3"))
    )
    _, why = asked(held, f"budget = {{ total = 200 }}\n{groups}")
    assert why.experiments is None
    assert any("plans far from this one" in told for told in why.left_out)
    assert all(cost.gain >= -1e-6 for cost in why.rules)
    assert why.rules


def test_several_decisions_are_explained_with_whole_rules_and_with_thresholds_that_new_questions_confirm():
    rng = np.random.default_rng(3)
    held = curves(*(weekly(rng, f"c{at}", 0.8, draws=6) for at in range(3)))
    text = "budget = { of_history = 1.0 }\n[channels.c1]\nquarter_cap = 6000"
    question, free = over_time(text), over_time("budget = { of_history = 1.0 }")
    plan = optimize(held, question)
    why = explained(held, question, plan)
    assert [cost.rule for cost in why.rules] == ["quarter cap of c1"]
    truth = optimize(held, free).chosen.value.mean - plan.chosen.value.mean
    assert why.rules[0].gain == pytest.approx(truth, rel=1e-2)
    found = max((one for one in why.reasons if one.lessens), key=lambda one: one.plan)
    for factor, holds in ((found.lessens.within, False), (found.lessens.factor, True)):
        at = held.names.index(found.name)
        again = optimize(works(held, found.name, factor), question).lines[at].spend
        assert (again < 0.9 * found.plan * (1 if not holds else 1 + 1e-3)) == holds
    assert why.experiments.flat


def test_a_threshold_is_the_first_place_on_the_ladder_at_which_a_claim_holds():
    assert [first(lambda at, limit=limit: at >= limit, 90) for limit in (1, 37, 90, 91)] == [1, 37, 90, None]
