"""Charts of stress tests and of plans side by side: what is drawn is what the answer says."""

from dataclasses import replace

import numpy as np
import pytest

from engine.report.charts.ranges import SHOWN, policies_chart, scenarios_chart
from engine.report.charts.risk import BINS, bins_of, outcomes_chart
from engine.report.charts.shocked import bridge_chart, tornado_chart
from engine.stress.readout import Bar, value_at_risk
from tests.report.charted import HOSTILE, require_sound
from tests.report.drawn_plans import AFTER, plan_made
from tests.report.stressed import PLANNED, answer
from tests.report.test_charts import column, drawn

SHOCKS = (Bar("small", -10.0, -20.0), Bar("large", -900.0, 300.0), Bar("none", 0.0, 0.0), Bar("cut", 0.0, -400.0))
ANSWERS = {
    "usual": answer(tornado=SHOCKS),
    "counts": answer(tornado=SHOCKS, unit="", measure="orders"),
    "one shock": answer(tornado=SHOCKS[:1]),
    "no change": answer(tornado=SHOCKS[2:3]),
    "no target": answer(tornado=SHOCKS, target=None),
    "hostile": answer(
        HOSTILE[:1],
        tornado=tuple(Bar(name, -1.0 - at, 2.0) for at, name in enumerate(HOSTILE)),
        bridge=(
            Bar("the plan", 100.0, 100.0),
            *(Bar(name, -2.0, -2.0) for name in HOSTILE),
            Bar("comes to", 88.0, 88.0),
        ),
        measure=HOSTILE[1],
        span=HOSTILE[4],
        unit="EUR",
    ),
}
every_answer = pytest.mark.parametrize("kind", ANSWERS)


@every_answer
def test_charts_of_a_stress_test_are_sound(kind):
    found = ANSWERS[kind]
    require_sound(tornado_chart(found), ("shock",))
    require_sound(bridge_chart(found), ("step", "next"))
    require_sound(policies_chart(found, found.cases[-1]), ("name",))
    require_sound(outcomes_chart(found, found.cases[-1].policies[0], np.linspace(4_000.0, 8_000.0, 200)))


def test_the_tornado_shows_both_ends_of_every_shock_the_widest_first():
    spec = tornado_chart(ANSWERS["usual"])
    (ends,) = drawn(spec, "shock", "end", "change")
    assert sorted((row["shock"], row["change"]) for row in ends) == sorted(
        (bar.name, end) for bar in SHOCKS for end in (bar.low, bar.high)
    )
    assert spec["encoding"]["y"]["scale"]["domain"] == ["large", "cut", "small", "none"]
    assert [row["change"] for row in ends if row["shock"] == "small"] == [-20, -10]  # the shorter one in front


def test_no_side_of_a_tornado_has_two_numbers():
    for numbers in drawn(tornado_chart(ANSWERS["usual"]), "shock", "at", "told"):
        assert len({row["shock"] for row in numbers}) == len(numbers)
        assert len({row["at"] > 0 for row in numbers}) == 1


def test_the_tornado_names_the_shock_that_matters_most():
    title = " ".join(tornado_chart(ANSWERS["usual"])["title"]["text"])
    assert title == "Most depends on large: alone it changes revenue by EUR -900 .. EUR +300"
    assert tornado_chart(ANSWERS["no change"])["title"]["text"] == ["No shock alone changes anything"]


def test_the_bridge_leads_from_the_plan_to_what_it_comes_to():
    found = ANSWERS["usual"]
    (bars,), (ends,) = (
        drawn(bridge_chart(found), *fields) for fields in (("step", "group", "begin", "end"), ("step", "at"))
    )
    assert [row["at"] for row in ends] == [found.bridge[0].low, found.bridge[-1].low]
    assert (bars[0]["begin"], bars[-1]["end"]) == (sum(PLANNED), found.bridge[-1].low)
    assert [row["end"] - row["begin"] for row in bars] == [bar.low for bar in found.bridge[1:-1]]
    assert [row["group"] for row in bars] == ["less", "more"]


def test_every_policy_stands_with_its_range_beside_the_plan():
    found = ANSWERS["usual"]
    case = found.cases[-1]
    told = drawn(policies_chart(found, case), "name", "low", "mean", "high", "end", "note", "colour")[0]
    spreads = [found.planned, *(one.outcome for one in case.policies)]
    for field, of in (("low", "p05"), ("mean", "mean"), ("high", "p95")):
        assert column(told, field) == pytest.approx([getattr(one, of) for one in spreads], rel=1e-3)
    assert [row["note"] for row in told] == ["50.0 % reach it", "25.0 % reach it", "25.0 % reach it"]
    assert drawn(policies_chart(found, case), "goal")[0] == [{"goal": found.target}]


def test_without_a_target_the_plan_is_the_goal():
    found = ANSWERS["no target"]
    assert drawn(policies_chart(found, found.cases[-1]), "goal")[0] == [{"goal": sum(PLANNED)}]


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("level", [0.01, 0.05, 0.5, 1.0])
def test_bars_hold_every_path_once_and_those_of_the_worst_just_the_worst(seed, level):
    random = np.random.default_rng(seed)
    outcomes = np.round(10.0 ** random.uniform(-3, 9) * random.lognormal(size=200), 2 * (seed % 2) + 2)
    edge = -value_at_risk(outcomes, 0.0, level)[0]
    bins = bins_of(outcomes, edge)
    assert bins.shares.sum() == pytest.approx(1.0) and len(bins.shares) <= BINS + 2
    assert bins.shares[: bins.worst].sum() == pytest.approx(np.mean(outcomes <= edge))
    assert bins.edges[bins.worst] == pytest.approx(edge)
    assert bins.edges[0] <= outcomes.min() + 1e-6 * abs(edge) and bins.edges[-1] >= outcomes.max() * (1 - 1e-6)


def test_paths_that_are_all_alike_are_one_bar():
    assert bins_of(np.full(7, 3.0), 3.0).shares.tolist() == [1.0]
    assert bins_of(np.zeros(7), 0.0).shares.tolist() == [1.0]


def test_the_worst_paths_are_marked_where_value_at_risk_puts_them():
    found = ANSWERS["usual"]
    outcomes = np.random.default_rng(3).normal(6_000.0, 900.0, 1_000)
    at_risk, shortfall = value_at_risk(outcomes, found.planned.mean, found.level)
    one = replace(found.cases[-1].policies[0], at_risk=at_risk, shortfall=shortfall)
    spec = outcomes_chart(found, one, outcomes)
    places = {row["told"]: row["at"] for (row,) in drawn(spec, "at", "told")}
    worst = np.sort(outcomes)[:50]
    assert places["mean of the worst"] == pytest.approx(worst.mean(), rel=1e-3)
    assert places["the worst 5.0 % end"] == pytest.approx(worst[-1], rel=1e-3)
    assert places["the plan"] == pytest.approx(sum(PLANNED), rel=1e-3)
    (bars,) = drawn(spec, "begin", "end", "share", "colour")
    assert column(bars, "share").sum() == pytest.approx(100.0, abs=0.1)
    coloured = [row for row in bars if row["colour"] == bars[0]["colour"]]
    assert column(coloured, "share").sum() == pytest.approx(5.0, abs=0.01)


def test_names_above_the_distribution_stand_on_levels_of_their_own():
    spec = outcomes_chart(ANSWERS["usual"], ANSWERS["usual"].cases[-1].policies[0], np.linspace(4_000.0, 8_000.0, 200))
    levels = [layer["encoding"]["y"]["value"] for layer in spec["layer"] if layer["mark"]["type"] == "text"]
    assert len(set(levels)) == len(levels) == 4 and max(levels) < 0


PLANS = {
    "usual": [plan_made(scenario="A"), plan_made(scenario="B", after=tuple(2 * one for one in AFTER))],
    "alike": [plan_made(), plan_made(), plan_made()],
    "one": [plan_made()],
    "no money": [plan_made(after=(0.0,) * 5)],
    "counts": [plan_made(in_money=False, unit="", measure="orders")],
    "many": [plan_made(scenario=f"plan {number}") for number in range(40)],
    "hostile": [plan_made(scenario=name, measure=HOSTILE[0]) for name in HOSTILE],
}


@pytest.mark.parametrize("kind", PLANS)
def test_plans_side_by_side_show_outcome_with_range_and_money(kind):
    plans, spec = PLANS[kind][:SHOWN], scenarios_chart(PLANS[kind])
    require_sound(spec, ("name",))
    left, right = spec["hconcat"]
    told = drawn(left, "name", "low", "mean", "high", "end", "note", "colour")[0]
    money = drawn(right, "name", "spend", "note")[0]
    assert len({row["name"] for row in told}) == len(plans) and [row["name"] for row in money] == [
        row["name"] for row in told
    ]
    assert column(told, "mean") == pytest.approx([plan.chosen.outcome.mean for plan in plans], rel=1e-3)
    assert column(told, "low") == pytest.approx([plan.chosen.outcome.p05 for plan in plans], rel=1e-3)
    assert column(money, "spend") == pytest.approx([plan.spend for plan in plans], rel=1e-3)


def test_the_plan_that_brings_most_is_named():
    title = " ".join(scenarios_chart(PLANS["usual"])["title"]["text"])
    assert title == "B brings most: EUR 4,000 (5-95 %: EUR 2,800 .. EUR 5,200) with EUR 2,000"
