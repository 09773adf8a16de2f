"""What gives way after a past that leaves no plan under every rule, what does not, and how it is told."""

import json

import numpy as np
import pytest

from engine.optimize.over_time.decisions import Spent
from engine.response.curves_file import read_curves
from engine.study.replan import Past, replanned
from tests.study.test_replan import BUDGET, CURVES, PACE, as_of, asked

RAMP, WEEKS = "[ramp]\nmax_change = 0.2\n", 20  # weeks that are over: a quarter, and 7 of the 13 of the next
TV, SEARCH = 0, 1


@pytest.fixture(scope="module")
def curves(tmp_path_factory):
    path = tmp_path_factory.mktemp("curves") / "curves.json"
    path.write_text(json.dumps(CURVES))
    return read_curves(path)


def steady(**quiet):
    """History's pace, but for weeks of a channel: `search=13` rests for the first 13."""
    spent = np.tile(0.9 * np.array(PACE), (WEEKS, 1))
    for name, weeks in quiet.items():
        spent[:weeks, ("tv", "search", "pr").index(name)] = 0.0
    return spent


def rest_of(found, channel):
    return np.array(found.plan.chosen.decided)[2:, channel]


def told(found, words):
    return [one for one in found.plan.warnings if words in one]


def again(curves, rules, spent):
    return replanned(curves, asked(rules), Past(Spent(spent), ""), as_of(WEEKS))


def test_a_ramp_holds_after_a_quarter_in_which_nothing_was_spent(curves):
    """A quarter without spend once counted as one without a date, which ended the ramp."""
    found = again(curves, RAMP, steady(search=13))
    rest = rest_of(found, SEARCH)
    assert rest[0] == pytest.approx(0.0, abs=0.01)
    assert rest[1] <= 1.2 * 0.9 * PACE[SEARCH] * 7 * (1 + 1e-6)
    assert len(told(found, "has broken ramp of search into 2027-04-05, upwards")) == 1


def test_a_channel_that_has_rested_so_far_rests_on_where_that_can_be_kept(curves):
    scenario = asked(RAMP, budget=BUDGET.replace("total", "at_most"))
    found = replanned(curves, scenario, Past(Spent(steady(search=WEEKS)), ""), as_of(WEEKS))
    assert not told(found, "nothing was spent there before")
    assert rest_of(found, SEARCH) == pytest.approx(np.zeros(3), abs=0.01)


def test_a_channel_that_has_rested_so_far_and_must_not_begins_anew_and_that_is_told(curves):
    found = again(curves, RAMP + "[channels.search]\nfloor = 5_000\n", steady(search=WEEKS))
    rest = rest_of(found, SEARCH)
    assert rest.sum() >= 5_000 * (1 - 1e-6)
    assert rest[2] == pytest.approx(rest[1], rel=0.2 + 1e-6)  # both quarters are to come, and their ramp holds
    (note,) = told(found, "nothing was spent there before")
    assert "ramp of search into 2027-04-05, upwards (and 1 more like it)" in note


@pytest.mark.parametrize("soft", ["", "[soft]\nramp = 1\n"])
def test_a_cap_that_what_was_spent_is_beyond_allows_nothing_more(curves, soft):
    """It was once raised further, as if it were soft, so that ramps had to give less."""
    spent = steady()
    spent[13:, TV] = 3_500.0
    found = again(curves, f"{RAMP}[channels.tv]\nquarter_cap = 9_000\n{soft}", spent)
    assert rest_of(found, TV)[0] == pytest.approx(0.0, abs=0.01)
    assert rest_of(found, TV)[1:].max() <= 9_000 * (1 + 1e-6)
    assert len(told(found, "has broken quarter cap of tv from 2027-04-05 <= USD 9,000")) == 1
    gave_way = told(found, "gave way")
    assert gave_way
    assert not any("cap of tv" in one or "ease " in one for one in gave_way)


def test_where_nearly_all_is_spent_the_ramps_that_give_way_are_told_once(curves):
    spent = np.array(PACE) / sum(PACE) * np.full((WEEKS, 1), 2_980.0)
    found = again(curves, RAMP, spent)
    assert np.array(found.plan.chosen.decided).sum() == pytest.approx(60_000)
    (note,) = told(found, "gave way")
    assert "more like it" in note


def test_after_a_past_in_no_whole_steps_the_rest_goes_in_steps_and_less_than_one_is_left_over(curves):
    spent = steady() + 0.37
    found = again(curves, "[every_channel]\nstep = 1_000\n", spent)
    decided = np.array(found.plan.chosen.decided)
    begun, coming = decided[1:3].sum(axis=0), decided[3:]
    for amount in [*begun, *coming.ravel()]:
        assert amount / 1_000 == pytest.approx(round(amount / 1_000), abs=1e-5)
    assert 59_000 < decided.sum() < 60_000
    (note,) = told(found, "in no whole steps")
    assert f"{60_000 - decided.sum():,.2f} of the budget are left over" in note
