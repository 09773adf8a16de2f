"""Plans side by side on a page: only those that count the same, on one base, and no winner of a tie."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from engine.optimize.beside import Past
from engine.optimize.plan import optimize
from engine.optimize.ranges import Range
from engine.report.charts.ranges import scenarios_chart
from engine.report.page.beside import beyond, why_apart
from engine.report.page.given import FitRun, Given, named_apart
from engine.report.page.page import page_of
from engine.report.page.records import figures_of, tables_of
from engine.report.page.sections_scenarios import scenarios_section, scenarios_table
from tests.report.drawn_plans import AFTER, plan_made


@pytest.fixture(scope="module")
def curves(make):
    """Two channels that nobody knows well."""
    rng = np.random.default_rng(5)

    def doubted(value):
        return value * np.exp(0.4 * rng.standard_normal(60))

    return make.curves(
        make.channel("tv", doubted(300.0), doubted(100.0), mean=150.0),
        make.channel("pr", doubted(500.0), doubted(80.0), kind="earned"),
    )


@pytest.fixture(scope="module")
def plans(make, curves):
    """The same question with less and with more money."""
    return {
        name: optimize(curves, make.scenario(f"budget = {{ total = {total} }}", 52, name))
        for name, total in (("usual", 8_000), ("less", 5_000), ("more", 12_000))
    }


def columns(table):
    """The cells of a table by heading, the first of each heading."""
    return {head: [row[at] for row in table.rows] for at, head in reversed(list(enumerate(table.header)))}


def title_of(plans):
    """What the chart of some plans finds."""
    return " ".join(scenarios_chart(plans)["title"]["text"])


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"reach": 26}, "up to 26 weeks after its end; the first one counts as if its time came again"),
        ({"start": date(2027, 2, 1)}, "it is about 2027-02-01 to"),
        ({"end": date(2027, 12, 26)}, "the first one about 2027-01-04 to 2028-01-02"),
        ({"measure": "margin"}, "it counts margin, the first one counts revenue"),
        ({"unit": "", "in_money": False, "measure": "orders"}, "it counts orders"),
    ],
)
def test_a_plan_that_counts_something_else_is_named_and_not_compared(changed, why):
    first, second = plan_made(scenario="first"), plan_made(scenario="second")
    other = plan_made(scenario="other <b>", after=tuple(9 * one for one in AFTER), **changed)
    section = scenarios_section(Given(plans=(first, other, second)))
    assert why_apart(first, first) == "" != why_apart(other, first)
    words, figure, told, _ = section.blocks
    assert words.paragraphs[0].startswith("Not compared is other <b>: ") and why in words.paragraphs[0]
    assert [row[0].text for row in told.rows] == ["first", "second"]
    assert "other" not in str(figure.spec)


def test_where_nothing_can_be_compared_the_section_says_just_why():
    page = page_of(Given(plans=(plan_made(), plan_made(reach=26))), "0")
    section = next(one for one in page.sections if one.id == "scenarios")
    assert len(section.blocks) == 1 and "Not compared" in section.blocks[0].paragraphs[0]
    assert "scenarios" not in {one.name for one in (*figures_of(page), *tables_of(page))}


def test_plans_that_bring_the_same_but_for_rounding_have_no_winner():
    usual, less = plan_made(scenario="A"), plan_made(scenario="C", after=tuple(one / 2 for one in AFTER))
    near = plan_made(scenario="B", after=tuple(one * (1 + 1e-9) for one in AFTER))
    assert title_of([usual, near]).startswith("All 2 plans bring the same but for rounding: EUR 2,000")
    assert title_of([usual, near, less]).startswith("A and B bring most, the same but for rounding: EUR 2,000")
    assert title_of([usual, less]).startswith("A brings most: EUR 2,000")
    assert "most" not in title_of([usual])
    many = [replace(usual, scenario=f"plan {at}") for at in range(6)]
    assert title_of([*many, less]).startswith("6 of 7 plans bring most, the same but for rounding")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("a", "b"), ("a", "b")),
        (("a", "a", "a"), ("a", "a (2)", "a (3)")),
        (("a", "a", "a (2)"), ("a", "a (3)", "a (2)")),
        (("a (2)", "a", "a"), ("a (2)", "a", "a (3)")),
        (("a b", "a  b", "A b"), ("a b", "a  b (2)", "A b")),
        (("a\x07", "a\\x07"), ("a\x07", "a\\x07 (2)")),
    ],
)
def test_plans_that_read_alike_are_numbered_and_a_name_of_ones_own_is_kept(given, told):
    plans = named_apart([plan_made(scenario=name) for name in given])
    assert tuple(plan.scenario for plan in plans) == told
    assert named_apart(plans) == plans


def test_the_plan_that_brings_most_is_called_what_its_row_is_called():
    long = [
        plan_made(scenario="x" * 40 + end, after=tuple(one / by for one in AFTER)) for end, by in (("a", 2), ("b", 1))
    ]
    assert title_of(long).startswith(f"{'x' * 31}… (2) brings most")


def test_every_gain_of_a_comparison_is_against_the_same_history():
    change = Range(300.0, 100.0, 290.0, 500.0)
    first = plan_made(past=Past(900.0, Range(200.0, -50.0, 190.0, 400.0)))
    other = plan_made(scenario="other", past=Past(900.0, change), gain=Range(1.0, 1.0, 1.0, 1.0))
    told = scenarios_table([first, other])
    found = columns(told)
    assert [cell.value for cell in found["More than history (EUR)"]] == [200.0, 300.0]
    assert "EUR 900 in as many weeks" in told.note
    for plans in ([first, plan_made()], [replace(one, past=Past(0.0, change)) for one in (first, other)]):
        assert not any(head.startswith("More than") for head in scenarios_table(plans).header)


def test_against_the_first_plan_more_money_brings_more_in_every_draw_and_less_less(curves, plans):
    usual, less, more = plans.values()
    for plan, chance in ((usual, 0.0), (less, 1.0), (more, 0.0)):
        change, lost = beyond(curves, usual, plan)
        assert lost == chance
        assert change.mean == pytest.approx(plan.chosen.outcome.mean - usual.chosen.outcome.mean, abs=1e-6)
        assert change.p05 <= change.p50 <= change.p95
    there, back = beyond(curves, usual, less)[0], beyond(curves, less, usual)[0]
    assert (there.p05, there.p95) == pytest.approx((-back.p95, -back.p05))


def test_chances_are_told_where_the_fit_explains_the_plans_and_only_there(curves, plans):
    told = list(plans.values())
    cells = columns(scenarios_table(told, FitRun(curves)))["Chance of less"]
    assert [cell.text for cell in cells] == ["-", "100.0 %", "0.0 %"]
    odd = replace(told[1], chosen=replace(told[1].chosen, outcome=told[2].chosen.outcome))  # as under shocks
    for plans, fit in ((told, None), ([told[0], odd], FitRun(curves))):
        table = scenarios_table(plans, fit)
        assert "Chance of less" not in table.header
        assert ("is not told" in table.note) == (fit is not None)


def test_by_quarter_what_comes_after_the_end_is_compared_too(make, curves):
    first, other = (optimize(curves, make.quarterly(f"budget = {{ total = {total} }}")) for total in (8_000, 8_800))
    assert first.reach and why_apart(other, first) == ""
    change, chance = beyond(curves, first, other)
    assert chance == 0.0
    assert change.mean == pytest.approx(other.chosen.outcome.mean - first.chosen.outcome.mean, rel=1e-6)
