"""Small stress tests, ready to be played, and what each policy does in them."""

import functools
from dataclasses import replace
from datetime import date

import numpy as np

from engine.config.shocks import Shock
from engine.optimize.plan import optimize
from engine.stress.play import Paths, paths_of, works
from engine.stress.policies import Spending
from engine.stress.rolling import planner
from engine.stress.setting import foreseen, setting
from engine.stress.trial import Start, Trial, played, scene_of, shocked, spent
from tests.stress.scenes import BUDGET, asked, curves, set_up

EVERY = ("hold", "trim", "replan", "trigger", "reserve", "foresight")
SECOND, THIRD, LAST = 13, 26, 39  # rows on which quarters begin
JULY = date(2027, 7, 5)


def shock(kind, **fields):
    """A shock as people write it; `begins` is the first of its dates."""
    begins = {"from": fields.pop("begins")} if "begins" in fields else {}
    return Shock.model_validate({"kind": kind, "name": kind, **fields, **begins})


def trial(text="", held=None, reserve=None, **changed):
    """A plan of a year and all policies; `reserve` is the share of money that one of them holds back."""
    held, band, seed = held or curves(), changed.pop("band", 0.05), changed.pop("seed", 1)
    told, plan = set_up(held, asked(BUDGET + text, **changed))
    start = Start(told, planner(told, plan.cells))
    return Trial(start, reserved(told, reserve) if reserve else None, EVERY, band, seed)


def reserved(told, share):
    """The plan of a share less money."""
    scenario = told.planned
    less = scenario.model_copy(update={"budget": scenario.budget.model_copy(update={"reserve": share})})
    plan = optimize(told.curves, foreseen(less), priced=False)
    kept = setting(told.curves, less, plan)
    return Start(kept, planner(kept, plan.cells))


@functools.cache
def kept(text, slopes, draws, reserve):
    """A trial that is made once."""
    return trial(text, curves(slopes=slopes, draws=draws), reserve)


def made(text="", slopes=(0.6, 0.8, 1.0), draws=4, reserve=None, band=0.05):
    """A plan of a year and all policies; `slopes` and `draws` are of its curves."""
    return replace(kept(text, slopes, draws, reserve), band=band)


STORM = (
    shock("price", channels=["c0"], factor={"low": 0.8, "mode": 1.2, "high": 1.8}, begins=date(2027, 2, 1), chance=0.7),
    shock("effectiveness", channels=["c1"], factor={"p05": 0.6, "p95": 1.3}, begins=date(2027, 4, 20), known_after=6),
    shock("demand", factor={"p05": 0.85, "p95": 1.15}, begins=date(2027, 6, 1)),
)
CUT = shock("budget", factor=0.8, begins=JULY, chance=0.6)


def some(told, count):
    """The first paths, a whole number of turns of the draws."""
    (paths,) = paths_of(count, told.setting.curves.draws, count)
    return paths


def one_path(told, number):
    """A single path, with the draw that it has among the others."""
    draws = told.setting.curves.draws
    return Paths(some(told, draws).number[:1] * 0 + number, some(told, draws).draws[[number % draws]])


def scene(told, shocks, paths, policy="hold"):
    """Some paths as they come true for the plan that a policy starts from."""
    start = told.reserve if policy == "reserve" and told.reserve else told.plan
    return scene_of(start.setting, shocked(told, tuple(shocks), paths), paths, works(told.setting, paths))


def spending(told, policy, shocks=(), paths=None):
    """What a policy spends."""
    paths = paths or some(told, told.setting.curves.draws)
    start = told.reserve if policy == "reserve" and told.reserve else told.plan
    return spent(told, policy, scene(told, shocks, paths, policy), start.planner)


def as_paid(money):
    """Money that nobody decided anew."""
    return Spending(money, np.zeros((1, 1), bool))


def accounts(told, shocks=(), paths=None):
    """What every policy comes to."""
    paths = paths or some(told, told.setting.curves.draws)
    return played(told, shocked(told, tuple(shocks), paths), paths, works(told.setting, paths))
