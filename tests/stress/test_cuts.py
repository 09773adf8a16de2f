"""Cuts: against loops over weeks, and what every policy may spend while money is cut."""

import itertools
from datetime import date, timedelta

import numpy as np
import pytest

from engine.stress.cuts import charged, cuts_of, left_of, pace_of
from tests.stress.trials import CUT, EVERY, JULY, LAST, SECOND, THIRD, accounts, made, scene, shock, some, spending

APRIL, OCTOBER = date(2027, 4, 5), date(2027, 10, 4)
CUTS = {
    "none": (),
    "for ever": (CUT,),
    "in the middle of quarters": (shock("budget", factor=0.5, begins=date(2027, 5, 17), until=date(2027, 8, 16)),),
    "two, and one for ever": (
        shock("budget", name="a", factor=0.5, begins=date(2027, 2, 1), until=date(2027, 3, 1), chance=0.5),
        shock("budget", name="b", factor=0.7, begins=date(2027, 5, 1), until=date(2027, 6, 7), within=9),
        shock("budget", name="c", factor=0.8, begins=date(2027, 6, 21), chance=0.5),
    ),
    "slowly": (shock("budget", factor=0.4, begins=date(2027, 3, 1), onset=5, until=JULY, recovery=6),),
}


@pytest.fixture(params=CUTS.values(), ids=CUTS)
def world(request):
    """What comes true on some paths, and the setting."""
    told = made()
    return told.setting, scene(told, request.param, some(told, 12)).levels


def loop_cuts(setting, world, path):
    """The weeks of each cut with an end, one cut after the other."""
    there, ends = (level[min(path, len(level) - 1)] for level in (world.money, world.cut))
    found, week = [], 0
    while week < setting.periods:
        end = week
        while end < setting.periods and there[end] < 1:
            end += 1
        if any(ends[each] > 0 for each in range(week, end)):
            found.append(list(range(week, end)))
        week = max(end, week + 1)
    return found


def test_cuts_are_a_loop_over_weeks(world):
    setting, levels = world
    found = cuts_of(setting, levels)
    for path in range(12):
        inside = found[min(path, len(found) - 1)]
        assert [np.flatnonzero(each).tolist() for each in inside if each.any()] == loop_cuts(setting, levels, path)


@pytest.mark.parametrize("more", [0.0, 30_000.0])
def test_money_goes_as_fast_in_a_cut_as_what_is_left_for_it_beside_the_weeks_around_it(world, more):
    setting, levels = world
    edges, luck = setting.grid.edges, np.random.default_rng(2)
    inside, planned = cuts_of(setting, levels), luck.uniform(500, 1500, (12, 52))
    left, outside = luck.uniform(0, 5000, (12, inside.shape[1])), luck.uniform(10_000, 40_000, 12) + more
    pace = pace_of(setting, inside, (left, outside), planned)
    for path in range(12):
        cuts = inside[min(path, len(inside) - 1)]
        cut = set(np.flatnonzero(cuts.any(axis=0)).tolist())
        others = [week for week in range(52) if week not in cut]
        for begin, end in itertools.pairwise(edges):
            whole = all(week in cut for week in range(begin, end))
            for week in range(begin, end):
                wanted = 1.0
                if week in cut and not whole:
                    own = int(np.flatnonzero(cuts[:, week])[0])
                    fast = left[path, own] / planned[path, cuts[own]].sum()
                    wanted = min(1.0, fast / (outside[path] / planned[path, others].sum()))
                assert pace[path, week] == pytest.approx(wanted)


def test_what_is_left_of_a_cut_and_what_falls_into_it_are_loops_over_weeks(world):
    setting, levels = world
    inside, edges, luck = cuts_of(setting, levels), setting.grid.edges, np.random.default_rng(1)
    money, share = luck.random((12, 52)), luck.random((12, 3, 52))
    there = 2 * levels.money[:, :52]
    for at in range(1, 4):
        left, into = left_of(inside, there, money, edges[at]), charged(inside, share, edges, at)
        for path, cut in np.ndindex(12, inside.shape[1]):
            weeks = np.flatnonzero(inside[min(path, len(inside) - 1), cut])
            past = [week for week in weeks if week < edges[at]]
            wanted = max(there[min(path, len(there) - 1), weeks].sum() - money[path, past].sum(), 0.0)
            if len(past) == len(weeks):
                wanted = np.inf
            assert left[path, cut] == pytest.approx(wanted)
            for decision in range(at, 4):
                every = range(edges[decision], edges[decision + 1])
                part = share[path][:, [week for week in every if week in weeks]].sum(axis=1)
                assert into[path, cut, :, decision - at] == pytest.approx(part / share[path][:, every].sum(axis=1))


def test_who_foresees_a_cut_and_dear_months_in_it_spends_the_cuts_money_before_them():
    """Half of two quarters' money is left and the second is three times as dear: all is spent in the first, as held."""
    told = made(draws=8)
    cut = shock("budget", factor=0.5, begins=APRIL, until=OCTOBER)
    dear = shock("price", factor=3.0, begins=JULY, until=OCTOBER)
    found = accounts(told, (cut, dear))
    means = {policy: one.outcome.sum(axis=1).mean() for policy, one in found.items()}
    assert max(means, key=means.get) == "foresight"
    assert means["hold"] > means["trim"]
    plan = told.whole
    half = 0.5 * plan[SECOND:LAST].sum()
    for policy in EVERY:
        assert np.all(found[policy].spend.sum(axis=2)[:, 1:3].sum(axis=1) <= half * (1 + 1e-4))
    ahead = found["foresight"].spend.sum(axis=2)[0]
    assert ahead[1] > 0.8 * plan[SECOND:THIRD].sum()
    assert ahead[2] < 0.2 * plan[THIRD:LAST].sum()
    assert found["hold"].spend.sum(axis=2)[0, 1] == pytest.approx(plan[SECOND:THIRD].sum(), rel=1e-3)


def shaken(luck):
    """Some shocks that come for sure, a cut among them most often."""
    kinds = luck.choice(
        ["price", "demand", "outage", "budget"], luck.integers(1, 4), replace=False, p=[0.2, 0.2, 0.2, 0.4]
    )
    sizes = {"price": (0.7, 2.0), "demand": (0.6, 1.2), "budget": (0.3, 0.95)}
    found = []
    for kind in kinds.tolist():
        begins = date(2027, 1, 4) + timedelta(weeks=int(luck.integers(0, 45)))
        fields = {"factor": float(luck.uniform(*sizes[kind]))} if kind in sizes else {}
        if kind in ("price", "outage"):
            fields["channels"] = [f"c{luck.integers(0, 3)}"]
        if kind == "outage" or luck.random() < 0.7:
            fields["until"] = begins + timedelta(weeks=int(luck.integers(4, 26)))
        found.append(shock(kind, begins=begins, **fields))
    return tuple(found)


@pytest.mark.parametrize("seed", range(24))
def test_nobody_brings_more_than_who_knows_every_shock_ahead_nor_spends_more_than_a_cut_leaves(seed):
    """On concave curves without ramps, under shocks of any dates."""
    told, shocks = made(draws=8, reserve=0.1), shaken(np.random.default_rng(seed))
    means = {policy: one.outcome.sum(axis=1).mean() for policy, one in accounts(told, shocks).items()}
    assert max(means.values()) <= means["foresight"] * (1 + 1e-4)
    levels = scene(told, shocks, some(told, 8)).levels
    for policy in EVERY:
        money = spending(told, policy, shocks).money.sum(axis=2)
        for weeks in loop_cuts(told.setting, levels, 0):
            there = (levels.money[0, :52] * told.whole)[weeks].sum()
            assert np.all(money[:, weeks].sum(axis=1) <= there + 1e-4 * told.whole.sum()), policy


def test_money_that_an_outage_left_may_go_into_the_weeks_before_a_cut():
    told = made()
    gone = shock("outage", begins=APRIL, until=date(2027, 6, 14))
    cut = shock("budget", factor=0.5, begins=date(2027, 8, 30), until=date(2027, 11, 1))
    money = spending(told, "foresight", (gone, cut)).money[0].sum(axis=1)
    assert money[THIRD:34].sum() > 1.1 * told.whole[THIRD:34].sum()
    assert money[34:43].sum() <= 0.5 * told.whole[34:43].sum() * (1 + 1e-4)
