"""Money, contacts and outcomes in another unit are refused or doubted; what a year can bring is taken as it is."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from engine.data.actuals import Actuals
from engine.errors import InputError
from engine.study.tracked_plan import Planned
from engine.study.tracked_unit import outcome_doubts, unit_doubts

TABLE, NAMES, WEEKS = Path("actuals.csv"), ("tv", "search", "pr"), 52
PLANNED = np.tile([6000.0, 3000.0, 400.0], (WEEKS, 1))
PLAN = Planned(
    path=Path("plan.json"),
    scenario="By quarter",
    currency="EUR",
    period="week",
    days=tuple(date(2027, 1, 4) + timedelta(7 * week) for week in range(WEEKS + 1)),
    names=NAMES,
    money=PLANNED,
    decisions=4,
    outcome=None,
    measure="revenue",
    made_from="",
)
SO_FAR = PLANNED[:6]


def happened(money, priced=None, counted=(), came=None, base=None):
    return Actuals(money, money if priced is None else priced, counted, came, base, False, "", ())


@pytest.mark.parametrize(
    ("factor", "likely"),
    [
        (1e6, "likely a plan in millions of EUR"),
        (1000.0, "likely amounts without their decimal point, or a plan in thousands of EUR"),
        (100.0, "likely cents, or another currency than EUR; write amounts in EUR, these divided by 100"),
        (21.0, "21 times as much: likely several periods in one row, or another currency than EUR"),
    ],
)
def test_far_too_much_is_refused_with_its_ratio_and_what_is_likely(factor, likely):
    with pytest.raises(InputError, match=f"actuals.csv: all spend is .*{likely}"):
        unit_doubts(TABLE, PLAN, happened(factor * SO_FAR))


def test_one_channel_or_one_week_that_is_far_off_is_named():
    with pytest.raises(InputError, match=r"spend of search is .* 1,000 times as much"):
        unit_doubts(TABLE, PLAN, happened(SO_FAR * [1.0, 1000.0, 1.0]))
    wrong = SO_FAR.copy()
    wrong[2, 0] *= 1000.0
    with pytest.raises(InputError, match=r"spend of tv in the week from 2027-01-18 is EUR 6\.00 m where EUR 6,000"):
        unit_doubts(TABLE, PLAN, happened(wrong))


def test_three_times_the_plan_is_doubted_and_less_is_not():
    (told,) = unit_doubts(TABLE, PLAN, happened(4 * SO_FAR))
    assert "all spend is EUR 226 k where EUR 56.4 k would be usual, 4 times as much: check for" in told
    (told,) = unit_doubts(TABLE, PLAN, happened(SO_FAR * [1.0, 5.0, 1.0]))
    assert told.startswith("spend of search is ")
    assert unit_doubts(TABLE, PLAN, happened(SO_FAR * [2.9, 0.1, 1.0])) == ()


def test_a_channel_of_a_thousandth_is_doubted_for_it_may_be_residual():
    (told,) = unit_doubts(TABLE, PLAN, happened(SO_FAR * [0.001, 1.0, 1.0]))
    assert "one part in 1,000: check for thousands of EUR, or a point between thousands" in told


def test_a_small_channel_that_grew_and_a_burst_that_came_early_are_no_unit():
    (told,) = unit_doubts(TABLE, PLAN, happened(SO_FAR * [1.0, 1.0, 22.0]))
    assert told.startswith("spend of pr is ")
    money = PLANNED.copy()
    money[:2, 0], money[2:4, 0] = 10.0, money[2:4, 0] + 6000.0
    late = Planned(**{name: getattr(PLAN, name) for name in PLAN.__dataclass_fields__} | {"money": money})
    assert unit_doubts(TABLE, late, happened(PLANNED[:2])) == ()


@pytest.mark.parametrize(
    ("factor", "likely"),
    [
        (1000.0, "1,000 times as much: likely the price of a thousand contacts"),
        (100.0, "likely a price in cents"),
        (0.001, "one part in 1,000: likely contacts in thousands"),
        (0.0, "likely contacts that are not known yet"),
    ],
)
def test_contacts_at_a_price_that_cannot_be_are_refused_with_what_to_correct(factor, likely):
    priced = SO_FAR * [factor, 1.0, 1.0]
    remedy = "correct tv.contacts or tv.planned_price, or leave both out"
    with pytest.raises(InputError, match=f"contacts of tv .*{likely}; {remedy}"):
        unit_doubts(TABLE, PLAN, happened(SO_FAR, priced, ("tv",)))


def test_contacts_at_a_price_that_may_be_are_doubted_beyond_three_times():
    for factor, doubts in ((0.2, 1), (0.5, 0), (2.5, 0), (4.0, 1)):
        assert len(unit_doubts(TABLE, PLAN, happened(SO_FAR, factor * SO_FAR, NAMES[:1]))) == doubts


def outcome(came, base):
    parts = happened(SO_FAR, came=np.full((6, 1), came / 6), base=np.full((6, 1), base / 6))
    return outcome_doubts(TABLE, PLAN, parts, came, 100e3, 1.0)


def test_an_outcome_in_another_unit_is_refused_and_a_wide_miss_doubted():
    for came, base in ((100e6, 0.0), (100e6, 50e6), (100.0, 1e3)):
        with pytest.raises(InputError, match="write it as the fit's history does"):
            outcome(came, base)
    for came in (1e6 + 1e5 - 1e9, 1.1e3 - 1e6):
        with pytest.raises(InputError, match="the two seem to be in different units"):
            outcome(came, 1e9 if came < -1e8 else 1e6)
    (told,) = outcome(-300e3, 1e6)
    assert "-3 times as much: check for a baseline that is wrong" in told
    assert [outcome(came, 1e6) for came in (250e3, 100e3, 0.0, -90e3)] == [()] * 4
    with pytest.raises(InputError, match="outcome is 0 in all"):
        outcome(0.0, 0.0)
