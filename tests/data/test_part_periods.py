"""Tests whose days are no whole periods, against their effect day by day."""

import math
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.part_periods import LIVES, WHOLE, Days, reading
from engine.periods import starts, step

HISTORY = {
    "day": starts(date(2022, 1, 1), 365, "day"),
    "week": starts(date(2022, 1, 3), 104, "week"),
    "month": starts(date(2022, 1, 1), 24, "month"),
    "quarter": starts(date(2022, 1, 1), 8, "quarter"),
}


def counted(keep, money, after):
    """What money on these days brings before the day `after`, day by day."""
    stock = total = 0.0
    for ordinal in range(min(money), after):
        stock = keep * stock + (1 - keep) * money.get(ordinal, 0.0)
        total += stock
    return total


def by_loops(period, days, life):
    """What was counted, and the three parts of it that periods tell: of earlier periods, carried, and fresh."""
    keep, first = 0.5 ** (1 / life), HISTORY[period][0]
    turns = [step(first, at, period).toordinal() for at in range(len(HISTORY[period]) + 1)]
    length = (days.end - days.start).days + 1
    test = {days.start.toordinal() + day: 1 / length for day in range(length)}
    final = max(at for at, turn in enumerate(turns) if turn <= days.until.toordinal())
    told = [dict.fromkeys(range(turns[at], turns[at + 1]), 0.0) for at in range(final + 1)]
    for money in told:
        amount = sum(test.get(day, 0.0) for day in money)
        money.update(dict.fromkeys(money, amount / len(money)))
    earlier = sum(counted(keep, money, turns[final]) for money in told[:-1])
    carried = sum(counted(keep, money, turns[final + 1]) for money in told[:-1]) - earlier
    return counted(keep, test, days.until.toordinal() + 1), (
        earlier,
        carried,
        counted(keep, told[-1], turns[final + 1]),
    )


def whole(*days):
    return Days(*(date.fromisoformat(day) for day in days))


@pytest.mark.parametrize(
    ("period", "days"),
    [
        ("day", whole("2022-06-09", "2022-06-12", "2022-06-20")),
        ("week", whole("2022-06-06", "2022-07-03", "2022-07-03")),
        ("week", whole("2022-06-06", "2022-07-03", "2022-07-31")),
        ("month", whole("2022-06-01", "2022-07-31", "2022-08-31")),
        ("quarter", whole("2022-04-01", "2022-06-30", "2022-06-30")),
    ],
)
def test_whole_periods_count_whole_and_hide_nothing(period, days):
    assert reading(HISTORY[period], period, days) == WHOLE


PARTS = [
    ("week", whole("2022-06-09", "2022-07-06", "2022-07-06"), 0.01),
    ("week", whole("2022-06-09", "2022-06-22", "2022-06-22"), 0.01),
    ("week", whole("2022-06-09", "2022-07-06", "2022-08-03"), 0.01),
    ("week", whole("2022-06-07", "2022-06-11", "2022-06-11"), 0.08),
    ("month", whole("2022-06-09", "2022-06-22", "2022-06-22"), 0.22),
    ("month", whole("2022-06-09", "2022-06-22", "2022-06-30"), 0.03),
    ("month", whole("2022-06-09", "2022-07-06", "2022-07-06"), 0.03),
    ("month", whole("2022-06-09", "2022-07-06", "2022-08-31"), 0.01),
    ("month", whole("2022-06-01", "2022-07-15", "2022-07-15"), 0.01),
    ("quarter", whole("2022-05-02", "2022-05-29", "2022-05-29"), 0.29),
    ("quarter", whole("2022-05-02", "2022-06-26", "2022-08-21"), 0.02),
    ("quarter", whole("2022-05-02", "2022-06-26", "2022-09-30"), 0.01),
]


@pytest.mark.parametrize(("period", "days", "blur"), PARTS)
def test_what_is_left_unknown_is_the_error_over_the_carry_overs(period, days, blur):
    """Also in between the carry-overs that were looked at: within two and a half spreads, and a hundredth."""
    read = reading(HISTORY[period], period, days)
    weights = read.earlier, read.carried, read.fresh
    ratios = []
    for life in (0.1, *LIVES, *(1.41 * life for life in LIVES[:-1])):
        true, parts = by_loops(period, days, life)
        ratios.append(sum(w * part for w, part in zip(weights, parts, strict=True)) / true)
    assert math.sqrt(np.mean((np.array(ratios[1:7]) - 1) ** 2)) == pytest.approx(read.blur, rel=1e-6)
    assert read.blur < blur
    assert max(abs(ratio - 1) for ratio in ratios) < 2.5 * read.blur + 0.01


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(list(HISTORY)), st.integers(0, 300), st.integers(0, 100), st.integers(0, 300))
def test_weights_are_never_negative_and_the_longer_one_counts_the_less_is_hidden(period, skip, length, late):
    start = HISTORY[period][0] + timedelta(days=skip % 100)
    end = start + timedelta(days=length)
    read = reading(HISTORY[period], period, Days(start, end, end + timedelta(days=late % 60)))
    assert min(read.earlier, read.carried, read.fresh) >= 0 and 0 <= read.blur < 1
    turn = next(one for one in HISTORY[period] if one > end + timedelta(days=98)) - timedelta(days=1)
    assert reading(HISTORY[period], period, Days(start, end, turn)).blur < 0.06
