"""Starts: what courses bring against loops over points, and what a price of money picks against all combinations."""

import functools
import itertools

import numpy as np
import pytest

from engine.response.curves import respond
from engine.stress.interior import objective
from engine.stress.rolling import planner, replanned, rest_of, rows_of
from engine.stress.starts import COARSE, LEVELS, SCALES, Courses, courses, started
from tests.stress.scenes import BUDGET, asked, curves, set_up
from tests.stress.test_rolling import Case

CONCAVE, BENT = (0.6, 0.8, 1.0), (1.2, 2.2, 3.0)


@functools.cache
def planned(slopes=CONCAVE, decide="quarter"):
    """A planner, and the contacts that its plan buys by channel and decision."""
    told, plan = set_up(curves(slopes=slopes), asked(BUDGET, decide=decide))
    bought = np.add.reduceat(told.money, told.grid.edges[:-1], axis=0).T
    return planner(told, plan.cells), bought


@pytest.mark.parametrize("slopes", [CONCAVE, BENT], ids=["concave", "S-shaped"])
@pytest.mark.parametrize("at", [0, 2, 3])
def test_what_a_course_brings_is_a_loop_over_points(slopes, at):
    plan, usual = planned(slopes)
    points, unit, count = plan.points, plan.unit, usual.shape[1]
    tried = courses(points, at, usual, unit)
    last = len(tried.contacts[0]) - 1
    for channel, course in itertools.product(range(3), (1, last)):
        stock = points.offset.copy()
        for point, decision in itertools.product(range(len(stock)), range(count)):
            late = decision >= at
            contacts = tried.contacts[channel, course, decision - at] * unit if late else usual[channel, decision]
            stock[point] += contacts * points.gain[channel * count + decision, point]
        came = (respond(points.curve, stock) * points.weight).tolist()
        wanted = [0.0] * (int(points.span.max()) + 1 - at)
        for point, outcome in enumerate(came):
            if points.channel[point] == channel and points.span[point] >= at:
                wanted[points.span[point] - at] += outcome
        assert tried.outcome[channel, course] == pytest.approx(wanted, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("decide", "at", "number"), [("quarter", 1, 7**3), ("quarter", 3, 7), ("quarter", 0, 35 + 4**4), ("month", 1, 35)]
)
def test_few_decisions_have_all_levels_and_many_have_patterns(decide, at, number):
    plan, usual = planned(decide=decide)
    tried = courses(plan.points, at, usual, plan.unit)
    left = usual.shape[1] - at
    assert tried.contacts.shape == (3, number, left)
    for own in tried.contacts:
        level = own[own > 0].min() / LEVELS[1]
        shares = {tuple(np.round(row / level, 9)) for row in own}
        even = {tuple([share] * left) for share in LEVELS}
        assert even <= shares
        coarse = set(itertools.product(COARSE, repeat=left)) if left == 4 else set()
        assert coarse <= shares
        assert {share for row in shares for share in row} == {*LEVELS, *(share for row in coarse for share in row)}
        if left <= 3:
            assert shares == set(itertools.product(LEVELS, repeat=left))


def test_a_curve_that_bends_upwards_is_tried_around_its_highest_mean_return_and_others_around_the_plan():
    for slopes in (CONCAVE, BENT):
        plan, usual = planned(slopes)
        own = courses(plan.points, 1, usual, plan.unit).contacts
        for channel in range(3):
            level = own[channel][own[channel] > 0].min() / LEVELS[1] * plan.unit
            least = 0.3 * usual.mean()
            earned = [total(plan, usual, channel, scale * usual.mean()) for scale in SCALES]
            returns = [0.0] + [
                (amount - earned[0]) / scale for amount, scale in zip(earned[1:], SCALES[1:], strict=True)
            ]
            best = int(np.argmax(returns))
            inside = 1 < best < len(SCALES) - 1
            wanted = SCALES[best] * usual.mean() if inside else max(usual[channel].mean(), least)
            assert level == pytest.approx(wanted)
    assert inside  # the last one bends


def total(plan, usual, channel, amount):
    """What a channel brings from the second decision on with the same contacts in each of them."""
    points = plan.points
    cells = np.zeros(usual.shape)
    cells[:, 0], cells[channel, 1:] = usual[:, 0], amount
    came = respond(points.curve, cells.ravel() @ points.gain + points.offset) * points.weight
    return float(came[(points.channel == channel) & (points.span >= 1)].sum())


def posed(seed, channels=3, number=6, decisions=2, paths=4):
    """Courses with any outcomes, the first of them without contacts, and paths with prices and money of their own."""
    luck = np.random.default_rng(seed)
    contacts = luck.uniform(0.1, 3.0, (channels, number, decisions))
    outcome = luck.uniform(0.0, 9.0, (channels, number, decisions + 1))
    contacts[:, 0], outcome[:, 0] = 0.0, 0.1
    worth = luck.uniform(0.5, 1.5, (paths, channels, decisions + 1))
    had = luck.uniform(0.4, 1.3, (paths, channels, decisions))
    return Courses(contacts, outcome), worth, had, luck.uniform(0.0, 9.0, paths)


def combinations(tried, allowed, worth, had):
    """Every combination of allowed courses on one path: its courses, its money, and what it is worth."""
    each = [np.flatnonzero(row).tolist() for row in allowed]
    for picked in itertools.product(*each):
        money = sum(float((tried.contacts[c, n] / had[c]).sum()) for c, n in enumerate(picked))
        value = sum(float((tried.outcome[c, n] * worth[c]).sum()) for c, n in enumerate(picked))
        yield picked, money, value


@pytest.mark.parametrize("seed", range(12))
def test_no_combination_of_courses_brings_more_for_as_much_money_and_the_money_suffices(seed):
    tried, worth, had, left = posed(seed)
    allowed = np.random.default_rng(seed).random((3, 6)) < 0.7
    allowed[:, 0] = True
    found = started(tried, allowed, worth, had, left)
    for path in range(4):
        every = list(combinations(tried, allowed, worth[path], had[path]))
        mine = [one for one in every if np.allclose(taken(tried, one[0], had[path]), found[path])]
        assert len(mine) == 1  # it is one of them
        _, money, value = mine[0]
        assert money <= left[path] + 1e-9
        assert value >= max(worthy for _, spent, worthy in every if spent <= money + 1e-9) - 1e-6


def taken(tried, picked, had):
    """The money of some courses by channel and decision."""
    return np.array([tried.contacts[channel, number] / had[channel] for channel, number in enumerate(picked)])


@pytest.mark.parametrize("seed", range(3))
def test_more_money_never_brings_less_and_a_fortune_all_that_pays(seed):
    tried, worth, had, _ = posed(seed, paths=1)
    every = np.ones((3, 6), bool)
    left = np.linspace(0, 40, 30)
    worth, had = (np.repeat(one, 30, axis=0) for one in (worth, had))
    found = started(tried, every, worth, had, left)
    values = []
    for path in range(30):
        whole = combinations(tried, every, worth[path], had[path])
        values += [one[2] for one in whole if np.allclose(taken(tried, one[0], had[path]), found[path])]
    assert np.all(np.diff(values) >= -1e-9)
    assert values[-1] == pytest.approx(max(one[2] for one in combinations(tried, every, worth[0], had[0])))
    assert not found[0].any()


def test_money_goes_where_it_is_cheap_and_strong():
    plan, usual = planned()
    tried = courses(plan.points, 1, usual, plan.unit)
    allowed, left = np.ones(tried.contacts.shape[:2], bool), np.full(1, usual[:, 1:].sum() / plan.unit)
    worth, had = np.ones((1, 3, 5 - 1)), np.ones((1, 3, 3))
    as_planned = started(tried, allowed, worth, had, left)[0]
    weak = worth * np.array([1.0, 0.4, 1.0])[:, None]
    assert started(tried, allowed, weak, had, left)[0, 1].sum() < 0.8 * as_planned[1].sum()
    dear = had * np.array([1.0, 0.4, 1.0])[:, None]
    bought = (started(tried, allowed, worth, dear, left)[0] * dear[0])[1].sum()
    assert bought < 0.8 * as_planned[1].sum()


def test_a_course_that_is_not_allowed_is_never_begun():
    plan, usual = planned(BENT)
    tried = courses(plan.points, 1, usual, plan.unit)
    allowed = np.ones(tried.contacts.shape[:2], bool)
    allowed[2] = tried.contacts[2].sum(axis=1) >= 1.0  # no fewer contacts than a mean cell's
    left = np.array([0.0, 2.0, 9.0])
    found = started(tried, allowed, np.ones((3, 3, 4)), np.ones((3, 3, 3)), left)
    assert np.all(found[:, 2].sum(axis=1) >= 1.0)
    assert not found[0, :2].any()


@pytest.mark.parametrize("slopes", [(1.2, 2.2, 3.0), (3.0, 3.0, 3.0)])
def test_a_plan_made_anew_is_no_worse_than_its_start_on_another_hill(slopes):
    one = Case(slopes=slopes)
    known = one.shaken(1, paths=6, cut=(0.4, 1.1))
    plan = one.planner
    tried = courses(plan.points, 1, one.cells, plan.unit)
    left = (known.total - known.spent.sum(axis=(1, 2))) / plan.unit
    worth = known.effect * plan.setting.margins[:, None]
    start = started(tried, np.ones(tried.contacts.shape[:2], bool), worth, known.had, left)
    rest, rows = rest_of(plan, 1, known), rows_of(plan, 1, known)
    mine = objective(rest, rows, replanned(plan, 1, known) / plan.unit)
    assert np.all(mine >= objective(rest, rows, start) - 1e-6 * np.abs(mine))
