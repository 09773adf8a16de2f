"""What a reader must know of a stress test before acting on it: what it leaves out, and what in it looks odd."""

import importlib
import math

import numpy as np

from engine.config.shocks import Sales
from engine.errors import InputError
from engine.optimize.over_time.totals import bends_upwards
from engine.stress.account import margin_of
from engine.stress.levels import levels
from engine.stress.play import Paths, outcomes, works
from engine.stress.run import Work
from engine.stress.sets import middle, too_late
from engine.stress.setting import Setting
from engine.stress.trial import Trial
from engine.words import number, percent, plain

COUNTED = {"montecarlo", "replay"}  # families of cases with as many paths as are asked for
MOST_BUSY, LEAST_BUSY = 2.0, 0.01  # of what people can do: beyond these a figure is most likely in another unit
ROUNDING, LEAST_SOLD = 1e-6, 1e-3  # of what is served without marketing, and of its leads: below both nobody can tell


def doubts(work: Work) -> tuple[str, ...]:
    """All of them, those of the curves first."""
    told, families = work.trial.setting, {case.family for case in work.cases}
    own = (*_unfelt(told), *_late(told)) if families & {"shock", "montecarlo"} else ()
    few = _few(told, work.count, bool(families & COUNTED))
    return (*_hills(work.trial), *own, *_busy(told), *_discounted(told), *few)


def _hills(trial: Trial) -> tuple[str, ...]:
    """That plans made anew may miss the best hill, where curves bend upwards and no ramp keeps channels near theirs."""
    planner = trial.plan.planner
    if planner is None or trial.setting.planned.ramp is not None:
        return ()
    bent = [name for at, name in enumerate(trial.setting.names) if bends_upwards(planner.problem, at)]
    told = f"curves bend upwards ({', '.join(map(plain, bent))}) and no ramp ties a channel to what it did before, so "
    return (
        (f"{told}plans made anew are not proven to be the best and may miss some percent of what could be had",)
        if bent
        else ()
    )


def _unfelt(told: Setting) -> tuple[str, ...]:
    """Shocks of what the scenario says nothing about, which change nothing on the curves."""
    asked, found = told.planned.stress, []
    for shock in told.planned.shocks:
        if shock.kind == "capacity" and asked.sales is None:
            found.append(f"{plain(shock.name)} changes nothing on the curves: nobody sells there; write [stress.sales]")
        if shock.kind == "delay" and not np.isfinite(margin_of(told)).all():
            found.append(
                f"{plain(shock.name)} changes no figure: without a margin no cash is told; write stress.margin"
            )
    return tuple(found)


def _late(told: Setting) -> tuple[str, ...]:
    """Shocks that may begin when nothing is left of what is planned."""
    period, found = told.curves.period, []
    for shock in told.planned.shocks:
        late = () if shock.expected else too_late(told, shock)
        if not late:
            continue
        alone = ", also where it is played alone, in the middle of them" if middle(shock) in late else ""
        found.append(
            f"{plain(shock.name)} begins in one of {shock.within} {period}s, and in {len(late)} of them it can change "
            f"nothing of what is planned{alone}: it comes less often than its chance says; shorten within, or plan "
            f"more {period}s"
        )
    return tuple(found)


def _busy(told: Setting) -> tuple[str, ...]:
    """That people have far too much to do, or nothing, in the plan without shocks."""
    sales = told.planned.stress.sales
    if sales is None:
        return ()
    leads, period = _leads(told), told.curves.period
    busy = leads * sales.handling / sales.people
    if LEAST_BUSY <= busy <= MOST_BUSY:
        return ()
    curves, who = told.curves, _team(sales)
    unit = f"{curves.currency} of revenue" if curves.outcome == "revenue" else curves.outcome
    if busy > MOST_BUSY:
        share, so = f"{number(busy)} times", "most leads are lost even without shocks"
    else:
        share, so = f"{100 * busy:.2g} % of", "they have next to nothing to do"
    odd = (
        f"stress.sales: {number(leads)} leads a {period}, {sales.handling:g} {period}s of work on each, are "
        f"{share} what {who} can do, so {so}; check the units: leads is per unit of "
        f"outcome ({unit}), other_leads per {period}, handling and patience in {period}s"
    )
    return (odd,)


def _leads(told: Setting) -> float:
    """Leads that come in the plan without shocks, in the mean [1/period]."""
    every = np.arange(told.curves.draws)
    paths = Paths(every, every)
    came = outcomes(told, works(told, paths), levels(told, ()), told.money[None])
    leads = importlib.import_module("engine.stress.selling").leads_of(told, came)
    return float(leads[:, : told.periods].mean())


def require_idle(told: Setting) -> None:
    """Refuse people so busy without marketing that its leads sell nothing, while curves say that they did.

    Raises:
        InputError: They are.
    """
    sales = told.planned.stress.sales
    if sales is None:
        return
    team, leads = importlib.import_module("engine.stress.selling").team_of(sales, sales.people), _leads(told)
    served = importlib.import_module("engine.simulate.team").served
    without, done = served(team, np.array([sales.other_leads, leads])).tolist()
    if done - without > ROUNDING * without or done - without >= LEAST_SOLD * (leads - sales.other_leads):
        return
    raise InputError(
        f"scenario {told.planned.name!r}: stress.sales.other_leads = {sales.other_leads:g} a {told.curves.period} keep "
        f"{_team(sales)} busy all the time, so marketing's leads sell nothing, while the curves say that they did; "
        "correct other_leads, people, handling or patience"
    )


def _team(sales: Sales) -> str:
    return "1 person" if sales.people == 1 else f"{sales.people:,} people"


def _discounted(told: Setting) -> tuple[str, ...]:
    """That policies plan for profit at the start of the horizon, and are ranked by profit of any time."""
    rate = told.planned.goal.discount_rate
    if not rate:
        return ()
    told_rate = (
        f"plans discount profit by {percent(rate)} a year (goal.discount_rate), and policies are ranked by profit that "
        "is not discounted: between policies that are near each other, a plan for early profit may look the worse one"
    )
    return (told_rate,)


def _few(told: Setting, count: int, is_asked: bool) -> tuple[str, ...]:
    """That the worst share of so many paths is less than one of them."""
    level = told.planned.stress.level
    if level * count >= 1:
        return ()
    more = f"ask for --paths {math.ceil(1 / level)} or more" if is_asked else "take curves with more draws"
    told_few = (
        f"the worst {100 * level:g} % of {count:,} paths are less than one path, so value at risk and CVaR tell of the "
        f"single worst one; {more}, or raise stress.level"
    )
    return (told_few,)
