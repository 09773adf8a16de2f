"""Rates in any unit: three figures of what is little, and never nothing where there is something."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.report.figures import NOTHING, rate, told_gap


@given(st.floats(NOTHING * 1.01, 999.0), st.sampled_from([1, -1]))
def test_a_rate_is_told_to_within_a_hundredth_or_half_a_percent_of_itself_and_no_longer_than_a_column(size, sign):
    told = rate(sign * size)
    assert float(told) == pytest.approx(sign * size, rel=0.005, abs=0.005 if size >= 0.05 else 0.0)
    assert len(told) <= 11


def test_what_is_no_money_at_all_is_told_as_nothing():
    assert (rate(0.0), rate(-1e-12), rate(float("inf"))) == ("0.00", "0.00", "inf")


def test_gaps_of_chances_are_points_and_those_of_amounts_are_relative():
    assert told_gap(0.649 - 0.548, "probability", 1) == "10.1 points"
    assert told_gap(0.101, "cvar", 1) == "10.1 %"
