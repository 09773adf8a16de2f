"""Reasons of plans as text: every figure of an explanation stands in it, in the user's words."""

import json
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from click.testing import CliRunner

from engine.cli.optimize import verb
from engine.config.scenario import Budget, ChannelRules, Goal, Horizon, Relative, Risk, Scenario
from engine.optimize.explaining import explained
from engine.optimize.plan import optimize
from engine.report.explaining import explanation_text
from engine.response.curves import Channel, Curves, Family, History
from engine.response.curves_file import write_curves
from engine.words import money, percent


def channel(name, ceiling, slope=1.0, draws=4):
    spread = np.linspace(0.9, 1.1, draws) if draws > 1 else np.ones(1)
    known = {"ceiling": ceiling * spread, "halfway": np.full(draws, 1000.0), "slope": np.full(draws, slope)}
    retain = Family("geometric", {"retain": np.full(draws, 0.5)})
    return Channel(name, "paid", retain, Family("hill", known), History(mean=1000.0, max=1500.0))


def curves(*channels, outcome="revenue"):
    return Curves("EUR", outcome, "month", channels)


HELD = curves(channel("tv", 3000.0), channel("search", 9000.0), channel("radio", 900.0, 2.5))


def question(**changed):
    given = {"horizon": Horizon(start=date(2027, 1, 1), periods=12), "budget": Budget(total=36_000.0)}
    return Scenario(name="x", **{**given, **changed})


def told(held, asked):
    plan = optimize(held, asked)
    why = explained(held, asked, plan)
    return plan, why, explanation_text(plan, why)


def test_every_figure_of_an_explanation_is_told():
    _, why, text = told(HELD, question(channels={"search": ChannelRules(cap=15_000.0)}))
    assert f"the last EUR 1 of this plan is worth {why.price:.2f}." in text
    tv, search, radio = why.reasons
    assert "search: held by cap of search." in text
    assert f"tv loses more than a tenth of its money if it works {tv.lessens.factor:.2f} times as well" in text
    assert f"not yet at {radio.enters.within:.2f} (or costs {percent(1 - 1 / radio.enters.factor)} less)" in text
    assert f"on it return {radio.best[1]:.2f} per EUR 1" in text
    assert (
        f"cap of search: {money(why.rules[0].gain, 'EUR')}, with {money(why.rules[0].moved, 'EUR')} elsewhere" in text
    )
    assert f"worth at most {money(why.experiments.everything.upper, 'EUR')} over the horizon" in text
    assert f"How sure: chance to bring less {percent(why.chance_of_loss)}." in text
    assert f"tv: history spent at most {1500:,} a month, the plan spends up to {tv.plan / 12:,.0f}" in text
    assert all(percent(one.right) in text for one in (tv, search, radio))


def test_the_largest_move_stands_first():
    _, why, text = told(HELD, question())
    rows = text.split("pays in\n")[1].splitlines()[:3]
    ranked = sorted(why.reasons, key=lambda one: -abs(one.move))
    assert [row.split()[0] for row in rows] == [one.name for one in ranked]


@pytest.mark.parametrize(
    ("goal", "rules", "words"),
    [
        (Goal(), None, "it is the best split there is"),
        (Goal(), ChannelRules(relative=Relative(min=1.0, max=1.0)), "the rules allow no better split"),
        (Goal(prudence=10.0), None, "is worth its doubt (prudence 10)"),
    ],
)
def test_a_plan_that_stays_says_why_first(goal, rules, words):
    alike = curves(channel("tv", 3000.0), channel("search", 3000.0))
    asked = question(goal=goal, every_channel=rules, budget=Budget(of_history=1.0))
    _, why, text = told(alike if words.startswith("it is") else replace(HELD, channels=HELD.channels[:2]), asked)
    assert text.splitlines()[0].startswith("Why nothing moves: ")
    assert words in text.splitlines()[0]
    if why.unchanged.prudence is not None:
        assert f"prudence {why.unchanged.prudence:.3g} instead of 10 is low enough" in text


def test_two_rules_that_must_go_together_are_named():
    rules = ChannelRules(relative=Relative(min=1.0, max=1.0))
    _, _, text = told(HELD, question(every_channel=rules, budget=Budget(of_history=1.0)))
    assert "without radio at 100 % of history and search at 100 % of history money moves" in text or (
        "without search at 100 % of history and radio at 100 % of history money moves" in text
    )


def test_an_outcome_that_is_no_money_is_told_without_a_currency():
    _, why, text = told(replace(HELD, outcome="orders"), question())
    assert f"worth at most {money(why.experiments.everything.upper, '')} over the horizon" in text


def test_what_is_left_out_is_said():
    _, _, text = told(HELD, question(risk=Risk(measure="cvar", level=0.5)))
    assert "Not looked at: a plan for cvar is not chosen by means" in text
    assert "What would change" not in text
    one = curves(channel("tv", 3000.0, draws=1), channel("search", 9000.0, draws=1))
    assert "experiments: the curves have one draw" in told(one, question())[2]


def test_a_channel_s_name_cannot_command_a_terminal():
    held = replace(HELD, channels=(replace(HELD.channels[0], name="tv\x1b[31m"), *HELD.channels[1:]))
    assert "\x1b" not in told(held, question())[2]


def test_the_command_explains_where_it_is_asked_to(tmp_path):
    place, asked = tmp_path / "curves.json", tmp_path / "question.toml"
    write_curves(place, HELD)
    asked.write_text(
        'name = "x"\nhorizon = { start = 2027-01-01, periods = 12 }\nbudget = { total = 36_000 }\n', encoding="utf-8"
    )

    def answer(*more):
        found = CliRunner().invoke(verb, [str(place), str(asked), *more])
        assert found.exit_code == 0
        return found.stdout

    document = json.loads(answer("--explain", "--json"))
    assert [one["name"] for one in document["explanation"]["channels"]] == document["channels"]
    assert "explanation" not in json.loads(answer("--json"))
    assert answer("--explain").startswith(answer().split("Route:")[0])
    assert "Why the money is where it is" in answer("--explain")
