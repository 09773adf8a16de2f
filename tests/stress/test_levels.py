"""Levels: shocks of all kinds by path, row and channel, beside what each of them says by itself."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from engine.config.shocks import OF_CHANNELS, Shock
from engine.optimize.shocked import contacts, effect, strength
from engine.stress.levels import begins, levels
from tests.stress.scenes import asked, calm, curves, set_up, surely

NEEDED = {
    "price": {"factor": 2.0},
    "effectiveness": {"factor": 0.5},
    "outage": {},
    "demand": {"factor": 0.8},
    "season": {"factor": 2.0, "shift": 3, "until": date(2027, 6, 1)},
    "competitor": {"factor": 1.5, "elasticity": -0.5},
    "curves": {"factor": 0.7},
    "budget": {"factor": 0.6},
    "capacity": {"factor": 0.5},
    "delay": {"shift": 5},
}
ABOUT = {"price": "had", "outage": "open", "budget": "money", "capacity": "people", "delay": "delay"}  # else effect
FIELDS = ("had", "effect", "open", "money", "cut", "people", "delay")


def shock(kind, **changed):
    return Shock.model_validate({"kind": kind, "name": kind, "from": date(2027, 4, 8), **NEEDED[kind], **changed})


@pytest.fixture(scope="module")
def told():
    """A plan by quarter of a year with three channels and a tail."""
    return set_up(curves(), asked())[0]


def rows(level):
    return level if isinstance(level, tuple) else (level,)


def moved(told, found):
    """The levels that are not those of a calm year."""
    return {
        field
        for field in FIELDS
        for one, usual in zip(rows(getattr(found, field)), rows(getattr(calm(told), field)), strict=True)
        if not np.array_equal(np.broadcast_to(usual, one.shape), one)
    }


def test_without_shocks_everything_is_as_the_plan_reckons(told):
    found = calm(told)
    for field in ("had", "effect", "open", "money", "people"):
        assert all(np.array_equal(one, np.ones((1, told.rows))) for one in rows(getattr(found, field)))
    assert not found.cut.any()
    assert not found.delay.any()


@pytest.mark.parametrize("kind", NEEDED)
def test_each_kind_moves_one_thing_alone_and_only_from_its_begin_on(told, kind):
    found = levels(told, [surely(shock(kind))])
    assert moved(told, found) == {ABOUT.get(kind, "effect")}
    field = getattr(found, ABOUT.get(kind, "effect"))
    usual = 0.0 if kind == "delay" else 1.0
    for one in rows(field):
        assert one.shape == (1, told.rows)
        assert np.all(one[:, :13] == usual)  # it begins on a Thursday of the week that starts on 2027-04-05
        assert np.all(one[:, 14] != usual)


@pytest.mark.parametrize("kind", OF_CHANNELS)
def test_a_shock_on_one_channel_leaves_the_others(told, kind):
    found = getattr(levels(told, [surely(shock(kind, channels=("c1",)))]), ABOUT.get(kind, "effect"))
    assert np.any(found[1] != 1)
    assert np.all(found[0] == 1)
    assert np.all(found[2] == 1)


@pytest.mark.parametrize("kind", NEEDED)
def test_a_shock_that_does_not_come_changes_nothing(told, kind):
    assert moved(told, levels(told, [surely(shock(kind), comes=np.zeros(1, bool))])) == set()


@pytest.mark.parametrize("kind", NEEDED)
def test_each_path_has_its_own_luck(told, kind):
    """Three paths together, beside each of them by itself."""
    one = shock(kind)
    luck = {
        "comes": np.array([True, False, True, True]),
        "factor": np.array([one.size, one.size, 1.2, 0.7]),
        "later": np.array([0, 0, 4, 70]),
    }
    together = levels(told, [surely(one, **luck)])
    for path in range(4):
        alone = levels(told, [surely(one, **{key: values[path : path + 1] for key, values in luck.items()})])
        for field in FIELDS:
            for many, single in zip(rows(getattr(together, field)), rows(getattr(alone, field)), strict=True):
                assert many[min(path, len(many) - 1)] == pytest.approx(single[0], rel=1e-12)


def test_two_shocks_multiply(told):
    first, second = surely(shock("demand")), surely(shock("curves", channels=("c0",)))
    both, one, other = (levels(told, found).effect for found in ([first, second], [first], [second]))
    for channel in range(3):
        assert both[channel] == pytest.approx(one[channel] * other[channel])
    cuts = [surely(shock("budget")), surely(shock("budget", factor=0.5, **{"from": date(2027, 7, 5)}))]
    assert levels(told, cuts).money[0, 40] == pytest.approx(0.3)


def test_delays_add_up_and_are_whole_periods(told):
    slow, more = surely(shock("delay", onset=3)), surely(shock("delay", shift=2))
    found = levels(told, [slow, more]).delay
    assert np.array_equal(found, np.round(found))
    by_hand = np.round(5 * np.minimum(1, np.arange(1, 6) / 4)) + np.round(2 * np.array([4 / 7, 1, 1, 1, 1]))
    by_hand[0] = np.round(5 * 1 / 4 * 4 / 7) + np.round(2 * 4 / 7)
    assert found[0, 13:18].tolist() == by_hand.tolist()


def test_levels_are_what_a_shock_says_of_prices_effects_and_dates(told):
    weeks = told.days
    price = shock("price", onset=4, until=date(2027, 9, 3), recovery=6)
    assert levels(told, [surely(price)]).had[0][0] == pytest.approx(contacts(2.0, strength(price, weeks, "week")))
    rivals = shock("competitor", recovery=2, until=date(2027, 9, 3))
    assert levels(told, [surely(rivals)]).effect[0][0] == pytest.approx(effect(rivals, 1.5, weeks, "week"))
    gone = shock("outage", until=date(2027, 5, 12))
    assert levels(told, [surely(gone)]).open[0][0, 12:20].tolist() == pytest.approx([1, 3 / 7, 0, 0, 0, 0, 5 / 7, 1])


def test_a_cut_that_ends_marks_the_periods_whose_money_cannot_be_spent_later(told):
    short = shock("budget", until=date(2027, 5, 12))
    assert np.flatnonzero(levels(told, [surely(short)]).cut[0]).tolist() == [13, 14, 15, 16, 17, 18]
    assert not levels(told, [surely(shock("budget"))]).cut.any()
    assert not levels(told, [surely(shock("price", until=date(2027, 5, 12)))]).cut.any()


def test_a_shock_begins_in_the_first_row_that_it_touches_or_as_long_before_the_plan_as_its_date_says(told):
    one = shock("price")
    assert begins(told, surely(one, 3, later=np.array([0, 2, 500]))).tolist() == [13, 15, told.rows]
    early = shock("price", **{"from": date(2026, 12, 1)})
    assert begins(told, surely(early, 3, later=np.array([0, 4, 5]))).tolist() == [-5, -1, 0]  # a Tuesday


@pytest.mark.parametrize("kind", NEEDED)
def test_what_began_long_before_the_plan_is_known_on_its_first_day(told, kind):
    long_ago = {"from": date(2026, 8, 3)}  # 22 weeks before
    for known_after, is_known in ((4, True), (22, True), (23, False)):
        one = surely(shock(kind, **long_ago, known_after=known_after))
        assert bool(moved(told, levels(told, [one], known_by=0))) == is_known


@pytest.mark.parametrize("kind", NEEDED)
def test_what_is_not_known_yet_is_hidden(told, kind):
    found = [surely(shock(kind, known_after=6))]
    name = ABOUT.get(kind, "effect")
    for row in (0, 13, 18):
        assert moved(told, levels(told, found, known_by=row)) == set()
    for row in (19, 26, 39):
        whole, seen = getattr(levels(told, found), name), getattr(levels(told, found, known_by=row), name)
        assert all(np.array_equal(one, other) for one, other in zip(rows(whole), rows(seen), strict=True))


@pytest.mark.parametrize("kind", NEEDED)
def test_without_a_word_a_shock_is_known_when_it_begins_but_not_what_only_a_test_tells(told, kind):
    found = [surely(shock(kind))]
    assert moved(told, levels(told, found, known_by=12)) == set()
    seen = moved(told, levels(told, found, known_by=13))
    assert seen == (set() if kind in ("effectiveness", "curves") else {ABOUT.get(kind, "effect")})
    if not seen:
        assert moved(told, levels(told, found, known_by=told.rows)) == set()
        sure = [surely(shock(kind, known_after=0))]
        assert moved(told, levels(told, sure, known_by=13)) == {"effect"}


def test_paths_know_what_has_begun_on_them(told):
    found = [surely(shock("price"), 3, later=np.array([0, 5, 20]))]
    seen, whole = levels(told, found, known_by=18).had[0], levels(told, found).had[0]
    assert np.array_equal(seen[:2], whole[:2])
    assert np.all(seen[2] == 1)


def test_the_name_of_a_channel_stands_for_its_parts(told):
    parts = [replace(one, part_of="tv") for one in told.curves.channels[:2]]
    whole = replace(told, curves=replace(told.curves, channels=(*parts, told.curves.channels[2])))
    for names, hit in ((("tv",), [True, True, False]), (("c1",), [False, True, False]), ((), [True] * 3)):
        found = levels(whole, [surely(shock("price", channels=names))]).had
        assert [bool(np.any(one != 1)) for one in found] == hit


def test_one_row_stands_for_all_paths_where_they_do_not_differ(told):
    assert levels(told, [surely(shock("price"), 5)]).had[0].shape == (1, told.rows)
    later = np.array([0, 0, 1, 0, 0])
    assert levels(told, [surely(shock("price"), 5, later=later)]).had[0].shape == (5, told.rows)
