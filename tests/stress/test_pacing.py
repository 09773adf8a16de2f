"""Pacing: triggers fire where results have left the latest plan, and there alone; they release all that there is."""

import itertools
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from engine.stress.play import outcomes, works
from engine.stress.rolling import replanned
from tests.stress.trials import CUT, JULY, LAST, SECOND, STORM, THIRD, made, scene, shock, some, spending


def earns(told, policy, money, world):
    """What money earns by path and week in a world."""
    start = told.reserve.setting if policy == "reserve" else told.setting
    return outcomes(start, works(told.setting, some(told, len(money))), world, money).sum(axis=2)


def loop_pace(came, planned, since, at):
    """What was earned before a decision as a multiple of the plan, since that was made: a loop over weeks."""
    weeks = range(since, [0, SECOND, THIRD, LAST][at])
    return sum(came[week] for week in weeks) / sum(planned[week] for week in weeks)


def test_trigger_decides_just_where_the_pace_since_the_latest_plan_has_left_the_band(monkeypatch):
    """By a loop over paths and decisions; what a new plan is to earn is what its money earns in the world it knows."""
    told, asked = made(band=0.03), {}

    def noted(plan, at, known):
        asked[at] = replanned(plan, at, known)
        return asked[at]

    monkeypatch.setattr("engine.stress.policies.replanned", noted)
    paths, edges = some(told, 24), [0, SECOND, THIRD, LAST, 52]
    found, there = spending(told, "trigger", STORM, paths), scene(told, STORM, paths)
    came = earns(told, "trigger", found.money, there.levels)
    calm = earns(told, "trigger", np.repeat(told.setting.money[None], 24, 0), scene(told, (), paths).levels)
    foretold = {}
    for at, cells in asked.items():
        money = found.money[found.anew[:, at]].copy()
        for later, week in itertools.pairwise(edges[at:]):
            money[:, later:week] = cells[:, None, :, edges.index(later) - at] / (week - later)
        every = found.money.copy()
        every[found.anew[:, at]] = money
        foretold[at] = earns(told, "trigger", every, there.known(edges[at]))
    for path in range(24):
        planned, since = calm[path], 0
        for at in (1, 2, 3):
            left = abs(loop_pace(came[path], planned, since, at) - 1) > 0.03
            assert found.anew[path, at] == left
            planned, since = (foretold[at][path], edges[at]) if left else (planned, since)
    assert not found.anew[:, 0].any()
    assert 0 < found.anew[:, 1:].mean() < 1
    assert found.anew.sum(axis=1).max() > 1


def test_without_shocks_the_narrowest_band_is_never_left_however_much_draws_differ():
    assert not spending(made(band=1e-9), "trigger").anew.any()
    released = spending(made(reserve=0.1, band=1e-9), "reserve").anew
    assert np.array_equal(released, np.tile([False, False, False, True], (4, 1)))  # only as nothing is left to wait for


def test_a_band_beyond_all_that_happens_is_never_left():
    told = made(reserve=0.1, band=0.99)
    paths = some(told, 12)
    assert not spending(told, "trigger", (*STORM, CUT), paths).anew.any()
    assert np.array_equal(np.argmax(spending(told, "reserve", (*STORM, CUT), paths).anew, axis=1), np.full(12, 3))


@pytest.mark.parametrize(
    ("later", "wanted"), [({}, [2]), ({"known_after": 50}, [2, 3])], ids=["known at once", "not known in time"]
)
def test_trigger_fires_in_the_quarter_after_a_shock_where_it_is_more_than_the_band(later, wanted):
    """By hand: 20 % less from the second quarter on is 20 % of its share of the half year by July, draw by draw.

    Who knows of it then plans with it, and nothing is off in October; who does not is 20 % off again.
    """
    told = made()
    calm = earns(told, "hold", np.repeat(told.setting.money[None], 4, 0), scene(told, (), some(told, 4)).levels)
    off = 0.2 * calm[:, SECOND:THIRD].sum(axis=1) / calm[:, :THIRD].sum(axis=1)
    demand = shock("demand", factor=0.8, begins=date(2027, 4, 5), **later)
    assert 0.05 < off.min() < off.max() < 0.15
    for side in (1, -1):
        for path, share in enumerate(off.tolist()):
            found = spending(replace(told, band=share - side * 1e-6), "trigger", [demand]).anew[path]
            assert bool(found[2]) == (side > 0)
            assert side < 0 or np.flatnonzero(found).tolist() == wanted


@pytest.mark.parametrize("policy", ["trigger", "reserve"])
def test_a_shock_fires_nothing_before_it_is_felt_and_moves_no_money(policy):
    told = made(reserve=0.1, band=0.01)
    shocks = (STORM[0].model_copy(update={"chance": 1.0}),)
    late = shock("demand", name="late", factor=0.5, begins=JULY)
    calm, struck = (spending(told, policy, each) for each in (shocks, (*shocks, late)))
    assert np.array_equal(calm.anew[:, :3], struck.anew[:, :3])
    assert np.array_equal(calm.money[:, :THIRD], struck.money[:, :THIRD])
    quiet = spending(told, policy, (late,))
    assert np.array_equal(quiet.money[:, :LAST], spending(told, policy).money[:, :LAST])
    assert np.array_equal(quiet.anew, np.tile([False, False, False, True], (4, 1)))


def test_reserve_is_released_once_where_the_pace_falls_below_the_band_and_with_the_last_decision_at_the_latest():
    told = made(reserve=0.1, band=0.05)
    paths, start = some(told, 24), told.reserve.setting.money
    found = spending(told, "reserve", (*STORM, CUT), paths)
    came = earns(told, "reserve", found.money, scene(told, (*STORM, CUT), paths, "reserve").levels)
    calm = earns(told, "reserve", np.repeat(start[None], 24, 0), scene(told, (), paths, "reserve").levels)
    for path in range(24):
        below = [at for at in (1, 2) if loop_pace(came[path], calm[path], 0, at) < 0.95]
        wanted = below[0] if below else 3
        assert np.flatnonzero(found.anew[path]).tolist() == [wanted]
    assert len({tuple(row) for row in found.anew.tolist()}) > 1


@pytest.mark.parametrize(("factor", "at"), [(1.0, 3), (0.8, 2)], ids=["with the last decision", "behind the plan"])
def test_who_releases_a_reserve_is_told_of_all_the_money_and_of_what_is_spent_so_far(monkeypatch, factor, at):
    """By hand: 90 000, of which a cut leaves nine tenths from October on; 81 000 were planned with, and once is asked.

    What was held back meets that cut: until it comes or money is released, the plan of 81 000 is spent.
    """
    told, asked = made(reserve=0.1, draws=1), []

    def noted(plan, when, known):
        asked.append((when, known, replanned(plan, when, known)))
        return asked[-1][-1]

    monkeypatch.setattr("engine.stress.policies.replanned", noted)
    demand = shock("demand", factor=factor, begins=date(2027, 4, 5))
    cut = shock("budget", factor=0.9, begins=date(2027, 10, 4))
    found = spending(told, "reserve", [demand, cut])
    ((when, known, money),) = asked
    october = told.whole[LAST:].sum()
    assert when == at
    assert told.reserve.setting.money.sum() == pytest.approx(81_000)
    assert known.spent[0].sum() == pytest.approx(told.reserve.setting.money[: [0, SECOND, THIRD, LAST][at]].sum())
    assert known.total == pytest.approx([90_000 - (0.1 * october if at == 3 else 0.0)])  # in July nobody knows of it
    assert money.sum() == pytest.approx(float(known.total[0]) - known.spent[0].sum(), rel=1e-5)
    there = scene(told, [demand, cut], some(told, 1), "reserve").levels.money[:, :52] @ told.whole
    assert found.money.sum() <= there[0] * (1 + 1e-9)
