"""The bridge: each step is the plan held under the shocks so far, and from the plan to the outcome all adds up."""

import functools
from datetime import date

import numpy as np
import pytest

from engine.stress.bridge import steps
from engine.stress.play import paths_of, works
from engine.stress.probes import bridge, held_outcomes
from tests.stress.trials import accounts, shock, some, trial

STORM = (
    shock("price", channels=["c0"], factor={"low": 0.8, "mode": 1.2, "high": 1.8}, begins=date(2027, 2, 1), chance=0.7),
    shock("budget", factor=0.8, begins=date(2027, 7, 5), chance=0.6),
    shock("outage", channels=["c1"], begins=date(2027, 5, 10), until=date(2027, 6, 7), chance=0.5),
    shock("demand", factor={"p05": 0.8, "p95": 1.1}),
)
SALES = "[stress.sales]\nleads = 0.02\nother_leads = 5.0\npeople = 3\nhandling = 0.5\npatience = 1.0\n"
COMMITTED = "[channels.c0]\ncommitted = [4_000, 3_000, 6_000, 5_000]\n"
TIED = "[stress.correlation.price]\ndemand = -0.5\n" + "".join(
    f'[[shocks]]\nname = "{kind}"\nkind = "{kind}"\nfactor = 1.1\n' for kind in ("price", "demand")
)
TEXTS = {"alone": "", "committed": COMMITTED, "drivers that hang together": TIED, "a team": SALES}
made = functools.cache(trial)


def stepped(told, shocks, count=24):
    """The steps of some paths."""
    paths = some(told, count)
    return steps(told, shocks, paths, works(told.setting, paths)), paths


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_each_step_is_the_plan_held_under_the_shocks_so_far(text):
    told = made(text)
    found, paths = stepped(told, STORM)
    work = works(told.setting, paths)
    for number in range(len(STORM) + 1):
        wanted = held_outcomes(told, STORM[:number], paths, work).outcome.sum(axis=1)
        assert found[:, number] == pytest.approx(np.resize(wanted, 24), rel=1e-12)


def test_without_shocks_there_is_the_plan():
    told = made()
    found, _ = stepped(told, ())
    plan = accounts(told)["hold"].outcome.sum(axis=1)
    assert found.shape == (24, 1)
    assert found[:, 0] == pytest.approx(np.tile(plan, 6))


def test_a_shock_that_does_not_come_adds_nothing():
    told = made()
    found, _ = stepped(told, (STORM[3], STORM[0].model_copy(update={"chance": 0.0})))
    assert np.array_equal(found[:, 1], found[:, 2])
    assert not np.array_equal(found[:, 0], found[:, 1])


@pytest.mark.parametrize("policy", ["hold", "trim", "replan"])
@pytest.mark.parametrize("text", [COMMITTED, SALES], ids=["committed", "a team"])
def test_bars_add_up_from_the_plan_to_what_a_policy_comes_to(text, policy):
    told = made(text)
    found, paths = stepped(told, STORM)
    final = accounts(told, STORM, paths)[policy].outcome.sum(axis=1)
    planned = float(found[:, 0].mean())
    bars = bridge([*(one.name for one in STORM), policy], planned, found, final)
    assert bars[0].low == planned
    assert bars[-1].low == pytest.approx(final.mean(), rel=1e-15)
    assert sum(bar.low for bar in bars[:-1]) == pytest.approx(bars[-1].low, rel=1e-9)
    names = ["the plan", *(one.name for one in STORM), policy, "comes to"]
    assert [bar.name for bar in bars] == names
    assert all(bar.low == bar.high for bar in bars)
    if policy == "hold":
        assert bars[-2].low == pytest.approx(0.0, abs=1e-9 * planned)


def test_draws_that_are_played_more_often_have_a_bar_of_their_own():
    """Of 5 paths on 4 draws the first draw is met twice."""
    told = made()
    found = np.concatenate([steps(told, STORM, paths, works(told.setting, paths)) for paths in paths_of(5, 4, 4)])
    planned = float(found[:4, 0].mean())
    bars = bridge([*(one.name for one in STORM), "hold"], planned, found, found[:, -1])
    assert bars[1].name == "draws that were played"
    assert bars[1].low == pytest.approx(found[:, 0].mean() - planned)
    assert sum(bar.low for bar in bars[:-1]) == pytest.approx(found[:, -1].mean(), rel=1e-12)
