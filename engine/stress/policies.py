"""Policies: what is spent on each path of shocks, decision by decision, by who only knows what is known then.

`hold` spends as planned until the money is gone. `trim` cuts in proportion what is not committed. `replan` plans the
rest of the year anew at the beginning of each decision, of the first one where something is known by then. `trigger`
does so where what was earned since the latest plan has left a band around it (`pacing`). `reserve` starts from a plan
with less money, which meets cuts first, and spends what it held back once the band is left downwards, or with the last
decision.
`foresight` knows every shock from the first day, though not which draw is true: what others lack to it is their regret.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from engine.optimize.over_time.several import by_cell
from engine.optimize.selecting import rules_of, wholes_of
from engine.stress.cuts import Cuts, charged, cuts_of, left_of, pace_of
from engine.stress.levels import Level, Levels, levels
from engine.stress.pacing import Course, earned, pace, renewed
from engine.stress.rolling import Known, Planner, chosen_paths, replanned
from engine.stress.setting import Setting, Working

Policy = Literal["hold", "trim", "replan", "trigger", "reserve", "foresight"]
ROLLING: tuple[Policy, ...] = ("replan", "trigger", "reserve", "foresight")
TINY = np.finfo(float).tiny
WHOLE = 1e-9  # of a decision's money: what is let pass as rounding


@dataclass(frozen=True)
class Scene:
    """Some paths as they come true, and the plan that meets them."""

    setting: Setting
    levels: Levels  # as they come true
    known: Callable[[int | None], Levels]  # at the beginning of a row; None: all of them
    work: tuple[Working, ...]
    count: int


@dataclass(frozen=True)
class Mandate:
    """What a policy that plans anew goes by."""

    planner: Planner
    policy: Policy
    whole: Float[np.ndarray, " period"]  # the money of the whole budget; a plan with a reserve spends less [currency]
    band: float  # how far what was earned may be from the plan, as a share


@dataclass(frozen=True)
class Spending:
    """What a policy spends, and where it decided anew."""

    money: Float[np.ndarray, "#path period channel"]  # [currency/period]
    anew: Bool[np.ndarray, "#path decision"]  # whether the rest was planned anew at the beginning of a decision


def held(scene: Scene) -> Spending:
    """The plan as it is, until the money of the periods that are cut is gone; what is committed is paid even then.

    Cuts that follow each other are one; those with time between them have money of their own each.
    """
    setting, opened = scene.setting, _open(scene.levels, scene.setting)
    there = scene.levels.money[:, : setting.periods]
    committed = setting.money[None] * committed_share(setting) * opened
    free = setting.money[None] * opened - committed
    cut, each = there < 1, free.sum(axis=2)
    money_left = np.where(cut, there * setting.money.sum(axis=1) - committed.sum(axis=2), 0.0)
    for row in range(setting.periods - 2, -1, -1):  # what the periods of a cut have together, told at each of them
        money_left[:, row] += np.where(cut[:, row], money_left[:, row + 1], 0.0)
    share, pool = np.ones(np.broadcast_shapes(cut.shape, each.shape)), np.zeros(len(cut))
    for row in range(setting.periods):
        begins = cut[:, row] & (~cut[:, row - 1] if row else True)
        pool = np.where(begins, money_left[:, row], pool)
        some = cut[:, row] & (pool < each[:, row])  # else there is enough, or nothing to spend it on
        share[:, row] = np.where(some, np.maximum(pool, 0.0) / np.where(some, each[:, row], 1.0), 1.0)
        pool = pool - np.where(cut[:, row], share[:, row] * each[:, row], 0.0)
    return Spending(committed + free * share[:, :, None], np.zeros((1, setting.grid.count), bool))


def trimmed(scene: Scene) -> Spending:
    """The plan, with what is not committed cut in proportion to the money that there is."""
    setting = scene.setting
    money = _cut(setting, setting.money[None], scene.levels.money[:, : setting.periods])
    return Spending(money * _open(scene.levels, setting), np.zeros((1, setting.grid.count), bool))


def rolled(scene: Scene, mandate: Mandate) -> Spending:
    """What a policy spends that plans the rest of the year anew, when its mandate says so.

    No policy spends more than the plan, whatever `at_most` would allow: all are measured with the same money.
    """
    setting, count = scene.setting, scene.setting.grid.count
    current = np.repeat(by_cell(mandate.planner.problem, _cells(setting))[None], scene.count, axis=0)
    money, seen = np.zeros((scene.count, setting.periods, len(setting.names))), _nothing(scene)
    anew, course = np.zeros((scene.count, count), bool), _as_planned(scene)
    reserve = mandate.whole.sum() / max(float(setting.money.sum()), TINY)
    for at in range(count):
        anew[:, at] = some = _decides(scene, mandate, at, (course, money), anew)
        if some.any():
            known = scene.known(None if mandate.policy == "foresight" else setting.grid.edges[at])
            cuts = _cuts(scene, mandate, at, money, known)
            told = _told(scene, mandate, at, (money, current, known), cuts)
            current[some, :, at:] = replanned(mandate.planner, at, chosen_paths(told, some))
            seen = _updated(seen, _seen(scene, known, cuts.pace), some)
            if mandate.policy == "trigger":
                course = _foretold(scene, mandate, at, (course, money, current, known, seen), some)
        inside = slice(setting.grid.edges[at], setting.grid.edges[at + 1])
        spare = np.where(anew.any(axis=1), 1.0, reserve)
        money[:, inside] = _spread(scene, mandate, (current[:, :, at], seen, spare), inside)
    return Spending(_within_budget(scene, mandate, money, seen), anew)


def _as_planned(scene: Scene) -> Course:
    """What the plan was to earn, without any surprise."""
    setting = scene.setting
    earns = earned(setting, scene.work, levels(setting, ()), setting.money[None], scene.count)
    return Course(earns, np.zeros(scene.count, int))


def _foretold(
    scene: Scene,
    mandate: Mandate,
    at: int,
    state: tuple[Course, np.ndarray, np.ndarray, Levels, "Seen"],
    some: Bool[np.ndarray, " path"],
) -> Course:
    """What the plans are to earn that some paths made at the beginning of a decision, as far as they know the world."""
    setting, (course, money, current, known, seen) = scene.setting, state
    edges = setting.grid.edges
    planned, world = money.copy(), replace(scene, levels=known)
    for later in range(at, setting.grid.count):
        inside = slice(edges[later], edges[later + 1])
        planned[:, inside] = _spread(world, mandate, (current[:, :, later], seen, np.ones(scene.count)), inside)
    return renewed(course, earned(setting, scene.work, known, planned, scene.count), edges[at], some)


def _within_budget(
    scene: Scene, mandate: Mandate, money: Float[np.ndarray, "path period channel"], seen: "Seen"
) -> Float[np.ndarray, "path period channel"]:
    """The money with the end of the last decision cut, where a cut came after more than its share was spent.

    It is taken from the last period backwards, and from none before the first that has less than was reckoned with.
    """
    setting, inside = scene.setting, slice(*scene.setting.grid.edges[-2:])
    there = scene.levels.money[:, : setting.periods]
    last, less = money[:, inside], there[:, inside] < seen.money[:, inside]
    fixed = np.minimum(committed_share(setting)[inside] * setting.money[inside], last)
    free = (last - fixed).sum(axis=2)
    short = money.sum(axis=(1, 2)) - there @ mandate.whole
    free = np.where(np.logical_or.accumulate(less, axis=1) | ~less.any(axis=1, keepdims=True), free, 0.0)
    later = free[:, ::-1].cumsum(axis=1)[:, ::-1] - free
    taken = np.clip(short[:, None] - later, 0.0, free)
    kept = (1 - taken / np.where(free > 0, free, 1.0))[:, :, None]
    money[:, inside] = np.where(kept < 1, fixed + (last - fixed) * kept, last)
    return money


class Seen(NamedTuple):
    """What a path's latest plan reckons with."""

    open: Float[np.ndarray, "path period channel"]
    money: Float[np.ndarray, "path period"]
    pace: Float[np.ndarray, "path period"]  # of money beside that of other periods of the same decision


def _nothing(scene: Scene) -> Seen:
    """Nothing but what the plan knows."""
    return _seen(scene, levels(scene.setting, ()), np.ones((1, scene.setting.periods)))


def _seen(scene: Scene, known: Levels, pace: Float[np.ndarray, "#path period"]) -> Seen:
    setting, count = scene.setting, scene.count
    told = _open(known, setting), known.money[:, : setting.periods], pace
    return Seen(*(np.broadcast_to(each, (count, *each.shape[1:])) for each in told))


def _updated(seen: Seen, news: Seen, some: Bool[np.ndarray, " path"]) -> Seen:
    return Seen(
        *(np.where(some.reshape(-1, *[1] * (new.ndim - 1)), new, old) for new, old in zip(news, seen, strict=True))
    )


def committed_share(setting: Setting) -> Float[np.ndarray, "period channel"]:
    """The share of the plan's money that is committed, by period."""
    found, channels = np.zeros_like(setting.money), setting.curves.channels
    alone = [(np.arange(len(channels)) == at, rules_of(one, setting.scenario)) for at, one in enumerate(channels)]
    wholes = [(parts, rules) for _, parts, rules in wholes_of(setting.curves, setting.scenario)]
    for own, rules in (*alone, *wholes):
        for number, amount in enumerate(rules.committed):
            inside = [place for place, unit in enumerate(setting.grid.units) if unit == number]
            rows = slice(setting.grid.edges[inside[0]], setting.grid.edges[inside[-1] + 1])
            share = min(1.0, amount / max(float(setting.money[rows, own].sum()), TINY))
            found[rows, own] = np.maximum(found[rows, own], share)
    return found


def _open(world: Levels, setting: Setting) -> Float[np.ndarray, "path period channel"]:
    return np.stack(np.broadcast_arrays(*(level[:, : setting.periods] for level in world.open)), axis=2)


def _cut(
    setting: Setting, planned: Float[np.ndarray, "#path period channel"], there: Level
) -> Float[np.ndarray, "path period channel"]:
    """Planned money where only a share of it is there: what is committed, and the rest in proportion."""
    fixed = planned * committed_share(setting)
    total, bound = planned.sum(axis=2), fixed.sum(axis=2)
    left = np.maximum(there * total - bound, 0.0) / np.maximum(total - bound, TINY)
    return fixed + (planned - fixed) * np.where(there == 1, 1.0, left)[:, :, None]


def _cells(setting: Setting) -> Float[np.ndarray, " cell"]:
    return np.add.reduceat(setting.money, setting.grid.edges[:-1], axis=0).T.ravel()


def _decides(
    scene: Scene,
    mandate: Mandate,
    at: int,
    state: tuple[Course, Float[np.ndarray, "path period channel"]],
    anew: Bool[np.ndarray, "path decision"],
) -> Bool[np.ndarray, " path"]:
    """The paths on which the rest is planned anew at the beginning of a decision."""
    setting, every = scene.setting, np.ones(scene.count, bool)
    if mandate.policy == "foresight":
        return every if at == 0 else ~every
    if at == 0:  # what is known on the first day is planned for; the others wait for what comes in
        return every & _is_told(scene.known(0)) if mandate.policy == "replan" else ~every
    if mandate.policy == "replan":
        return every
    course, money = state
    gone = pace(course, earned(setting, scene.work, scene.levels, money, scene.count), setting.grid.edges[at])
    if mandate.policy == "trigger":
        return np.abs(gone - 1) > mandate.band
    last = at == setting.grid.count - 1  # what is held back is released once
    return ~anew.any(axis=1) & ((gone < 1 - mandate.band) | last)


def _is_told(known: Levels) -> Bool[np.ndarray, " #path"]:
    """The paths on which something is known that the plan does not reckon with."""
    worlds = (*known.had, *known.effect, *known.open, known.money)
    return np.any(np.broadcast_arrays(*((level != 1).any(axis=1) for level in worlds)), axis=0)


def _told(scene: Scene, mandate: Mandate, at: int, state: tuple[np.ndarray, np.ndarray, Levels], cuts: Cuts) -> Known:
    """What is known on each path at the beginning of a decision, and all the money, for what was held back is free."""
    setting, (money, current, known) = scene.setting, state
    edges = setting.grid.edges
    had = np.stack(np.broadcast_arrays(*(level[:, : setting.periods] for level in known.had)), axis=2)
    spent, bought = (np.add.reduceat(each, edges[:-1], axis=1)[:, :at].swapaxes(1, 2) for each in (money, money * had))
    opened, binding = _open(known, setting), cuts.inside.shape[1] > 0
    share = _shares(mandate.planner, opened * cuts.pace[:, :, None])
    most, among = _quarters(scene, mandate, at, spent.sum(axis=1), known)
    into = charged(cuts.inside, share, edges, at)
    return Known(
        spent=spent,
        bought=bought,
        current=current[:, :, at:],
        total=np.broadcast_to(known.money[:, : setting.periods] @ mandate.whole, scene.count),
        most=most,
        among=among,
        had=_by_decision(setting, share, known.had, scene.count)[:, :, at:],
        effect=_by_span(scene, mandate.planner, known, at),
        open=_opened(scene, _shares(mandate.planner, opened))[:, :, at:],
        fixed=_fixed(setting, at),
        opened=_opened(scene, _shares(mandate.planner, _open(scene.levels, setting)))[:, :, :at],
        cuts=cuts.left if binding else None,
        charged=np.broadcast_to(into, (scene.count, *into.shape[1:])) if binding else None,
    )


def _cuts(
    scene: Scene, mandate: Mandate, at: int, money: Float[np.ndarray, "path period channel"], known: Levels
) -> Cuts:
    """What cuts leave from a decision on, as far as they are known."""
    setting, begin, inside = scene.setting, scene.setting.grid.edges[at], cuts_of(scene.setting, known)
    if not inside.shape[1]:
        return Cuts(inside, np.zeros((scene.count, 0)), np.ones((1, setting.periods)))
    there, spent = known.money[:, : setting.periods] * mandate.whole, money.sum(axis=2)
    left = left_of(inside, there, spent, begin)
    outside = there.sum(axis=1) - spent[:, :begin].sum(axis=1) - np.where(np.isfinite(left), left, 0.0).sum(axis=1)
    planned = (setting.money * _open(known, setting)).sum(axis=2) * (np.arange(setting.periods) >= begin)
    return Cuts(inside, left, pace_of(setting, inside, (left, outside), planned))


def _quarters(
    scene: Scene, mandate: Mandate, at: int, spent: Float[np.ndarray, "path over"], known: Levels
) -> tuple[Float[np.ndarray, "path limit"], Bool[np.ndarray, "limit decision"]]:
    """What can be spent in each quarter to come, where quarters have money of their own, and its decisions."""
    setting, quarter = scene.setting, np.array(scene.setting.grid.quarters)
    if setting.scenario.budget.quarters is None:
        return np.zeros((scene.count, 0)), np.zeros((0, setting.grid.count - at), bool)
    every = np.add.reduceat(known.money[:, : setting.periods] * mandate.whole, setting.grid.edges[:-1], axis=1)
    within = np.unique(quarter[at:])[:, None] == quarter  # a quarter's money may move among its months
    left = every @ within.T - spent @ within[:, :at].T
    return np.maximum(left, 0.0), within[:, at:]


def _opened(
    scene: Scene, share: Float[np.ndarray, "#path channel period"]
) -> Float[np.ndarray, "path channel decision"]:
    """The share of each decision's money that has open dates; just 1 but for rounding where all have."""
    found = np.add.reduceat(share, scene.setting.grid.edges[:-1], axis=2)
    found = np.where(found > 1 - WHOLE, 1.0, found)
    return np.broadcast_to(found, (scene.count, *found.shape[1:]))


def _shares(
    plan: Planner, opened: Float[np.ndarray, "path period channel"]
) -> Float[np.ndarray, "path channel period"]:
    """How money is spread over the periods that are open, not yet scaled to 1 in each decision."""
    pattern = np.array([way.pace.sum(axis=0) for way in plan.problem.ways])
    found: Float[np.ndarray, "path channel period"] = pattern * opened.swapaxes(1, 2)
    return found


def _by_decision(
    setting: Setting, share: Float[np.ndarray, "#path channel period"], had: tuple[Level, ...], count: int
) -> Float[np.ndarray, "path channel decision"]:
    """Contacts per unit of money by decision."""
    every = np.stack(np.broadcast_arrays(*(level[:, : setting.periods] for level in had)), axis=1)
    edges = setting.grid.edges[:-1]
    bought, whole = (np.add.reduceat(part, edges, axis=2) for part in (share * every, share))
    plain = np.add.reduceat(every, edges, axis=2) / setting.grid.lengths
    found = np.where(whole > 0, bought / np.maximum(whole, TINY), plain)
    return np.broadcast_to(found, (count, *found.shape[1:]))


def _by_span(scene: Scene, plan: Planner, known: Levels, at: int) -> Float[np.ndarray, "path channel span"]:
    """What contacts bring by span to come, rows weighed by what the plan earns in them."""
    setting = scene.setting
    spans, usual = setting.spans[at:], np.maximum(plan.rows, 0.0).T + TINY
    every = np.stack(np.broadcast_arrays(*known.effect), axis=1)
    found = np.add.reduceat(every * usual, spans, axis=2) / np.add.reduceat(usual, spans, axis=1)
    return np.broadcast_to(found, (scene.count, *found.shape[1:]))


def _fixed(setting: Setting, at: int) -> Bool[np.ndarray, "channel decision"]:
    """Where notice forbids to change what is planned so far."""
    begins = np.array(setting.grid.edges[at:-1])
    notice = np.array([setting.planned.stress.notice.get(name, 0) for name in setting.names])
    return begins[None] < setting.grid.edges[at] + notice[:, None]


def _spread(
    scene: Scene,
    mandate: Mandate,
    state: tuple[Float[np.ndarray, "path channel"], Seen, Float[np.ndarray, " path"]],
    inside: slice,
) -> Float[np.ndarray, "path period channel"]:
    """The money of one decision by period: on the dates that are open, and cut where less is there than was known.

    Args:
        scene: The paths.
        mandate: What the policy goes by.
        state: Money of the decision, what the plan reckons with, and the money there is beside what is planned.
        inside: The periods of the decision.
    """
    setting, (decided, seen, spare) = scene.setting, state
    share = _shares(mandate.planner, seen.open * seen.pace[:, :, None])[:, :, inside]
    share = share / np.maximum(share.sum(axis=2, keepdims=True), TINY)
    money = (decided[:, :, None] * share).swapaxes(1, 2)
    money = money * np.minimum(1.0, _open(scene.levels, setting)[:, inside] / np.maximum(seen.open[:, inside], TINY))
    there, reckoned = scene.levels.money[:, : setting.periods][:, inside], seen.money[:, inside]
    left = np.minimum(1.0, there / np.maximum(reckoned, TINY) * spare[:, None])[:, :, None]
    fixed = np.minimum(committed_share(setting)[inside] * setting.money[inside], money)
    total, bound = money.sum(axis=2, keepdims=True), fixed.sum(axis=2, keepdims=True)
    news = (scene.levels.cut[:, : setting.periods][:, inside] > 0) & (there < 1) & (reckoned >= 1)
    own = np.where(news, there * mandate.whole[inside], np.inf)[:, :, None]  # of a cut that ends, money of its weeks
    amount = np.minimum(left * total, own)
    kept = np.where(amount < total, np.maximum(amount - bound, 0.0) / np.maximum(total - bound, TINY), 1.0)
    found: Float[np.ndarray, "path period channel"] = fixed + (money - fixed) * kept
    return found
