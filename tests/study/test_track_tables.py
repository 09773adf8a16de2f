"""Tables of a tracked plan: what a reader adds up, in columns and in rows, is what stands there."""

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.optimize.ranges import Range
from engine.study.track import Asked, Line, Measure, Track, Way
from engine.study.track_outcome import Forecast, Outcome, Part
from engine.study.track_tables import bridge_table, channel_table, forecast_table, pace_table, spend_table
from engine.study.tracked_plan import read_planned

NAMES = ("tv", "search", "pr")
amounts = st.floats(0.0, 1e9, allow_subnormal=False)
moves = st.floats(-1e6, 1e6)


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    """A plan of a year."""
    path = tmp_path_factory.mktemp("tables") / "plan.json"
    told = {
        "schema": "peso.plan/1",
        "scenario": "By quarter",
        "currency": "EUR",
        "period": "week",
        "horizon": {"start": "2027-01-04", "periods": 8},
        "channels": list(NAMES),
        "decisions": ["2027-01-04"],
        "schedule": [[1.0, 1.0, 1.0]] * 8,
        "spend": [[8.0, 8.0, 8.0]],
        "measure": "revenue",
    }
    path.write_text(json.dumps(told))
    return read_planned(path)


def found_of(plan, lines):
    total = Line("total", *(sum(getattr(line, name) for line in lines) for name in LINE))
    measures = [Measure("spend", 1.0, None, 2.0), *(Measure(f"spend of {name}", 3.0, None, 1.0) for name in NAMES)]
    asked = Asked(plan.path, plan.path)
    return Track(asked, plan, 3, lines, total, None, None, tuple(measures), Way("", ()), (), (), (), 3, {})


LINE = ("planned", "spent", "year", "at_this_pace")


def rows(table):
    """The cells of each row below the head, by its first cell, numbers as numbers."""
    found = {}
    for line in table.splitlines()[1:]:
        name, *cells = re.split(r" {2,}", line.strip())
        numbers = [float(cell.replace(",", "")) for cell in cells if re.fullmatch(r"[+-]?[\d,.]+", cell)]
        found.setdefault(name, []).extend(numbers)
    return found


@given(st.lists(st.tuples(amounts, amounts, amounts, amounts), min_size=3, max_size=3))
@settings(max_examples=40)
def test_columns_of_money_add_up_and_what_is_more_is_spent_less_planned(plan, cells):
    lines = tuple(Line(name, *each) for name, each in zip(NAMES, cells, strict=True))
    found = found_of(plan, lines)
    told = rows(spend_table(found))
    for name in (*NAMES, "total"):
        planned, spent, more = told[name][:3]
        assert more == pytest.approx(spent - planned, abs=1e-6)
    for table in (told, rows(pace_table(found))):
        shown = np.array([table[name][:3] for name in NAMES])
        assert shown.sum(axis=0) == pytest.approx(table["total"][:3], abs=1e-4)


def outcome_of(planned, moved, attributed):
    """An outcome of three channels; its effectiveness by channel is known where it is attributed."""
    sums = [sum(planned), *(sum(part[at] for part in moved) for at in range(4))]
    points = Range(0.0, 0.0, 0.0, 0.0)
    channels = [
        Part(name, before, *part[:3], *((part[3], before + sum(part)) if attributed else (None, None)))
        for name, before, part in zip(NAMES, planned, moved, strict=True)
    ]
    total = Part("total", *sums[:4], sums[4], sum(sums))
    ranges = dict.fromkeys(("volume", "mix", "price", "effectiveness"), points)
    mean = Range(sums[0], 0.0, 0.0, 0.0)
    return Outcome("revenue", "EUR", mean, ranges, points, sum(sums), None, 0.0, total, tuple(channels), (), "")


@given(
    st.lists(amounts, min_size=3, max_size=3),
    st.lists(st.tuples(moves, moves, moves, moves), min_size=3, max_size=3),
    st.booleans(),
)
@settings(max_examples=40)
def test_the_bridge_adds_up_as_printed_and_so_do_its_channels_in_both_directions(plan, planned, moved, attributed):
    outcome = outcome_of(planned, moved, attributed)
    found = found_of(plan, tuple(Line(name, 1.0, 1.0, 2.0, 2.0) for name in NAMES))
    told = [cells[0] for cells in rows(bridge_table(found, outcome)).values()]
    assert sum(told[:-1]) == pytest.approx(told[-1], abs=1e-4)
    by_channel = rows(channel_table(outcome))
    if not by_channel:
        return
    shown = np.array([by_channel[name] for name in NAMES])
    assert shown.sum(axis=0) == pytest.approx(by_channel["total"], abs=1e-4)
    for name in (*NAMES, "total"):
        *parts, end = by_channel[name]
        assert sum(parts) == pytest.approx(end, abs=1e-4)
    known = 5 if attributed else 4
    assert by_channel["total"][:known] == pytest.approx(told[:known], abs=1e-4)


@given(amounts, amounts, st.floats(0.0, 1e9))
@settings(max_examples=40)
def test_what_came_and_the_rest_add_up_to_the_forecast(plan, came, rest, planned):
    found = found_of(plan, tuple(Line(name, 1.0, 1.0, 2.0, 2.0) for name in NAMES))
    outcome = outcome_of([came, 0.0, 0.0], [(0.0,) * 4] * 3, False)
    year, before = Range(came + rest, 1.0, 1.0, 1.0), Range(planned, 1.0, 1.0, 1.0)
    forecast = Forecast(before, year, planned, False, 0.5, 0.5, None, None)
    told = rows(forecast_table(found, outcome, forecast))
    so_far, to_come, all_of_it, at_first, less = (cells[0] for cells in told.values())
    assert so_far + to_come == pytest.approx(all_of_it, abs=1e-4)
    assert all_of_it - at_first == pytest.approx(less, abs=1e-4)
