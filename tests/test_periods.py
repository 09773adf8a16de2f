"""Dates of periods."""

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.periods import PER_YEAR, PERIODS, share_inside, starts, step

days = st.dates(date(1990, 1, 1), date(2060, 12, 31))
periods = st.sampled_from(PERIODS)
early = days.map(lambda day: day.replace(day=min(day.day, 28)))


@given(early, st.integers(-40, 40), st.integers(-40, 40), periods)
def test_steps_add_up(start, first, second, period):
    assert step(step(start, first, period), second, period) == step(start, first + second, period)


@given(days, st.integers(1, 60), periods)
def test_periods_follow_one_another_without_gap_or_overlap(start, count, period):
    firsts = starts(start, count + 1, period)
    assert firsts[0] == start
    assert all(before < after for before, after in itertools.pairwise(firsts))
    assert firsts[-1] == step(start, count, period)


@given(days, periods)
def test_a_year_holds_as_many_periods_as_the_table_says(start, period):
    assert (step(start, 400, period) - start).days / 365.25 == pytest.approx(400 / PER_YEAR[period], rel=5e-3)


@pytest.mark.parametrize(
    ("start", "count", "period", "end"),
    [
        (date(2024, 1, 31), 1, "month", date(2024, 2, 29)),
        (date(2023, 1, 31), 1, "month", date(2023, 2, 28)),
        (date(2024, 2, 29), 1, "year", date(2025, 2, 28)),
        (date(2024, 11, 30), 1, "quarter", date(2025, 2, 28)),
        (date(2024, 12, 30), 1, "week", date(2025, 1, 6)),
        (date(2024, 2, 28), 1, "day", date(2024, 2, 29)),
        (date(2024, 3, 15), -3, "month", date(2023, 12, 15)),
    ],
)
def test_steps_over_the_ends_of_months_and_years(start, count, period, end):
    assert step(start, count, period) == end


@given(early, st.integers(1, 30), periods, days, st.integers(0, 900))
def test_shares_inside_a_window_add_up_to_its_days(start, count, period, first, length):
    firsts = starts(start, count, period)
    last = first + timedelta(days=length)
    shares = share_inside(firsts, period, first, last)
    whole = [(step(day, 1, period) - day).days for day in firsts]
    end = step(firsts[-1], 1, period)
    overlap = max(0, (min(end, last) - max(start, first)).days)
    assert all(0 <= share <= 1 for share in shares)
    assert sum(share * size for share, size in zip(shares, whole, strict=True)) == pytest.approx(overlap)


def test_a_window_without_ends_holds_everything():
    assert share_inside(starts(date(2027, 1, 4), 3, "week"), "week", None, None) == [1.0, 1.0, 1.0]
