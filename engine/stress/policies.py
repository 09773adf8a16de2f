"""Policies: what is spent on each path of shocks, decision by decision, by who only knows what is known then.

`hold` spends as planned until the money is gone. `trim` cuts in proportion what is not committed. `replan` plans the
rest of the year anew at the beginning of each decision, of the first one where something is known by then. `trigger`
does so where what was earned so far has left a band around the plan. `reserve` starts from a plan with less money,
which meets cuts first, and spends what it held back once the band is left downwards, or with the last decision.
`foresight` knows every shock from the first day, though not which draw is true: what others lack to it is their regret.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from engine.optimize.over_time.several import by_cell
from engine.optimize.selecting import rules_of, wholes_of
from engine.stress.levels import Level, Levels, levels
from engine.stress.play import outcomes
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
    usual: Float[np.ndarray, "row channel"]  # what the plan earns without shocks, in the mean of all draws
    count: int


@dataclass(frozen=True)
class Terms:
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
        share[:, row] = np.where(cut[:, row], np.clip(pool / np.maximum(each[:, row], TINY), 0.0, 1.0), 1.0)
        pool = pool - np.where(cut[:, row], share[:, row] * each[:, row], 0.0)
    return Spending(committed + free * share[:, :, None], np.zeros((1, setting.grid.count), bool))


def trimmed(scene: Scene) -> Spending:
    """The plan, with what is not committed cut in proportion to the money that there is."""
    setting = scene.setting
    money = _cut(setting, setting.money[None], scene.levels.money[:, : setting.periods])
    return Spending(money * _open(scene.levels, setting), np.zeros((1, setting.grid.count), bool))


def rolled(scene: Scene, terms: Terms) -> Spending:
    """What a policy spends that plans the rest of the year anew, when its terms say so.

    No policy spends more than the plan, whatever `at_most` would allow: all are measured with the same money.
    """
    scene = replace(scene, usual=terms.planner.rows)
    setting, count = scene.setting, scene.setting.grid.count
    current = np.repeat(by_cell(terms.planner.problem, _cells(setting))[None], scene.count, axis=0)
    money, seen = np.zeros((scene.count, setting.periods, len(setting.names))), _nothing(scene)
    anew, released = np.zeros((scene.count, count), bool), np.zeros(scene.count, bool)
    reserve = terms.whole.sum() / max(float(setting.money.sum()), TINY)
    for at in range(count):
        anew[:, at] = _decides(scene, terms, at, money, released)
        released |= anew[:, at]
        if anew[:, at].any():
            known = scene.known(None if terms.policy == "foresight" else setting.grid.edges[at])
            told = _told(scene, terms, at, (money, current, known, released))
            current[anew[:, at], :, at:] = replanned(terms.planner, at, chosen_paths(told, anew[:, at]))
            seen = _updated(seen, _seen(scene, known), anew[:, at])
        inside = slice(setting.grid.edges[at], setting.grid.edges[at + 1])
        spare = np.where(released, 1.0, reserve)
        money[:, inside] = _spread(scene, terms.planner, (current[:, :, at], seen, spare), inside)
    return Spending(_within_budget(scene, terms, money), anew)


def _within_budget(
    scene: Scene, terms: Terms, money: Float[np.ndarray, "path period channel"]
) -> Float[np.ndarray, "path period channel"]:
    """The money with the last decision cut to what is left, where a cut came after more than its share was spent."""
    setting, inside = scene.setting, slice(*scene.setting.grid.edges[-2:])
    allowed = scene.levels.money[:, : setting.periods] @ terms.whole
    last = money[:, inside]
    fixed = np.minimum(committed_share(setting)[inside] * setting.money[inside], last)
    free, bound = (last - fixed).sum(axis=(1, 2)), fixed.sum(axis=(1, 2))
    left = allowed - (money.sum(axis=(1, 2)) - last.sum(axis=(1, 2))) - bound
    kept = np.clip(left / np.maximum(free, TINY), 0.0, 1.0)[:, None, None]
    money[:, inside] = np.where(kept < 1, fixed + (last - fixed) * kept, last)
    return money


class Seen(NamedTuple):
    """What a path's latest plan reckons with."""

    open: Float[np.ndarray, "path period channel"]
    money: Float[np.ndarray, "path period"]


def _nothing(scene: Scene) -> Seen:
    """Nothing but what the plan knows."""
    return _seen(scene, levels(scene.setting, ()))


def _seen(scene: Scene, known: Levels) -> Seen:
    periods = scene.setting.periods
    opened, money = _open(known, scene.setting), known.money[:, :periods]
    return Seen(
        np.broadcast_to(opened, (scene.count, *opened.shape[1:])), np.broadcast_to(money, (scene.count, periods))
    )


def _updated(seen: Seen, news: Seen, some: Bool[np.ndarray, " path"]) -> Seen:
    return Seen(np.where(some[:, None, None], news.open, seen.open), np.where(some[:, None], news.money, seen.money))


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
    terms: Terms,
    at: int,
    money: Float[np.ndarray, "path period channel"],
    released: Bool[np.ndarray, " path"],
) -> Bool[np.ndarray, " path"]:
    """The paths on which the rest is planned anew at the beginning of a decision."""
    setting, every = scene.setting, np.ones(scene.count, bool)
    if terms.policy == "foresight":
        return every if at == 0 else ~every
    if at == 0:  # what is known on the first day is planned for; the others wait for what comes in
        return every & _is_told(scene.known(0)) if terms.policy == "replan" else ~every
    if terms.policy == "replan":
        return every
    gone = pace(scene, money, setting.grid.edges[at])
    if terms.policy == "trigger":
        return np.abs(gone - 1) > terms.band
    last = at == setting.grid.count - 1
    return ~released & ((gone < 1 - terms.band) | last)


def _is_told(known: Levels) -> Bool[np.ndarray, " #path"]:
    """The paths on which something is known that the plan does not reckon with."""
    worlds = (*known.had, *known.effect, *known.open, known.money)
    return np.any(np.broadcast_arrays(*((level != 1).any(axis=1) for level in worlds)), axis=0)


def pace(scene: Scene, money: Float[np.ndarray, "path period channel"], row: int) -> Float[np.ndarray, " path"]:
    """What a path earned before a row as a multiple of what the plan was to earn by then in the mean of all draws.

    Before anybody has to sell it: the leads, not the sales, are watched.
    """
    came = outcomes(scene.setting, scene.work, scene.levels, money)[:, :row].sum(axis=(1, 2))
    plan = scene.usual[:row].sum()
    return came / max(plan, TINY) if plan > 0 else np.ones(scene.count)


def _told(
    scene: Scene,
    terms: Terms,
    at: int,
    state: tuple[np.ndarray, np.ndarray, Levels, Bool[np.ndarray, " path"]],
) -> Known:
    """What is known on each path at the beginning of a decision."""
    setting, (money, current, known, released) = scene.setting, state
    edges = setting.grid.edges
    had = np.stack(np.broadcast_arrays(*(level[:, : setting.periods] for level in known.had)), axis=2)
    there = known.money[:, : setting.periods]
    total = np.broadcast_to(there @ terms.whole, scene.count)
    total = np.where(released, total, np.minimum(total, setting.money.sum()))
    most = np.add.reduceat(there * terms.whole, edges[at:-1], axis=1)
    by_quarter = setting.scenario.budget.quarters is not None
    cut = np.maximum.reduceat(known.cut[:, : setting.periods], edges[at:-1], axis=1) > 0
    share = _shares(terms.planner, _open(known, setting))
    return Known(
        spent=np.add.reduceat(money, edges[:-1], axis=1)[:, :at].swapaxes(1, 2),
        bought=np.add.reduceat(money * had, edges[:-1], axis=1)[:, :at].swapaxes(1, 2),
        current=current[:, :, at:],
        total=total,
        most=np.broadcast_to(np.where(cut | by_quarter, most, np.inf), (scene.count, setting.grid.count - at)),
        had=_by_decision(setting, share, known.had, scene.count)[:, :, at:],
        effect=_by_span(scene, known, at),
        open=_opened(scene, share)[:, :, at:],
        fixed=_fixed(setting, at),
        opened=_opened(scene, _shares(terms.planner, _open(scene.levels, setting)))[:, :, :at],
    )


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


def _by_span(scene: Scene, known: Levels, at: int) -> Float[np.ndarray, "path channel span"]:
    """What contacts bring by span to come, rows weighed by what the plan earns in them."""
    setting = scene.setting
    spans, usual = setting.spans[at:], np.maximum(scene.usual, 0.0).T + TINY
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
    plan: Planner,
    state: tuple[Float[np.ndarray, "path channel"], Seen, Float[np.ndarray, " path"]],
    inside: slice,
) -> Float[np.ndarray, "path period channel"]:
    """The money of one decision by period: on the dates that are open, and cut where less is there than was known.

    Args:
        scene: The paths.
        plan: Who planned.
        state: Money of the decision, what the plan reckons with, and the money there is beside what is planned.
        inside: The periods of the decision.
    """
    setting, (decided, seen, spare) = scene.setting, state
    share = _shares(plan, seen.open)[:, :, inside]
    share = share / np.maximum(share.sum(axis=2, keepdims=True), TINY)
    money = (decided[:, :, None] * share).swapaxes(1, 2)
    money = money * np.minimum(1.0, _open(scene.levels, setting)[:, inside] / np.maximum(seen.open[:, inside], TINY))
    there = scene.levels.money[:, : setting.periods][:, inside] / np.maximum(seen.money[:, inside], TINY)
    left = np.minimum(1.0, there * spare[:, None])[:, :, None]
    fixed = np.minimum(committed_share(setting)[inside] * setting.money[inside], money)
    total, bound = money.sum(axis=2, keepdims=True), fixed.sum(axis=2, keepdims=True)
    kept = np.where(left < 1, np.maximum(left * total - bound, 0.0) / np.maximum(total - bound, TINY), 1.0)
    found: Float[np.ndarray, "path period channel"] = fixed + (money - fixed) * kept
    return found
