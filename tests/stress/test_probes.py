"""Probes: worst paths, break-evens, commitments and the queue, each against what it means done the slow way."""

import functools
import itertools
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from engine.optimize.plan import optimize
from engine.optimize.shocked import sized
from engine.simulate.team import Team, marginal, served
from engine.stress.bridge import steps
from engine.stress.levels import levels
from engine.stress.play import outcomes, works
from engine.stress.probes import (
    FARTHEST,
    break_evens,
    committed_costs,
    each_draw,
    held_outcomes,
    worst_paths,
)
from engine.stress.selling import queue
from engine.stress.sets import singles
from engine.stress.setting import foreseen
from engine.stress.trial import factors
from tests.stress.scenes import BUDGET, asked, curves, set_up
from tests.stress.trials import accounts, shock, some, trial

MARGIN = "[stress]\nmargin = 0.6\n"
made = functools.cache(trial)


def facing(told, *shocks):
    """The same plan, which does not reckon with some shocks."""
    setting = told.setting
    met = replace(setting, planned=setting.planned.model_copy(update={"shocks": shocks}))
    return replace(told, plan=replace(told.plan, setting=met))


def worst_of(told, shocks, policy="hold", count=40):
    """The worst paths of a policy, its steps and its outcome."""
    paths = some(told, count)
    found = accounts(told, shocks, paths)[policy]
    total = found.outcome.sum(axis=1)
    numbers = tuple(np.argsort(total)[:5].tolist())
    path_steps = steps(told, shocks, paths, works(told.setting, paths))
    planned = accounts(told)["hold"].outcome.sum(axis=1).mean()
    worst = worst_paths(shocks, path_steps, factors(told, shocks, paths), (policy, found, numbers), planned)
    return worst, path_steps, total


def test_the_worst_paths_name_the_shock_that_was_made_to_take_most():
    big = shock("demand", name="collapse", factor=0.3, chance=0.25)
    small = (
        shock("price", channels=["c0"], factor=1.1),
        shock("outage", channels=["c2"], begins=date(2027, 3, 1), until=date(2027, 3, 8), chance=0.5),
    )
    for order in ((big, *small), (*small, big)):
        worst, _, total = worst_of(made(), order)
        assert {one.shock for one in worst} == {"collapse"}
        assert [one.outcome for one in worst] == pytest.approx(sorted(total.tolist())[:5])
        assert all("collapse 0.3" in one.came for one in worst)
        assert [one.number for one in worst] == np.argsort(total)[:5].tolist()


def test_what_a_worst_path_lost_most_to_is_the_deepest_step():
    shocks = (
        shock("price", channels=["c0", "c1"], factor={"low": 0.8, "mode": 1.2, "high": 3.0}),
        shock("demand", factor={"p05": 0.7, "p95": 1.3}),
        shock("budget", factor=0.6, begins=date(2027, 7, 5), chance=0.5),
    )
    told = made()
    worst, path_steps, _ = worst_of(told, shocks, "trim")
    planned = accounts(told)["hold"].outcome.sum(axis=1).mean()
    for one in worst:
        took = {}
        for place, other in enumerate(shocks):
            took[other.name] = path_steps[one.number, place + 1] - path_steps[one.number, place]
        deepest = min(took, key=lambda name: took[name])
        assert (one.shock, one.took) == (deepest, pytest.approx(took[deepest]))
        assert one.curves == pytest.approx(path_steps[one.number, 0] - planned)


def test_where_no_shock_took_anything_none_is_named_and_only_what_came_is_told():
    mild = (
        shock("demand", factor=1.5),
        shock("outage", channels=["c0"], begins=date(2027, 3, 1), until=date(2027, 3, 8), chance=0.0),
    )
    worst, _, _ = worst_of(made(), mild)
    assert {one.shock for one in worst} == {""}
    assert {one.came for one in worst} == {("demand 1.5",)}
    assert all(one.curves < 0 for one in worst)  # draws whose curves bring least


@pytest.mark.parametrize("margin", [0.5, 0.6, 0.9])
def test_a_demand_breaks_even_where_the_margin_on_it_is_what_was_spent(margin):
    told = made(f"[stress]\nmargin = {margin}\n")
    outcome = accounts(told)["hold"].outcome.sum(axis=1).mean()
    (one,) = break_evens(facing(told, shock("demand", factor=0.8, chance=0.3)))
    assert (one.shock, one.kind, one.what) == ("demand", "demand", "profit")
    assert one.factor == pytest.approx(told.whole.sum() / (margin * outcome), rel=1e-3)
    assert one.factor >= told.whole.sum() / (margin * outcome) - 1e-9  # something is left there


def test_a_target_is_missed_from_its_share_of_the_plan_on():
    told = made("[stress]\ntarget = 150_000.0\n")
    outcome = accounts(told)["hold"].outcome.sum(axis=1).mean()
    (one,) = break_evens(facing(told, shock("demand", factor=0.8)))
    assert (one.what, one.factor) == ("target", pytest.approx(150_000 / outcome, rel=1e-3))


@pytest.mark.parametrize(
    "asked_of",
    [
        shock("price", factor=1.2),
        shock("price", channels=["c1"], factor={"low": 1.0, "mode": 1.2, "high": 2.0}, begins=date(2027, 3, 1)),
        shock("effectiveness", channels=["c0", "c1"], factor=0.7, within=20, chance=0.2),
        shock("competitor", factor=1.3, elasticity=-0.9),
        shock("budget", factor=0.8),
        shock("capacity", factor=0.8),
    ],
    ids=lambda one: f"{one.kind} {one.channels}",
)
def test_break_evens_lie_where_a_fine_grid_says(asked_of):
    told = made(MARGIN + "target = 180_000.0\n")
    paths = each_draw(told)
    work = works(told.setting, paths)
    (alone,) = singles(facing(told, asked_of).setting)
    (sure,) = alone.shocks
    away = FARTHEST if asked_of.kind in ("price", "competitor") else 1 / FARTHEST
    grid = away ** np.linspace(0, 1, 41)
    every = [held_outcomes(told, (sized(sure, float(factor)),), paths, work) for factor in grid]
    left = {
        "profit": [one.profit.sum(axis=1).mean() for one in every],
        "target": [one.outcome.sum(axis=1).mean() - 180_000 for one in every],
    }
    found = {one.what: one.factor for one in break_evens(facing(told, asked_of))}
    assert set(found) == {"profit", "target"}
    for what, amounts in left.items():
        short = next((place for place, amount in enumerate(amounts) if amount < 0), None)
        if short is None:
            assert found[what] is None
        else:
            low, high = sorted((grid[short - 1], grid[short]))
            assert low * (1 - 1e-9) <= found[what] <= high * (1 + 1e-9)


def test_a_shock_that_may_begin_in_many_weeks_breaks_even_where_it_would_in_the_middle_of_them():
    told = made(MARGIN)
    fields = {"factor": 0.7, "begins": date(2027, 2, 1)}
    wide, middle = (shock("demand", **fields, within=20), shock("demand", **fields | {"begins": date(2027, 4, 12)}))
    (one,), (other,) = (break_evens(facing(told, asked)) for asked in (wide, middle))
    assert one == other
    assert one != break_evens(facing(told, shock("demand", **fields)))[0]


def test_shocks_of_one_name_are_told_apart_and_what_the_plan_reckons_with_has_no_break_even():
    known = shock("demand", factor=0.9, expected=True)
    found = break_evens(facing(made(MARGIN), known, shock("demand", factor=0.8), shock("demand", factor=0.5)))
    assert [one.shock for one in found] == ["demand", "demand (2)"]


def test_what_cannot_be_larger_or_smaller_has_no_break_even_and_what_fails_anyway_neither():
    outage = shock("outage", channels=["c0"], begins=date(2027, 3, 1))
    assert break_evens(facing(made(MARGIN), outage, shock("delay", shift=4))) == ()
    assert break_evens(facing(made("[stress]\nmargin = 0.2\n"), shock("demand", factor=0.9))) == ()
    assert (
        break_evens(facing(made(), shock("demand", factor=0.9))) == ()
    )  # nobody knows a margin, and no target is named


def test_a_commitment_costs_what_the_best_plan_without_it_brings_more():
    held = curves()
    text = "[channels.c0]\ncommitted = [500, 400]\n[channels.c1]\ncommitted = [12_000, 0, 0, 9_000]\n"
    told, plan = set_up(held, asked(BUDGET + text))
    found = {one.channel: one for one in committed_costs(told, plan)}
    assert found["c0"].money == 900
    assert found["c0"].cost == 0.0  # more than that is spent anyway
    free = set_up(held, asked(BUDGET + "[channels.c0]\ncommitted = [500, 400]\n"))[1]
    assert found["c1"].money == 21_000
    assert found["c1"].cost == pytest.approx(free.net - plan.net)
    assert found["c1"].cost > 1e-3 * plan.net
    assert optimize(held, foreseen(told.planned), priced=False).net == pytest.approx(plan.net)


def test_a_commitment_of_every_channel_costs_what_each_of_them_by_its_own_name_does():
    held, money = curves(), "committed = [20_000]\n"
    every = set_up(held, asked(BUDGET + f"[every_channel]\n{money}"))
    names = held.names
    each = set_up(held, asked(BUDGET + "".join(f"[channels.{name}]\n{money}" for name in names)))
    found = committed_costs(*every)
    assert [(one.channel, one.money) for one in found] == [(name, 20_000.0) for name in names]
    assert [one.cost for one in found] == pytest.approx([one.cost for one in committed_costs(*each)])
    assert max(one.cost for one in found) > 1e-3 * every[1].net


def test_a_commitment_of_a_channel_with_parts_is_told_of_the_whole():
    held = curves()
    first, second, third = held.channels
    held = replace(held, channels=(replace(first, part_of="all c"), replace(second, part_of="all c"), third))
    told, plan = set_up(held, asked(BUDGET + '[channels."all c"]\ncommitted = [0, 0, 0, 40_000]\n'))
    (one,) = committed_costs(told, plan)
    assert (one.channel, one.money) == ("all c", 40_000.0)
    assert one.cost == pytest.approx(set_up(held, asked(BUDGET))[1].net - plan.net)


def test_without_commitments_nothing_is_asked():
    assert committed_costs(*set_up(curves(), asked(BUDGET + "[channels.c0]\ncommitted = [0, 0]\n"))) == ()


@pytest.mark.parametrize("people", [3, 8])
def test_the_queue_is_what_its_team_does_with_the_leads_of_each_week(people):
    text = f"[stress.sales]\nleads = 0.02\nother_leads = 5.0\npeople = {people}\nhandling = 0.5\npatience = 1.0\n"
    setting, team = made(text).setting, Team(people, 0.5, 1.0)
    came = outcomes(setting, works(setting, each_draw(made(text))), levels(setting, ()), setting.money[None])
    found = queue(made(text).setting)
    assert len(found) == 4
    for (begin, end), (name, lost, more) in zip(itertools.pairwise(setting.grid.edges), found, strict=True):
        leads = [5.0 + 0.02 * float(came[draw, week].sum()) for draw in range(4) for week in range(begin, end)]
        begun = [float(served(team, np.array([rate]))[0]) for rate in leads]
        assert lost == pytest.approx(1 - sum(begun) / sum(leads), abs=1e-9)
        assert more == pytest.approx(np.mean([float(marginal(team, np.array([rate]))[0]) for rate in leads]))
        assert name.startswith(str(setting.days[begin]))


def test_where_nobody_sells_there_is_no_queue():
    assert queue(made().setting) == ()
