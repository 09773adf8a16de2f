"""Selling: shares of leads between the rates that are looked at, and paths that know nothing of those beside them."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from engine.simulate.team import Team, served
from engine.stress.levels import levels
from engine.stress.play import outcomes, works
from engine.stress.probes import each_draw
from engine.stress.selling import attended, beyond
from tests.stress.scenes import surely
from tests.stress.trials import made, shock

SALES = "[stress.sales]\nleads = 0.02\nother_leads = 5.0\npeople = 6\nhandling = 0.5\npatience = 1.0\n"


@pytest.mark.parametrize("people", [1, 8, 60, 1000])
@pytest.mark.parametrize("patience", [0.01, 1.0, 1000.0])
@pytest.mark.parametrize("busy", [0.0, 0.5, 0.95])
def test_the_share_served_between_the_rates_that_are_looked_at_is_the_lines_own(people, patience, busy):
    team, rng = Team(people, 0.5, patience), np.random.default_rng(people)
    other, full = busy * team.capacity, 1 - busy
    close = full + rng.normal(0, 3, 400) / np.sqrt(people)  # where a team gets full
    some = np.concatenate([np.exp(rng.uniform(np.log(1e-3), np.log(900), 400)), close[close > 1e-3]])
    more = team.capacity * some
    without, line = beyond(team, other)
    share = (served(team, other + more) - served(team, np.array([other]))[0]) / more
    assert without == pytest.approx(other, rel=0.5)
    assert line(more) == pytest.approx(share, abs=1e-7)


@pytest.mark.parametrize("busy", [0.0, 0.7])
def test_handling_times_of_other_laws_are_met_as_closely_as_their_own_curves_bend(busy):
    team, rng = Team(5, 0.5, 1.0, "fixed"), np.random.default_rng(1)
    more = team.capacity * np.exp(rng.uniform(np.log(1e-3), np.log(50), 500))
    other = busy * team.capacity
    share = (served(team, other + more) - served(team, np.array([other]))[0]) / more
    assert beyond(team, other)[1](more) == pytest.approx(share, abs=1e-5)


def test_a_path_does_not_depend_on_the_paths_beside_it():
    told, paths = made(SALES).setting, each_draw(made(SALES))
    ways, calm = works(told, paths), levels(told, ())
    few, many = (outcomes(told, ways, calm, factor * told.money[None]) for factor in (1.0, 30.0))
    alone, beside = attended(told, ways, calm, few), attended(told, ways, calm, np.concatenate([few, many]))
    for one, other in zip(alone, beside, strict=True):
        assert np.array_equal(one, other[: len(one)])


def test_leads_of_weeks_without_marketing_and_of_nobody_at_all_are_served_or_lost():
    told, paths = made(SALES).setting, each_draw(made(SALES))
    ways, came = works(told, paths), np.zeros((4, told.rows, 3))
    share, lost = attended(told, ways, levels(told, ()), came)
    team = Team(6, 0.5, 1.0)
    assert lost == pytest.approx(1 - served(team, np.array([5.0]))[0] / 5.0, abs=1e-12)
    assert np.all(share > 1)  # a single lead finds a free seat more often than one of many
    idle = replace(told, planned=told.planned.model_copy(update={"stress": without_others(told)}))
    assert not attended(idle, ways, levels(told, ()), came)[1].any()
    gone = levels(told, [surely(shock("capacity", factor=0.0))])
    share, lost = attended(told, ways, gone, came)
    assert not share.any()
    assert np.all(lost == 1)


def without_others(told):
    stress = told.planned.stress
    return stress.model_copy(update={"sales": stress.sales.model_copy(update={"other_leads": 0.0})})


def test_more_leads_than_are_looked_at_share_what_a_full_team_serves():
    text = SALES.replace("leads = 0.02\n", "leads = 5_000.0\n")
    told, paths = made(text).setting, each_draw(made(text))
    ways, calm = works(told, paths), levels(told, ())
    came = outcomes(told, ways, calm, told.money[None])
    _, lost = attended(told, ways, calm, came)
    leads = 5.0 + 5000 * came.sum(axis=2)
    team = Team(6, 0.5, 1.0)
    assert leads[:, :50].min() > 1000 * team.capacity
    for draw, week in itertools.product(range(4), (0, 20, 40)):
        wanted = 1 - float(served(team, leads[draw, week][None])[0]) / leads[draw, week]
        assert lost[draw, week] == pytest.approx(wanted, abs=1e-9)
