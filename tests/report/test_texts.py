"""Texts for people: the decision with its range and its risk, totals that add up, and nothing that a terminal obeys."""

import re
from dataclasses import replace

import numpy as np
import pytest

from engine.optimize.compare import compare
from engine.optimize.plan import optimize
from engine.report.answer import comparison_text, decision, plan_text, proof
from engine.words import money, number, table


def asked(make, text="", name="Next year", total="total = 12000"):
    return make.scenario(f"budget = {{ {total} }}\n" + text, 52, name)


def held(make, first="tv"):
    rng = np.random.default_rng(1)
    draws = 30

    def many(value):
        return value * np.exp(0.3 * rng.standard_normal(draws))

    return make.curves(
        make.channel(first, many(300.0), many(100.0), many(0.9), mean=150.0, most=200.0),
        make.channel("search", many(500.0), many(80.0), many(0.8), mean=60.0, most=90.0),
        make.channel("pr", many(100.0), many(60.0), many(1.0), kind="earned", mean=21.0, most=30.0),
    )


def test_the_decision_says_what_to_move_what_it_brings_and_how_it_may_lose(make):
    plan = optimize(held(make), asked(make))
    told = decision(plan)
    assert told.startswith("Next year, 2027-01-04 to 2028-01-02, USD 12.0 k: move money from tv (USD ")
    assert " to search (USD " in told
    assert money(plan.gain.mean, "USD", signed=True) in told
    assert money(plan.gain.p05, "USD", signed=True) in told
    assert money(plan.gain.p95, "USD", signed=True) in told
    assert re.search(r"chance to bring less \d+\.\d %\.$", told)
    assert "\n" not in told


def test_a_plan_that_changes_nothing_says_keep(make):
    same = make.curves(*(make.channel(name) for name in ("a", "b")))
    told = decision(optimize(same, asked(make, total="of_history = 1.0")))
    assert told.endswith("keep the same money split as in history; no better split exists under these rules.")
    doubted = decision(optimize(replace(held(make), prudence=9.0), asked(make, total="of_history = 1.0")))
    assert doubted.endswith("in history; no move under these rules is worth its doubt (prudence 9).")


def test_a_smaller_budget_is_compared_with_what_history_spent(make):
    plan = optimize(held(make), asked(make, total="at_most = 6000"))
    assert f"history's {money(sum(plan.baseline.spend), 'USD')}" in decision(plan)


def test_the_table_has_every_channel_and_its_total(make):
    plan = optimize(held(make), asked(make))
    text = next(part for part in plan_text(plan).split("\n\n") if part.startswith("channel"))
    rows = [re.split(r" {2,}", line.strip()) for line in text.splitlines()]
    assert [row[0] for row in rows[1:5]] == ["tv", "search", "pr", "total"]
    assert rows[4][2] == "12.0 k"
    outcome = sum(line.outcome.mean for line in plan.lines)
    assert outcome == pytest.approx(plan.chosen.outcome.mean)
    assert sum(line.spend for line in plan.lines) == pytest.approx(12_000)
    assert f"{plan.chosen.outcome.mean / 12_000:.2f}" in rows[4]


def test_spend_beyond_history_is_starred(make):
    text = plan_text(optimize(held(make), asked(make)))
    assert re.search(r"^search .*\d( k)?\*", text, flags=re.MULTILINE)
    assert "* more a week than history ever shows" in text


def test_binding_rules_are_told_with_price_and_re_solve(make):
    text = plan_text(optimize(held(make), asked(make, "[channels.search]\ncap = 1000\n")))
    step = r"^  cap of search: \d+\.\d\d per USD 1; USD 100 of room earns \d+\.\d\d per USD 1$"
    assert re.search(step, text, re.MULTILINE)
    assert re.search(r"^  budget: ", text, re.MULTILINE)


def test_rules_that_leave_no_choice_are_not_priced_one_by_one(make):
    fixed = asked(make, "[every_channel]\nrelative = { min = 1.0, max = 1.0 }\n", "flat", "of_history = 1.0")
    free = asked(make, name="free", total="of_history = 1.0")
    answers = compare(held(make), [fixed, free])
    text = comparison_text(answers)
    assert "Why, flat: the rules hold the plan together; to ease any one of them alone earns nothing." in text
    assert "Why, free: these rules hold the plan" in text
    columns = [re.split(r" {2,}", re.search(rf"^{name} .*$", text, re.MULTILINE)[0]) for name in ("flat", "free")]
    assert columns[0][7] == "-" and float(columns[1][7]) > 0


def test_a_budget_that_other_rules_cannot_spend_says_so(make):
    scenario = asked(make, "[channels.tv]\ncap = 7000\n[channels.search]\ncap = 5000\n[channels.pr]\ncap = 500\n")
    assert re.search(
        r"budget: .*; USD 1,200 more cannot be spent under the other rules$",
        plan_text(optimize(held(make), scenario)),
        re.MULTILINE,
    )


def test_spending_as_before_is_told_to_be_without_shocks(make):
    assert "'spending as before' (without the shocks of a scenario)" in comparison_text(
        compare(held(make), [asked(make)])
    )
    own = comparison_text(compare(held(make), [asked(make)], asked(make, name="mine")))
    assert "against 'mine', draw by draw" in own.replace("\n", " ")


def test_scenarios_side_by_side_begin_with_what_to_move_and_tell_the_money_of_each_channel(make):
    answers = compare(held(make), [asked(make, name="wide"), asked(make, "[channels.tv]\ncap = 5000\n", "narrow")])
    text = comparison_text(answers)
    for line, answer in zip(text.splitlines(), answers, strict=False):
        assert re.match(rf"{answer.name}: (move money from|spend less on|spend more on) ", line)
    rows = text.partition("Money by channel (USD):\n")[2].splitlines()
    assert re.split(r" {2,}", rows[0]) == ["channel", "spending as before", "wide", "narrow"]
    for at, line in enumerate(answers[0].plan.lines):
        told = [number(answer.plan.chosen.spend[at]) for answer in answers]
        assert re.split(r" {2,}", rows[1 + at]) == [line.name, number(answers[0].base.spend[at]), *told]


def test_what_the_margin_counts_is_said_once_and_only_where_moves_are_charged(make):
    doubting = replace(held(make), prudence=0.4)
    scenarios = [asked(make, name=name, total=f"total = {total}") for name, total in (("a", 12_000), ("b", 9_000))]
    assert comparison_text(compare(doubting, scenarios)).count("The margin is told after") == 1
    assert plan_text(optimize(doubting, scenarios[0])).count("The margin is told after") == 1
    assert "The margin is told after" not in comparison_text(compare(held(make), scenarios))


def test_a_plan_held_by_no_rule_says_so(make):
    goal = 'goal = { maximise = "profit", margin = 0.4 }\n'
    assert "Why: no rule holds the plan back." in plan_text(
        optimize(held(make), asked(make, goal, total="at_most = 1e9"))
    )


def test_the_proof_names_bound_value_gap_and_route(make):
    plan = optimize(held(make), asked(make))
    told = proof(plan)
    assert told.startswith("Proof: certified; no plan under these rules can earn more than USD ")
    assert f"gap {100 * plan.gap:.4f} %" in told
    assert plan.route in told
    assert proof(replace(plan, gap=0.01)).startswith("Proof: feasible, not certified;")


ODD = ["tv\x1b[31m", "tv\nsearch", "[bold]tv[/bold]", "<b>tv</b>", "=1+1", 'tv "x"', "\N{ROCKET}", "x" * 200]


@pytest.mark.parametrize("name", ODD, ids=range(len(ODD)))
def test_names_are_shown_as_they_are_but_never_obeyed(make, name):
    text = plan_text(optimize(held(make, name), asked(make, name="odd")))
    assert [letter for letter in text if not letter.isprintable() and letter != "\n"] == []
    shown = name.replace("\x1b", "\\x1b").replace("\n", "\\n")
    assert shown in text


def test_a_scenario_name_is_not_obeyed_either(make):
    scenario = asked(make).model_copy(update={"name": "cut\x1b[2J"})
    answers = compare(held(make), [scenario])
    for text in (plan_text(answers[0].plan), comparison_text(answers)):
        assert "\x1b" not in text
        assert "cut\\x1b[2J" in text


def test_a_comparison_has_one_line_for_each_scenario_and_tells_refusals(make):
    scenarios = [
        asked(make, name="all"),
        asked(make, name="half", total="total = 6000"),
        asked(make, "[channels.tv]\nfloor = 13000\n", name="cannot"),
    ]
    answers = compare(held(make), scenarios)
    text = comparison_text(answers)
    first = text.splitlines()[:3]
    assert re.match(r"all: move money from .*: USD \+", first[0])
    assert "chance to bring less" in first[1]
    assert first[2].startswith(
        "cannot: no plan. scenario 'cannot': no plan keeps these rules together: budget = USD 12,000"
    )
    assert re.search(r"^cannot +no plan +-", text, re.MULTILINE)
    assert text.count("Proof: ") == 2


@pytest.mark.parametrize("width", [1, 10, 40])
def test_narrow_tables_are_cut_not_broken(width):
    text = table(["channel", "spend"], [["television", "12"], ["x", "3"]], width)
    assert max(len(line) for line in text.splitlines()) <= width
    assert len(text.splitlines()) == 3


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e11])
def test_texts_of_any_money_have_no_exponents_or_nan(make, unit):
    rng = np.random.default_rng(2)
    curves = make.random_curves(rng, 3, unit=unit)
    text = plan_text(optimize(curves, make.scenario(f"budget = {{ total = {200 * unit!r} }}\n")))
    assert "nan" not in text
    assert "inf" not in text
