"""What a figure is of stands beside it: its case, its scenario, its level, and the length of a time."""

import re
from dataclasses import replace

import pytest

from engine.optimize.plan import optimize
from engine.optimize.ranges import Range
from engine.report.answer import decision
from engine.report.charts.fan import course_chart
from engine.report.charts.look import unit_of
from engine.report.charts.moves import moves_chart
from engine.report.charts.ranges import scenarios_chart
from engine.report.charts.waterfall import told
from engine.report.page.drawn import drawn, slimmed
from engine.report.page.given import Given
from engine.report.page.html import held
from engine.report.page.records import Facts, Figure, Table, Words
from engine.report.page.sections_decision import decision_section, moves_section
from engine.report.page.sections_money import frontier_section
from engine.report.page.sections_stress import stress_section
from engine.report.rounding import evenly
from engine.report.stress_choice import choice, told_case
from tests.report.drawn_plans import BEFORE, plan_made
from tests.report.stressed import answer
from tests.report.test_page_money import frontier

CASES = ("demand -10 %", "demand -20 %", "prices +20 %")


def blocks(section, sort):
    """The blocks of one sort."""
    return [block for block in section.blocks if isinstance(block, sort)]


def title(figure):
    """What a chart finds."""
    return " ".join(figure.spec["title"]["text"])


def test_of_several_cases_every_card_chart_and_table_names_its_own():
    found = answer(CASES)
    section, case = stress_section(Given(stress=found)), told_case(found).name
    assert all(f"in the case {case}" in fact.name for fact in blocks(section, Facts)[0].facts)
    for figure in blocks(section, Figure):
        assert title(figure).startswith(f"In the case {case}: ")
        assert f"in the case {case}" in figure.table.caption
    (among,) = [words for words in blocks(section, Words) if "Told in full" in words.paragraphs[0]]
    others = sum(choice(each) is not each.policies[0] for each in found.cases)
    assert f"one of 3 cases: {case}" in among.paragraphs[0] and f" in {others or 'none'} of them" in among.paragraphs[0]
    assert [table.name for table in blocks(section, Table)] == ["cases"]


def test_a_single_case_needs_no_name():
    section = stress_section(Given(stress=answer()))
    assert "n the case" not in str([fact.name for fact in blocks(section, Facts)[0].facts])
    assert not any(title(figure).startswith("In the case") for figure in blocks(section, Figure))


def test_one_decision_has_no_course_under_shocks():
    found = answer()
    whole = tuple(replace(one, quarters=one.quarters[:1]) for one in found.cases[0].policies)
    section = stress_section(Given(stress=replace(found, cases=(replace(found.cases[0], policies=whole),))))
    assert "stress_course" not in [figure.name for figure in blocks(section, Figure)]
    assert "stress_course" in [figure.name for figure in blocks(stress_section(Given(stress=found)), Figure)]


@pytest.mark.parametrize(
    ("section", "run"),
    [
        (stress_section, lambda name: {"stress": answer(scenario=name)}),
        (frontier_section, lambda name: {"frontier": replace(frontier(), scenario=name)}),
    ],
)
def test_a_run_of_another_scenario_is_not_told_as_the_plans(section, run):
    plan = plan_made(scenario="Next year")
    other, same = (section(Given(plans=(plan,), **run(name))) for name in ("A cut", "Next year"))
    assert "A cut" in other.title and "Next year" not in same.title
    first = other.blocks[0]
    assert first.look == "beware" and "is of the scenario A cut, not of Next year," in first.paragraphs[0]
    assert not any("is of the scenario" in str(words) for words in blocks(same, Words))


@pytest.mark.parametrize(("margin", "loses"), [(0.01, True), (0.9, False)])
def test_a_plan_for_profit_tells_its_profit_and_one_that_loses_says_so(make, margin, loses):
    curves = make.curves(make.channel("tv", [90.0, 110.0]), make.channel("pr", [50.0, 80.0]))
    asked = f'budget = {{ total = 90 }}\n[goal]\nmaximise = "profit"\nmargin = {margin}'
    plan = optimize(curves, make.scenario(asked, 4))
    section = decision_section(Given(plans=(plan,)))
    facts = {fact.name: fact for fact in blocks(section, Facts)[0].facts}
    assert facts["Profit"].exact == plan.chosen.value.mean and (plan.chosen.value.mean < 0) == loses
    assert ("-" in facts["Profit"].value) == loses and "5-95 %" in facts["Profit"].note
    assert any("loses money" in str(words) for words in blocks(section, Words)) == loses


def test_what_channels_bring_is_told_once_where_that_is_what_is_maximised():
    names = [fact.name for fact in blocks(decision_section(Given(plans=(plan_made(),))), Facts)[0].facts]
    assert len(names) == 4


@pytest.mark.parametrize("share", [0.0, 0.004, 0.006])
def test_where_the_decision_keeps_the_split_no_heading_says_that_money_moves(share):
    shift = share * sum(BEFORE)
    plan = plan_made(after=(BEFORE[0] - shift, BEFORE[1] + shift, *BEFORE[2:]))
    section, said = moves_section(Given(plans=(plan,))), decision(plan)
    keeps = "keep the split" in said or "move" not in said
    assert keeps == (share < 0.005) == ("moves" not in section.title)
    found = " ".join(moves_chart(plan)["title"]["text"])
    assert keeps == ("plan keeps history's split" in found)


def test_a_part_of_the_time_that_is_longer_than_others_says_its_length():
    parts = ("2025-01-06 to 2025-03-30", "2025-03-31 to 2025-07-06")  # 12 and 14 weeks
    ranges = tuple(Range(mean, 0.5 * mean, mean, 2 * mean) for mean in (100.0, 110.0))
    plan = replace(plan_made(), decisions=parts)
    assert "to 2025-07-06, 14 of the 26 weeks: " in " ".join(course_chart(plan, ranges)["title"]["text"])


def test_amounts_and_dates_stay_in_one_line_and_all_letters_stay():
    said = "S & <b>, 2027-01-04 to 2028-01-02: USD -1.87 m (5-95 %: EUR +257 k .. EUR +2.33 m), 14 weeks; x-1 <2"
    found = str(held(said))
    kept = re.findall('<span class="held">([^<]*)</span>', found)
    assert kept == ["2027-01-04", "2028-01-02", "USD -1.87 m", "5-95 %", "EUR +257 k", "EUR +2.33 m"]
    bare = re.sub('<span class="held">|</span>', "", found)
    assert bare == said.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def test_plans_side_by_side_stand_below_each_other_on_a_phone_with_their_money():
    spec = scenarios_chart([plan_made(), plan_made(scenario="Other")])
    slim = slimmed(spec)
    assert "hconcat" not in slim and [part["width"] for part in slim["vconcat"]] == [225, 225]
    assert all(part["encoding"]["y"]["axis"] for part in slim["vconcat"])
    assert drawn(Figure("scenarios", spec)).views[0].slim
    assert not re.search("[Ll]eft|[Rr]ight", " ".join(spec["title"]["subtitle"]))


@pytest.mark.parametrize("values", [(0.362, 0.166, 0.632), (1.79, 1.1, 2.52), (0.00165, 0.0014, 0.00213)])
def test_a_range_has_as_many_places_as_its_middle(values):
    assert len({len(one.partition(".")[2]) for one in evenly(*values)}) == 1


def test_steps_far_below_a_unit_are_told_in_the_one_below():
    assert told(9.21e6, [26_000.0, -26_000.0], unit_of(9.21e6))[1:3] == ["+26.0 k", "-26.0 k"]
