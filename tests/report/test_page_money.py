"""Sections of money and of shocks: before or after which charge figures are told, and why others are not."""

import re
from dataclasses import replace

import pytest

from engine.optimize.budgets.frontier import Frontier, Point
from engine.optimize.plan import optimize
from engine.report.charts.fan import stressed_course_chart
from engine.report.charts.frontier import frontier_chart
from engine.report.page.given import FitRun, Given
from engine.report.page.records import Figure, Words
from engine.report.page.sections_money import frontier_table, quarters_section
from engine.report.page.sections_stress import stress_section
from engine.report.page.words_used import MEANINGS
from tests.report.drawn_plans import END, START, plan_made, ranged
from tests.report.stressed import answer


def frontier(prudence=0.5, marginal=0.62, **changed):
    """A frontier of three budgets."""
    points = tuple(
        Point(money, (money,), ranged(1.4 * money), None, 1.0, 1.0, 0.0, True, marginal, step)
        for money, step in ((800.0, 0.9), (1_000.0, 0.6), (1_200.0, None))
    )
    told = {"scenario": "Year", "currency": "EUR", "measure": "revenue", "unit": "EUR", "start": START, "end": END}
    told |= {"periods": 52, "period": "week", "channels": ("tv",), "kinds": ("paid",), "asked": 1_000.0}
    told |= {"points": points, "without_plan": (), "today": None, "break_even": (), "prudence": prudence}
    return Frontier(**told, made_from="", **changed)


def heading(spec):
    """Title and reading of a chart."""
    return tuple(" ".join(spec["title"][part]) for part in ("text", "subtitle"))


def test_the_frontier_says_which_return_is_after_the_charge_for_doubt():
    for prudence, told in ((0.5, True), (0.0, False)):
        found = frontier(prudence)
        assert ("after the charge for the doubt of moves" in frontier_table(found).note) == told
        assert ("after the charge for the doubt of moves" in heading(frontier_chart(found))[1]) == told


def test_the_title_of_a_frontier_tells_the_return_before_the_charge():
    title, _ = heading(frontier_chart(frontier()))
    assert title.endswith("each EUR 1 on the way to the next budget brings 0.60")
    last = frontier()
    alone, _ = heading(frontier_chart(replace(last, points=last.points[2:], asked=1_200.0)))
    assert "next" not in alone


def test_a_unit_that_cannot_be_spent_is_explained():
    found = frontier(marginal=None)
    told = frontier_table(found)
    assert {row[told.header.index("Next 1")].text for row in told.rows} == {"-"}
    assert "a single unit cannot be spent" in told.note
    assert "charge" not in heading(frontier_chart(found))[1]
    assert [row[told.header.index("Step 1")].text for row in told.rows] == ["0.90", "0.60", "-"]


def test_axes_open_with_capitals():
    upper, lower = frontier_chart(frontier())["vconcat"]
    titles = [layer["encoding"]["y"]["title"] for part in (upper, lower) for layer in part["layer"][:1]]
    assert all(title[0].isupper() for title in titles)


@pytest.mark.parametrize("known", [True, False])
def test_where_a_course_is_not_told_a_sentence_says_why(make, known):
    curves = make.curves(make.channel("tv", [90.0, 110.0]), make.channel("pr", [50.0, 80.0]))
    plan = optimize(curves, make.quarterly("budget = { total = 900 }"))
    odd = replace(plan, chosen=replace(plan.chosen, outcome=ranged(2 * plan.chosen.outcome.mean)))
    section = quarters_section(Given(fit=FitRun(curves) if known else None, plans=(odd,)))
    (words,) = [block for block in section.blocks if isinstance(block, Words)]
    assert ("shocks of the scenario move" if known else "Give the folder of the fit") in words.paragraphs[0]
    assert [block.name for block in section.blocks if isinstance(block, Figure)] == ["when"]
    told = quarters_section(Given(fit=FitRun(curves), plans=(plan,)))
    assert not any(isinstance(block, Words) for block in told.blocks)


def test_the_course_under_shocks_tells_the_means_of_its_table():
    found = answer()
    section = stress_section(Given(stress=found))
    figure = next(one for one in section.blocks if isinstance(one, Figure) and one.name == "stress_course")
    under = next(at for at, head in enumerate(figure.table.header) if head.startswith("Under"))
    rows = [layer["data"]["values"] for layer in figure.spec["layer"] if "middle" in str(layer["encoding"])]
    for one in rows:
        assert [row["middle"] for row in one] == pytest.approx(
            [row[under].value for row in figure.table.rows][: len(one)], rel=1e-3
        )


def test_a_quarter_whose_median_falls_behind_but_whose_mean_does_not_costs_nothing():
    found = answer()
    one = found.cases[0].policies[0]
    skewed = [
        replace(each, outcome=replace(each.outcome, mean=each.planned, p50=each.planned / 2)) for each in one.quarters
    ]
    assert heading(stressed_course_chart(found, replace(one, quarters=tuple(skewed))))[0].startswith("No part")


def test_the_chance_of_a_target_is_told_only_where_one_was_asked_for():
    def names(found):
        facts = stress_section(Given(stress=found)).blocks[1].facts
        return [fact.name for fact in facts]

    assert "Chance of the target" in names(answer())
    assert "Chance of the plan's own outcome" in names(answer(target=None))
    for block in stress_section(Given(stress=answer(target=None))).blocks:
        assert not re.search(r"[Tt]arget", str(block))


def test_the_glossary_says_what_a_return_is_of_plans_and_of_history():
    assert "mean" in MEANINGS["return"][1] and "median" in MEANINGS["return"][1]


def test_a_plan_without_several_decisions_has_no_course():
    assert "decide" in quarters_section(Given(plans=(plan_made(),))).remedy
