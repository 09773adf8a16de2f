"""Flights and outages close days, not shares of periods: those that overlap are not counted twice."""

from datetime import date

from engine.periods import share_open

WEEK = (date(2027, 1, 4),)
EARLY, LATE = (None, date(2027, 1, 7)), (date(2027, 1, 7), None)


def test_a_flight_and_an_outage_that_share_their_days_leave_none_open():
    assert share_open(WEEK, "week", EARLY, [EARLY]) == [0.0]


def test_two_outages_beside_each_other_leave_no_day_open():
    assert share_open(WEEK, "week", (None, None), [EARLY, LATE]) == [0.0]


def test_an_outage_outside_the_flight_changes_nothing():
    assert share_open(WEEK, "week", EARLY, [LATE]) == share_open(WEEK, "week", EARLY, []) == [3 / 7]
