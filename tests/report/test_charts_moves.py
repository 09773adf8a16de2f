"""Charts of one plan: from history's split to the plan, and where the plan stands on the response curves."""

import itertools
import re

import numpy as np
import pytest

from engine.report.charts.curves import Planned, response_chart
from engine.report.charts.look import unit_of
from engine.report.charts.moves import SHOWN, moves_chart, moves_of
from engine.report.charts.waterfall import told
from engine.response.curves import pace, respond
from tests.report.charted import HOSTILE, require_sound
from tests.report.drawn_plans import AFTER, BEFORE, NAMES, plan_made
from tests.report.fits import fit_of
from tests.report.test_charts import column, drawn

MANY = tuple(f"channel {number}" for number in range(40))
PLANS = {
    "usual": plan_made(),
    "one channel": plan_made(("tv",), (10.0,), (14.0,)),
    "nothing moves": plan_made(after=BEFORE),
    "less money": plan_made(after=tuple(0.5 * one for one in BEFORE)),
    "no money": plan_made(after=(0.0,) * 5),
    "tiny money": plan_made(size=1e-6),
    "huge money": plan_made(size=1e12),
    "many channels": plan_made(MANY, np.arange(40.0), np.arange(40.0)[::-1]),
    "hostile": plan_made(HOSTILE, (*BEFORE, 1.0), (*AFTER, 7.0), currency="EUR"),
    "named like the ends": plan_made(("The plan", "History's split", "several", "tv", "tv (2)")),
}
every_plan = pytest.mark.parametrize("kind", PLANS)


@every_plan
def test_the_waterfall_is_sound(kind):
    require_sound(moves_chart(PLANS[kind]), ("step", "next"))


@every_plan
def test_moves_add_up_from_history_to_the_plan(kind):
    plan = PLANS[kind]
    change = sum(step.change for step in moves_of(plan))
    assert sum(plan.baseline.spend) + change == pytest.approx(plan.spend, rel=1e-12, abs=1e-12)


@every_plan
def test_each_bar_begins_where_the_one_before_ends_and_the_last_ends_at_the_plan(kind):
    plan, spec = PLANS[kind], moves_chart(PLANS[kind])
    (bars,) = drawn(spec, "step", "group", "begin", "end")
    (ends,) = drawn(spec, "step", "at")
    size = unit_of(max(plan.spend, sum(plan.baseline.spend))).size
    assert [row["at"] * size for row in ends] == pytest.approx([sum(plan.baseline.spend), plan.spend], rel=1e-3)
    assert bars[0]["begin"] == ends[0]["at"] and bars[-1]["end"] == pytest.approx(ends[-1]["at"], rel=1e-3, abs=1e-3)
    assert all(one["end"] == other["begin"] for one, other in itertools.pairwise(bars))


@every_plan
def test_the_largest_move_comes_first_and_those_taken_together_come_last(kind):
    moves = [abs(step.change) for step in moves_of(PLANS[kind])]
    single = moves[:SHOWN]
    assert single == sorted(single, reverse=True) and len(moves) <= SHOWN + 1


@every_plan
def test_labels_of_a_waterfall_differ(kind):
    (numbers,) = drawn(moves_chart(PLANS[kind]), "step", "at", "told")
    assert len({row["step"] for row in numbers}) == len(numbers)


@pytest.mark.parametrize("seed", range(20))
def test_numbers_beside_the_bars_add_up_as_they_are_read(seed):
    random = np.random.default_rng(seed)
    changes = (10.0 ** random.uniform(0, 6) * random.normal(size=7)).tolist()
    begin = 5.0 * sum(map(abs, changes))
    read = [float(one.replace(",", "").split(" ")[0]) for one in told(begin, changes, unit_of(begin))]
    assert sum(read[:-1]) == pytest.approx(read[-1], abs=1e-9)


def test_the_waterfall_says_how_much_moves_with_range_and_chance():
    title, subtitle = (" ".join(moves_chart(PLANS["usual"])["title"][part]) for part in ("text", "subtitle"))
    assert title == "EUR 180 (18.0 %) move, most of it from tv to search"
    assert "EUR +80 revenue (5-95 %: EUR +56 .. EUR +104; chance to bring less 10.0 %)" in subtitle
    assert "No money moves" in " ".join(moves_chart(PLANS["nothing moves"])["title"]["text"])
    assert "EUR 500 are saved, most of it on tv" in " ".join(moves_chart(PLANS["less money"])["title"]["text"])


def test_a_single_draw_knows_no_range():
    assert "5-95" not in " ".join(moves_chart(plan_made(draws=1))["title"]["subtitle"])


FIT = fit_of(NAMES[:4])
PLANNED = {
    "tv": Planned(30.0, (10.0, 50.0)),
    "press": Planned(pace(FIT.curves.channels[1], "week")),
    "letter": Planned(1e4, (0.0, 1e5)),
}


def test_the_plan_stands_on_the_curve_of_its_channel():
    panels = response_chart(FIT.curves, PLANNED)["concat"]
    for panel, channel in zip(panels, FIT.curves.channels, strict=True):
        dots = drawn(panel, "spend", "mean")
        assert len(dots) == 3 + (channel.name in PLANNED)
        if channel.name in PLANNED:
            at = PLANNED[channel.name].spend
            (ring,) = dots[-1]
            size = 1e3 if re.search(r"EUR k", str(panel["encoding"]["x"]["title"])) else 1.0
            assert ring["spend"] * size == pytest.approx(at, rel=1e-3)
            mean = respond(channel, np.full(FIT.curves.draws, at)).mean()
            assert ring["mean"] == pytest.approx(mean, rel=1e-3)
            assert at / size <= panel["encoding"]["x"]["scale"]["domain"][1]


def test_what_rules_allow_ends_within_the_panel():
    panels = response_chart(FIT.curves, PLANNED)["concat"]
    bars = [drawn(panel, "spend", "most") for panel in panels]
    assert [len(one) for one in bars] == [1, 0, 0, 1]
    assert bars[0][0] == [{"spend": 10, "most": 50}]
    assert column(bars[3][0], "most") <= panels[3]["encoding"]["x"]["scale"]["domain"][1]


def test_without_a_plan_no_panel_speaks_of_one():
    with_plan, without = response_chart(FIT.curves, PLANNED), response_chart(FIT.curves)
    assert "; ring:" in str(with_plan["title"]) and "; ring:" not in str(without["title"])
    assert "the plan spends EUR 30" in with_plan["description"] and "plan" not in without["description"]


def test_the_curves_with_a_plan_are_sound():
    fit = fit_of(HOSTILE[:4])
    require_sound(response_chart(fit.curves, {name: Planned(20.0, (1.0, 40.0)) for name in HOSTILE[:4]}))
