"""What is told of tuned policies says what to do, how surely it pays, and when tuning was not worth it."""

import json
from dataclasses import replace

import pytest

from engine.report.tuned import tuned_document, tuned_next, tuned_text
from engine.stress.proposals import Choice
from engine.stress.readout import Gain
from engine.stress.tuning import Tuned

SURE, UNSURE, BAD = Gain(20e3, 10e3, 30e3, 0.2), Gain(1e3, -5e3, 7e3, 0.4), Gain(-20e3, -30e3, -10e3, 0.8)
TUNED = Tuned(
    policy="reserve",
    of="mean",
    level=0.05,
    is_profit=False,
    choice=Choice(0.075, 0.04),
    default=Choice(0.1, 0.05),
    tried=30,
    plans=7,
    paths=(500, 2000),
    training=Gain(25e3, 15e3, 35e3, 0.2),
    fresh=SURE,
    default_fresh=UNSURE,
    fresh_beside_default=SURE,
    fresh_beside_replan=BAD,
    sensitivity=((0.0, 0.05, 1_000e3), (0.075, 0.04, 1_025e3), (0.075, 0.05, 1_010e3), (0.1, 0.05, 1_001e3)),
)


def told(unit="EUR", **changed):
    return tuned_text((replace(TUNED, **changed),), "EUR", unit)


def test_it_says_what_to_do_and_what_that_brings_beside_the_default():
    text = told()
    assert text.startswith(
        "If you can plan anew each time, do that instead, it surely brings more. If not: "
        "Hold back 7.5 % and release it when 4.0 % behind the plan: EUR +20.0 k (95 % sure: EUR +10.0 k .. "
        "EUR +30.0 k) over holding the plan on 2,000 fresh paths, less on 20.0 % of them; tuned on 500 training paths, "
        "which said EUR +25.0 k (95 % sure: EUR +15.0 k .. EUR +35.0 k) (30 choices tried, 7 plans made for them)."
    )
    assert "The scenario's own 10.0 % and 5.0 % brings EUR +1,000 (95 % sure: EUR -5,000 .. EUR +7,000)" in text
    assert "Beside planning anew each time it brings EUR -20.0 k" in text
    assert "sure that" not in text


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"fresh": UNSURE}, "Whether it helps at all is not sure: holding the plan may do as well."),
        ({"fresh": BAD}, "Holding the plan is surely better. Training promised more than luck explains"),
        ({"fresh_beside_default": UNSURE}, "so nothing is surely gained by tuning."),
        ({"choice": TUNED.default}, "That is the scenario's own choice, and none that was tried was better."),
        ({"choice": Choice(0.0, 0.2)}, "Hold nothing back, and plan anew once when 20.0 % behind the plan: "),
        ({"of": "worst"}, "fresh paths, in the mean of the worst 5.0 %, less on"),
        ({"policy": "trigger", "plans": 0}, "Plan anew when 4.0 % or more off the plan: "),
    ],
)
def test_it_says_what_a_reader_must_know_before_believing_it(changed, said):
    assert said in told(**changed)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"fresh_beside_replan": UNSURE}, "Next: write reserve = 0.075 and band = 0.04 under [stress], and agree"),
        ({"fresh_beside_replan": UNSURE, "policy": "trigger"}, "Next: write band = 0.04 under [stress], and agree"),
        ({"fresh_beside_replan": BAD}, ""),
        ({"fresh_beside_replan": UNSURE, "fresh": UNSURE}, ""),
        ({"fresh_beside_replan": UNSURE, "choice": TUNED.default}, ""),
    ],
)
def test_what_is_next_is_what_was_found_where_that_surely_helps_and_nothing_else_does_better(changed, said):
    found = tuned_next((replace(TUNED, **changed),))
    assert found.startswith(said)
    assert bool(found) == bool(said)


def test_profit_is_money_though_the_outcome_is_not():
    assert "EUR" not in told(unit="")
    assert "EUR +20.0 k" in told(unit="", is_profit=True)


def test_the_table_holds_the_best_band_of_each_reserve():
    rows = [line.split() for line in told().splitlines()[-3:]]
    assert [row[0] for row in rows] == ["0.0", "7.5", "10.0"]
    assert [row[2] for row in rows] == ["5.0", "4.0", "5.0"]
    assert rows[1][-2:] == ["+25.0", "k"]


def test_tools_find_each_choice_by_name():
    (found,) = json.loads(json.dumps(tuned_document((TUNED,))))
    assert found["choice"] == {"reserve": 0.075, "band": 0.04}
    assert found["sensitivity"][0] == {"reserve": 0.0, "band": 0.05, "training": 1_000e3}
    assert (found["helps"], found["is_overstated"]) == (True, False)
