"""What is told beside a plan: history as it was, one draw, the worst draws, money for tests, a target's proof."""

import re
from dataclasses import replace

import numpy as np
import pytest

from engine.optimize.compare import compare
from engine.optimize.doubts import far_from_proof
from engine.optimize.explaining import explained
from engine.optimize.plan import optimize
from engine.optimize.plan_file import gap_of_plan, plan_document
from engine.optimize.prices import Price
from engine.optimize.rules import USUAL, problem_of
from engine.optimize.solve import Solved
from engine.report.answer import comparison_text, decision, plan_text, proof
from engine.report.explaining import explanation_text
from engine.words import money

HISTORY = 52 * (150.0 + 60.0)


def held(make, draws=30, **changed):
    """Two channels on which history spent 10,920 a year; `draws` of 1 knows no uncertainty."""
    rng = np.random.default_rng(1)

    def many(value):
        return value * np.exp(0.3 * rng.standard_normal(draws))

    return make.curves(
        make.channel("tv", many(300.0), many(100.0), many(0.9), mean=150.0, most=200.0),
        make.channel("search", many(500.0), many(80.0), many(0.8), mean=60.0, most=90.0),
        **changed,
    )


def asked(make, total="total = 8000", text=""):
    return make.scenario(f"budget = {{ {total} }}\n{text}", 52, "Next year")


def by_hand(curves, split):
    """Outcome by draw of money spent evenly over 52 weeks on channels without carry-over."""
    total = 0.0
    for channel, spend in zip(curves.channels, split, strict=True):
        known = channel.saturation.parameters
        dose = (spend / 52 / known["halfway"]) ** known["slope"]
        total = total + 52 * known["ceiling"] * dose / (1 + dose)
    return total


def test_history_scaled_to_another_budget_is_told_beside_history_as_it_was(make):
    curves = held(make)
    plan = optimize(curves, asked(make))
    text = plan_text(plan)
    against = " against the same USD 8,000 split as in history (which spent USD 10.9 k), chance to bring less"
    assert against in decision(plan)
    change = by_hand(curves, plan.chosen.spend) - by_hand(curves, (150.0 * 52, 60.0 * 52))
    assert (plan.past.spend, plan.past.change.mean) == pytest.approx((HISTORY, change.mean()), rel=1e-6)
    assert plan.past.change.p05 == pytest.approx(np.quantile(change, 0.05), rel=1e-6)
    told = f"Beside history as it was: USD 2,920 less money, {money(change.mean(), 'USD', signed=True)} revenue (5-95 %"
    assert told in text.splitlines()[2]
    assert "history: its split, scaled to USD 8,000; it spent USD 10.9 k in as many weeks." in text
    assert plan_document(plan)["history"]["spend"] == pytest.approx(HISTORY)


def test_history_with_its_own_money_needs_no_footnote(make):
    text = plan_text(optimize(held(make), asked(make, "of_history = 1.0")))
    assert "the same money split as in history, chance" in text
    assert "scaled" not in text and "Beside history" not in text


def test_money_that_is_not_spent_is_told_against_history(make):
    told = decision(optimize(held(make), asked(make, "at_most = 6000")))
    assert "against history's USD 10.9 k (USD 4,920 less)" in told


def test_the_column_of_a_scaled_split_is_footnoted_above_the_channels_too(make):
    text = plan_text(optimize(held(make), asked(make, text='[roles]\nbrand = ["tv"]\nactivation = ["search"]\n')))
    assert text.count("history: its split, scaled to USD 8,000") == 2


def test_rules_that_the_compared_split_breaks_are_named(make):
    text = plan_text(optimize(held(make), asked(make, text="[channels.tv]\ncap = 1000\n")))
    assert "History's split of USD 8,000, with which the plan is compared, does not keep: cap of tv." in text


def test_an_even_split_is_called_so_where_history_spent_nothing(make):
    curves = make.curves(make.channel("tv", mean=0.0, most=40.0), make.channel("pr", 150.0, mean=0.0, most=40.0))
    text = plan_text(optimize(curves, asked(make)))
    assert "against an even split of the same money" in text
    assert "history: none, so an even split." in text


def test_one_draw_knows_no_uncertainty(make):
    plan = optimize(held(make, draws=1), asked(make))
    compared = comparison_text(compare(held(make, draws=1), [asked(make)]))
    for text in (plan_text(plan), compared.split("scenario  ")[0]):
        assert "one draw: no uncertainty is known" in text
        assert "5-95 %" not in text and "chance" not in text and "95 %" not in text
    row = next(line for line in compared.splitlines() if line.startswith("Next year  "))
    assert re.split(r" {2,}", row)[3:6] == ["-", "-", "-"]
    assert plan_document(plan)["draws"] == 1


def test_a_plan_of_its_worst_draws_tells_their_mean_beside_history(make):
    curves = held(make, draws=40)
    plan = optimize(curves, asked(make, text='risk = { measure = "cvar", level = 0.25, weight = 0.5 }\n'))
    worst, before = (np.sort(by_hand(curves, split.spend))[:10].mean() for split in (plan.chosen, plan.baseline))
    assert (plan.tail.plan, plan.tail.baseline) == pytest.approx((worst, before), rel=1e-6)
    told = f"its worst 25.0 % of draws bring {money(worst, 'USD')} in the mean, those of history's split of USD 8,000 "
    assert told + money(before, "USD") in proof(plan)
    assert plan_document(plan)["worst_draws"] == {"level": 0.25, "plan": plan.tail.plan, "baseline": plan.tail.baseline}
    assert plan_document(optimize(curves, asked(make)))["worst_draws"] is None


@pytest.mark.parametrize(("rule", "least"), [("share = 0.4", 3200.0), ("amount = 5000", 5000.0)])
def test_money_for_tests_is_told_with_its_channels(make, rule, least):
    plan = optimize(held(make), asked(make, text=f'[learn]\n{rule}\nchannels = ["tv"]\n'))
    spend = plan.chosen.spend[0]
    assert f"For tests: at least {money(least, 'USD')} are kept for tv; this plan spends {money(spend, 'USD')} (" in (
        plan_text(plan)
    )
    assert plan_document(plan)["learn"] == {"channels": ("tv",), "least": least, "spend": pytest.approx(spend)}
    assert plan_document(optimize(held(make), asked(make)))["learn"] is None


def test_a_prudent_target_tells_its_own_distance_from_what_is_proven(make):
    curves = replace(held(make), prudence=2.0)
    plan = optimize(curves, asked(make, "target_outcome = 17000"))
    found = plan.found
    assert found.money > 1.001 * found.unhurried
    own = (found.money - found.proven) / found.money
    assert gap_of_plan(found) == pytest.approx(own)
    assert f"(gap without prudence {100 * found.gap:.3f} %, of this plan {100 * own:.3f} %)" in plan_text(plan)
    assert plan_document(plan)["target"]["gap_of_plan"] == pytest.approx(own)
    calm = optimize(replace(curves, prudence=0.0), asked(make, "target_outcome = 17000"))
    assert f"reaches it (gap {100 * calm.found.gap:.3f} %)." in plan_text(calm)
    unknown = replace(calm, found=replace(calm.found, proven=0.0, gap=1.0))
    assert "for an outcome of 17.0 k; no lower bound is known." in plan_text(unknown)
    assert gap_of_plan(unknown.found) is None


def test_rules_that_earn_nothing_are_not_listed_and_nothing_is_minus_nothing(make):
    plan = optimize(held(make), asked(make, text="[channels.search]\ncap = 1000\n"))
    prices = (Price("dear", 0.4, 10.0, 3.0), Price("idle", -0.001, 10.0, -0.0001), Price("low", 0.0, 10.0, 1.0))
    text = plan_text(replace(plan, prices=prices))
    assert "  dear: 0.40 per USD 1; " in text and "  low: 0.00 per USD 1; USD 10 of room earns 0.10" in text
    assert "idle" not in text and " -0.00" not in text
    untried = plan_text(replace(plan, prices=(Price("budget", 0.4, 10.0, 4.0), Price("idle", 0.0, 10.0, None))))
    assert "  budget: 0.40 per USD 1; " in untried and "idle" not in untried


def test_bounds_of_counted_outcomes_have_their_unit(make):
    plan = optimize(held(make, outcome="orders"), asked(make))
    assert f"can earn more than {money(plan.bound, '')} orders, this one earns" in proof(plan)


FLIGHT = "[channels.tv]\nminimum_flight = 100\n"


@pytest.mark.parametrize(
    ("text", "effort", "advice"),
    [
        (FLIGHT, USUAL, "; ask with fewer minimum flights or rules on single decisions to see what they hide"),
        ("", USUAL, "; ask with --prove"),
        ("", USUAL + 1, " away from this one"),
    ],
)
def test_a_bound_far_away_is_told_with_what_would_bring_it_near(make, text, effort, advice):
    scenario = make.quarterly(f"budget = {{ total = 8000 }}\n{text}")
    problem = replace(problem_of(held(make), scenario), effort=effort)
    solved = Solved(np.zeros(8), 1.0, 1.2, "far", 1.2, 0.01, False)
    (told,) = far_from_proof(problem, solved)
    assert told.endswith(advice)
    assert far_from_proof(problem, replace(solved, value=1.19)) == ()
    assert "20.0 points away" in far_from_proof(problem, replace(solved, bound=1.25), "probability")[0]


def test_a_loss_is_no_chance_where_there_is_one_draw(make):
    for draws, told in ((1, "How sure: one draw: no uncertainty is known."), (20, "How sure: chance to bring less ")):
        curves, scenario = held(make, draws), asked(make)
        plan = optimize(curves, scenario)
        assert told in explanation_text(plan, explained(curves, scenario, plan))
