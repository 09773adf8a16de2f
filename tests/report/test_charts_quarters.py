"""Charts over time: money by decision adds up, and what comes stands with its range beside the plan."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from engine.optimize.ranges import Range
from engine.report.charts.fan import course_chart, stressed_course_chart
from engine.report.charts.look import unit_of
from engine.report.charts.spending import layers_of, spending_chart
from tests.report.charted import HOSTILE, require_sound
from tests.report.drawn_plans import AFTER, BEFORE, QUARTERS, SEASON, plan_made
from tests.report.stressed import CAME, PLANNED, answer
from tests.report.test_charts import column, drawn

MANY = tuple(f"channel {number}" for number in range(40))
PLANS = {
    "quarters": plan_made(decisions=4),
    "one decision": plan_made(),
    "huge money": plan_made(decisions=4, size=1e12),
    "many channels": plan_made(MANY, np.ones(40), np.arange(40.0), decisions=4),
    "no money": plan_made(after=(0.0,) * 5, decisions=4),
    "hostile": plan_made(HOSTILE, (*BEFORE, 1.0), (*AFTER, 7.0), decisions=4, measure=HOSTILE[0]),
}
every_plan = pytest.mark.parametrize("kind", PLANS)


@every_plan
def test_the_stack_is_sound(kind):
    require_sound(spending_chart(PLANS[kind]), ("when", "part"))


@every_plan
def test_layers_add_up_to_the_plan_in_every_decision(kind):
    plan = PLANS[kind]
    sums = np.sum([layer.money for layer in layers_of(plan)], axis=0)
    assert sums == pytest.approx([sum(row) for row in plan.chosen.decided], rel=1e-12)
    assert sum(sums) == pytest.approx(plan.spend, rel=1e-12)


@every_plan
def test_each_layer_lies_on_the_one_below_and_the_top_is_the_sum(kind):
    plan, spec = PLANS[kind], spending_chart(PLANS[kind])
    (bars,), (tops,) = drawn(spec, "when", "part", "low", "high"), drawn(spec, "when", "top", "told")
    size = unit_of(max(sum(row) for row in plan.chosen.decided)).size
    for top, money in zip(tops, plan.chosen.decided, strict=True):
        mine = [row for row in bars if row["when"] == top["when"]]
        assert mine[0]["low"] == 0 and mine[-1]["high"] == top["top"] == pytest.approx(sum(money) / size, rel=1e-3)
        assert all(one["high"] == other["low"] for one, other in itertools.pairwise(mine))


def test_the_stack_names_when_most_is_spent():
    title = " ".join(spending_chart(PLANS["quarters"])["title"]["text"])
    assert title == f"Most money is spent from {QUARTERS[3]}: EUR 400 (40.0 % of EUR 1,000)"


RANGES = tuple(Range(100.0 * one, 50.0 * one, 90.0 * one, 200.0 * one) for one in (*SEASON, 0.05))


def test_what_a_plan_brings_stands_with_its_range_and_no_line_leads_beyond_the_end():
    spec = course_chart(PLANS["quarters"], RANGES)
    require_sound(spec, ("when",))
    joined, every, line, dots = drawn(spec, "when", "low", "middle", "high")
    assert joined == line == every[:4] and dots == every and every[-1]["when"] == "after the end"
    assert column(every, "low").tolist() == pytest.approx([one.p05 for one in RANGES])
    assert column(every, "middle").tolist() == pytest.approx([one.mean for one in RANGES])
    assert column(every, "high").tolist() == pytest.approx([one.p95 for one in RANGES])
    assert "EUR 40 (5-95 %: EUR 20 .. EUR 80)" in " ".join(spec["title"]["text"])


def test_under_shocks_the_plan_stands_beside_the_fan():
    found = answer()
    reading = found.cases[-1].policies[0]
    spec = stressed_course_chart(found, reading)
    require_sound(spec, ("when",))
    every = drawn(spec, "when", "low", "middle", "high", "plan")[1]
    assert column(every, "plan").tolist() == list(PLANNED)
    assert column(every, "middle") == pytest.approx(np.array(CAME["hold"]), rel=1e-3)
    assert "EUR 4,000" in " ".join(spec["title"]["text"])
    assert "hold the plan" in " ".join(spec["title"]["subtitle"])


def test_hostile_words_of_a_stress_test_stay_words():
    found = replace(answer(), measure=HOSTILE[0])
    require_sound(stressed_course_chart(found, found.cases[-1].policies[0]), ("when",))
