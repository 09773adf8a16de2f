"""The best plan of several decisions, with its bound.

Rules across channels speak of totals over the horizon. So each channel's best course of every total is tabulated (see
`totals`), the totals are found as for one split, and from the plan that they make an ascent (see `ascent`) leads to the
top. Tables are made anew around it until plan and bound meet. Rules that tell decisions of several channels apart are
priced in the tables at what they cost the plan (Lagrange), and kept by the ascent.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from engine.optimize.closeness import CERTIFIED, ROUNDING
from engine.optimize.conflict.feasible import kept
from engine.optimize.over_time.alternatives import exchanged
from engine.optimize.over_time.ascent import nearest, shadow_prices, summit
from engine.optimize.over_time.certificate import Tables, least_share, measured, proven
from engine.optimize.over_time.columns import Column, mixed
from engine.optimize.over_time.course import bent, even_draws, means, thinned
from engine.optimize.over_time.several import (
    at_one_pace,
    by_cell,
    chances,
    flat,
    gross,
    is_flat,
    mean_value,
    own_rows,
    spread_over_time,
)
from engine.optimize.over_time.shapes import Shapes, shapes
from engine.optimize.over_time.totals import View, bends_upwards, tabled
from engine.optimize.rule import Rule
from engine.optimize.rules import USUAL, Problem, broken, channel_limits
from engine.optimize.side_by_side import each
from engine.optimize.solve import Memory, Solved, routed, solve
from engine.optimize.tables import Payoff
from engine.response.curves import chosen

PASSES = 5  # most times that tables are made
CLOSE = 3e-4  # relative gap at which the search ends
KEPT = 2  # latest plans around which tables are made, beside the best one
PROMISING = 2  # starts from which hills are climbed
HILLS = (0.05, 0.2, 1.0)  # parts of a plan's money at which a channel's mean outcome is looked at
SMALL = 0.1  # of the mean cell's money: channels with less are looked at there
REFUTED = 1e-6  # of a plan's worth: a bound that is further below it is wrong
DUST = 1e-6  # of the mean cell's money
ROUGH = 64  # draws on which the first search goes, where there are many more

Ranked = list[tuple[float, np.ndarray]]  # plans that keep the rules and what they are worth, the best first


@dataclass(frozen=True)
class Frame:
    """What all searches of one question share."""

    question: Problem  # of totals
    shapes: tuple[Shapes, ...]  # of each channel's courses
    limits: tuple[Float[np.ndarray, " channel"], Float[np.ndarray, " channel"]]  # of totals [currency]
    bent: tuple[bool, ...]  # channels of which some curve bends upwards
    special: tuple[int, ...]  # rules that tell decisions of several channels apart


@dataclass(frozen=True)
class Reached:
    """What a search has reached."""

    plans: Ranked
    bound: float
    inner: str  # how the totals were found
    tables: Tables  # the last ones
    prices: Float[np.ndarray, " rule"]  # at which they were made
    proven: bool  # whether the bound is a proof


def solved(problem: Problem, memory: Memory, starts: tuple[np.ndarray, ...] = ()) -> Solved | None:
    """The best plan of several decisions by cell; None where no plan is found that keeps the rules."""
    if np.any(problem.lower > problem.upper * (1 + ROUNDING)):
        return None
    frame = framed(problem)
    if frame is None:
        return None
    rough = _on_few_draws(problem)
    simple = solve(_within(flat(rough), np.array(frame.limits)) if rough else frame.question, memory)
    if simple is None:
        return None
    some = kept(problem.rules) if problem.flight.any() else None  # sides of minimum flights that fit together
    starts = (*starts, problem.lower) if some is None else (*starts, problem.lower, some)
    first = [spread_over_time(problem, simple.spend), *starts]
    hills = bool(frame.special) or problem.flight.any() or _has_hills(rough or problem, frame, first[0])
    first += _at_one_pace(problem, rough or problem, simple.spend) if hills else []
    first = _promising(rough or problem, first) if hills else first
    found = None if rough is None else _on_hills(rough, frame, first) if hills else _on_the_hill(rough, frame, first)
    first = [spend for _, spend in found.plans[:1]] if found and found.plans else first
    at_once = _proven_at_once(problem, frame, found, first)
    again = _on_hills if hills and rough is None else _searched
    found = at_once if at_once and at_once.proven else again(problem, frame, first)
    if found is None or not found.plans:
        return None
    if problem.effort and not _is_certain(problem, found) and (at_once is None or _is_news(found, at_once)):
        found = _certified(problem, frame, found)
    for start in starts:  # never worse than a plan that is known
        found = replace(
            found, plans=_joined(problem, found.plans, [start] if _is_better(problem, start, found) else [])
        )
    return _answer(problem, frame, found)


def _answer(problem: Problem, frame: Frame, found: Reached) -> Solved:
    """What was reached as an answer; a bound below a plan that keeps every rule proves nothing."""
    spend = _tidy(problem, found.plans[0][1])
    value = mean_value(problem, spend)
    least, most = least_share(problem), gross(problem)  # estimates can be above even that
    if found.bound < value - REFUTED * max(abs(value), least * most):
        found = replace(found, proven=False)
    told = _told(problem, frame.bent, found)
    return Solved(spend, value, max(min(found.bound, most), value), told, most, least, found.proven)


def _promising(problem: Problem, starts: list[Float[np.ndarray, " cell"]]) -> list[Float[np.ndarray, " cell"]]:
    """The best starts by what they are worth where they keep the rules; all where too few can."""
    near = (start if not broken(problem, start) else nearest(problem, start) for start in starts)
    plans = _ranked([(mean_value(problem, one), one) for one in near if one is not None])
    return [spend for _, spend in plans[:PROMISING]] if len(plans) >= PROMISING else starts


def _has_hills(problem: Problem, frame: Frame, spend: Float[np.ndarray, " cell"]) -> bool:
    """Whether the mean outcome of some channel bends upwards at a plan, or at parts of it."""
    odds, money = chances(problem), by_cell(problem, np.maximum(spend, SMALL * spend.mean()))
    places = [(problem.courses[at], part * money[at]) for at in np.flatnonzero(frame.bent) for part in HILLS]
    turns = each(lambda place: bent(*place, odds)[2], places)
    return bool(places) and bool(np.linalg.eigvalsh(np.array(turns)).max() > 0)


def _on_hills(problem: Problem, frame: Frame, first: list[Float[np.ndarray, " cell"]]) -> Reached | None:
    """What a search reaches, and exchanges of courses after it."""
    found = _searched(problem, frame, first)
    if found is None or not found.plans:
        return found
    other = exchanged(problem, frame.shapes, found.plans[0][1])
    return replace(found, plans=_ranked([(mean_value(problem, other), other), *found.plans]))


def _on_the_hill(problem: Problem, frame: Frame, first: list[Float[np.ndarray, " cell"]]) -> Reached:
    """The top of the one hill that there is where no mean outcome bends upwards."""
    views, constant = _views(problem, frame, np.zeros(len(problem.rules)))
    tables = Tables(views, (), constant)
    plans = _joined(problem, [], first[:1]) or _joined(problem, [], first[1:])
    return Reached(plans, np.inf, "", tables, np.zeros(len(problem.rules)), False)


def _proven_at_once(
    problem: Problem, frame: Frame, rough: Reached | None, first: list[Float[np.ndarray, " cell"]]
) -> Reached | None:
    """The hill of a plan of few draws, and whether it is proven to be the highest; None where it was not tried."""
    if rough is None or not problem.effort:
        return None
    plans = _joined(problem, [], first)
    if not plans:
        return None
    return _certified(problem, frame, replace(rough, plans=plans, proven=False))


def _is_certain(problem: Problem, found: Reached) -> bool:
    """Whether a proof shows that the plan is as good as the best."""
    return found.proven and found.bound - found.plans[0][0] <= CERTIFIED * measured(problem, found.bound)


def _is_news(found: Reached, before: Reached) -> bool:
    """Whether a plan is so much better than an earlier one that a proof may be nearer, or much may be done for it."""
    return found.plans[0][0] > before.plans[0][0] + CLOSE * abs(before.plans[0][0])


def _certified(problem: Problem, frame: Frame, found: Reached) -> Reached:
    """What was reached, with a proof as its bound where that is near enough, or where it was asked for."""
    plans, (views, constant) = found.plans, _views(problem, frame, found.prices)
    tables = Tables(views, found.tables.known, constant)
    for _ in range(2):  # the totals behind the proof may lead to a better plan
        prices = found.prices if frame.special else shadow_prices(problem, plans[0][1])
        proof = proven(problem, frame.question, tables, plans[0], prices)
        if proof is None or proof.bound - plans[0][0] <= CERTIFIED * abs(proof.bound):
            break
        news = _joined(problem, [], [proof.courses])
        if not news or news[0][0] <= plans[0][0] + CLOSE * abs(plans[0][0]):
            break
        plans = _ranked([*news, *plans])
    if proof is None:
        return replace(found, plans=plans)
    bound = min(proof.bound, found.bound) if found.proven else proof.bound
    sure = replace(found, plans=plans, bound=bound, inner=found.inner or "linear program", proven=True)
    return sure if found.proven or _is_certain(problem, sure) or problem.effort > USUAL else replace(found, plans=plans)


def _at_one_pace(
    problem: Problem, rough: Problem, split: Float[np.ndarray, " channel"]
) -> list[Float[np.ndarray, " cell"]]:
    """The best plan at one pace throughout, as a start: more decisions are then never worse than one."""
    if problem.decisions == 1 or (problem.grid and problem.grid.over):
        return []
    alike = at_one_pace(rough)
    frame = framed(alike)
    found = _searched(alike, frame, [split]) if frame else None
    return [spread_over_time(problem, found.plans[0][1])] if found and found.plans else []


def framed(problem: Problem) -> Frame | None:
    """What all searches share; None where a channel's own rules cannot be kept together."""
    low, high, flight = (by_cell(problem, side) for side in (problem.lower, problem.upper, problem.flight))
    rows, limits = own_rows(problem), np.array(channel_limits(problem))
    if np.any(limits[0] > limits[1] * (1 + ROUNDING)):
        return None
    channels = range(len(problem.names))
    held = tuple(
        shapes(low[channel], high[channel], rows[channel], flight[channel], float(limits[1, channel]))
        for channel in channels
    )
    ends = [one.totals(*limits[:, channel].tolist()) for channel, one in enumerate(held)]
    found = np.array([(np.nan, np.nan) if end is None else end for end in ends]).T
    lightest = np.array([one.lightest if one.flight.any() else 0.0 for one in held])
    found[0] = np.where(found[0] > 0, np.maximum(found[0], lightest), found[0])  # what must spend must fly
    if np.isnan(found).any() or np.any(found[0] > found[1] * (1 + ROUNDING)):
        return None
    found[1] = np.maximum(found[0], found[1])  # they may differ by a rounding
    bent = tuple(bends_upwards(problem, channel) for channel in channels)
    special = tuple(at for at, rule in enumerate(problem.rules) if is_special(problem, rule))
    return Frame(_within(flat(problem), found), held, (found[0], found[1]), bent, special)


def _within(question: Problem, limits: Float[np.ndarray, "2 channel"]) -> Problem:
    """The question of totals, with the limits that the channels' own rules by decision leave."""
    units = np.eye(len(question.names))
    rules = [
        Rule(f"what {name} can be", unit, *ends)
        for name, unit, ends in zip(question.names, units, limits.T.tolist(), strict=True)
    ]
    return replace(question, rules=(*question.rules, *rules))


def _is_better(problem: Problem, start: Float[np.ndarray, " cell"], found: Reached) -> bool:
    return not broken(problem, start) and mean_value(problem, start) > found.plans[0][0]


def _searched(problem: Problem, frame: Frame, first: list[Float[np.ndarray, " cell"]]) -> Reached | None:
    """Tables and ascents in turn, until plan and bound meet; None where no totals keep the rules."""
    plans, bound, inner = _joined(problem, [], first), np.inf, ""
    latest, columns = plans, list[Column]()
    prices = shadow_prices(problem, plans[0][1]) if frame.special and plans else np.zeros(len(problem.rules))
    for _ in range(PASSES):
        tables, used = tables_of(problem, frame, [*plans[:1], *latest], prices), prices
        known = tables.known
        found, inner = routed(frame.question, [one.table for one in known])
        if found is None:
            return None
        bound = min(bound, found.bound + tables.constant) if frame.special else found.bound + tables.constant
        if plans and _meet(bound, plans[0][0]):
            break
        spends = [np.concatenate([one.money(total) for one, total in zip(known, found.spend.tolist(), strict=True)])]
        if frame.special:
            columns += _columns(problem, tables, latest)
            mixture = mixed(problem, columns)
            spends += [mixture.spend, mixture.main] if mixture else []
            prices = mixture.prices if mixture else prices
        news = _joined(problem, [], spends)
        plans, latest = _ranked([*plans, *news]), [*news, *latest][:KEPT]
        if plans and _meet(bound, plans[0][0]):
            break
    return Reached(plans, bound, inner, tables, used, not any(frame.bent))


def _on_few_draws(problem: Problem) -> Problem | None:
    """The question on some of its draws; None where there are not many more."""
    draws = problem.courses[0].draws
    if draws < 2 * ROUGH:
        return None
    ways = tuple(replace(way, course=thinned(way.course, ROUGH)) for way in problem.ways)
    some, odds = even_draws(draws, ROUGH), problem.payoffs[0].odds
    few = None if odds is None or not odds[some].sum() else odds[some] / odds[some].sum()
    return replace(problem, ways=ways, payoffs=tuple(_on_some(payoff, some, few) for payoff in problem.payoffs))


def _on_some(payoff: Payoff, some: Int[np.ndarray, " few"], odds: Float[np.ndarray, " few"] | None) -> Payoff:
    """The payoff on some of its draws."""
    timing = payoff.timing
    offset = timing.offset if isinstance(timing.offset, float) else timing.offset[:, some]
    fewer = replace(timing, gain=timing.gain[:, some], offset=offset)
    return replace(payoff, channel=chosen(payoff.channel, some), timing=fewer, odds=odds)


def _tidy(problem: Problem, spend: Float[np.ndarray, " cell"]) -> Float[np.ndarray, " cell"]:
    """The plan with nothing where a solver's tolerance left next to nothing."""
    money = problem.budget.high if np.isfinite(problem.budget.high) else float(spend.sum())
    tidy = np.where(spend < DUST * money / len(spend), 0.0, spend)
    return spend if broken(problem, tidy) else tidy


def _meet(bound: float, value: float) -> bool:
    """Whether a plan is worth as much as its bound; a bound below the plan was a wrong estimate and is made anew."""
    return abs(bound - value) <= CLOSE * abs(bound)


def _joined(problem: Problem, plans: Ranked, spends: list[Float[np.ndarray, " cell"]]) -> Ranked:
    """The best plans so far, with what is at the top of the hills near some spends, which need not keep the rules."""
    found = list(plans)
    for spend in spends:
        top = summit(problem, spend)
        for grounded in (True, False) if top is None and problem.flight.any() else ():
            top = summit(problem, _flown(problem, spend, grounded)) if top is None else top
        if top is not None:
            found.append((top.value, top.spend))
    return _ranked(found)


def _flown(problem: Problem, spend: Float[np.ndarray, " cell"], grounded: bool) -> Float[np.ndarray, " cell"]:
    """A spend with every channel of a minimum flight on one side of it in all decisions: on the ground, or flying."""
    money, flight = by_cell(problem, spend), by_cell(problem, problem.flight)
    low = grounded & (money.sum(axis=1) < flight.sum(axis=1) / 2)
    return np.where(low[:, None] & (flight > 0), 0.0, np.maximum(money, flight)).ravel()


def _ranked(plans: Ranked) -> Ranked:
    """The best plan first."""
    return sorted(plans, key=lambda plan: -plan[0])


def tables_of(problem: Problem, frame: Frame, plans: Ranked, prices: Float[np.ndarray, " rule"]) -> Tables:
    """A table for each channel, around the courses of some plans."""
    views, constant = _views(problem, frame, prices)
    known = each(lambda view: tabled(view, [by_cell(problem, spend)[view.channel] for _, spend in plans]), views)
    return Tables(views, tuple(known), constant)


def _views(problem: Problem, frame: Frame, prices: Float[np.ndarray, " rule"]) -> tuple[tuple[View, ...], float]:
    """Each channel as its courses are looked at, and what priced rules add to the bound."""
    costs, constant = _priced(problem, frame, prices)
    views = tuple(
        View(problem, channel, shapes, (low, high), way.cost + cost, bent)
        for channel, (shapes, low, high, way, cost, bent) in enumerate(
            zip(frame.shapes, *np.array(frame.limits).tolist(), problem.ways, costs, frame.bent, strict=True)
        )
    )
    return views, constant


def _priced(
    problem: Problem, frame: Frame, prices: Float[np.ndarray, " rule"]
) -> tuple[Float[np.ndarray, "channel decision"], float]:
    """What rules that tell decisions of several channels apart cost a unit of money, and their limits' worth."""
    costs, constant = np.zeros((len(problem.names), problem.decisions)), 0.0
    for at in frame.special:
        rule, price = problem.rules[at], float(prices[at])
        limit = rule.high if price > 0 else rule.low
        if price and np.isfinite(limit):
            costs += price * by_cell(problem, rule.weights)
            constant += price * limit
    return costs, constant


def _columns(problem: Problem, tables: Tables, plans: Ranked) -> list[Column]:
    """The courses that tables and plans know, worth what they are without priced rules."""
    odds, found = chances(problem), list[Column]()
    for channel, (view, one) in enumerate(zip(tables.views, tables.known, strict=True)):
        priced = view.cost - problem.ways[channel].cost
        found += [Column(channel, knot.money, knot.value + float(priced @ knot.money)) for knot in one.knots]
    for _, spend in plans:
        for channel, (money, course) in enumerate(zip(by_cell(problem, spend), problem.courses, strict=True)):
            payoff, way = problem.payoffs[channel], problem.ways[channel]
            toll = float(payoff.doubted(np.array([money.sum()]))[0])
            outcome = float(means(course, money[None], odds)[0])
            found.append(Column(channel, money, payoff.margin * outcome - float(way.cost @ money) - toll))
    return found


def is_special(problem: Problem, rule: Rule) -> bool:
    """Whether a rule is about several channels and tells their decisions apart."""
    channels = np.flatnonzero(by_cell(problem, rule.weights).any(axis=1))
    return len(channels) > 1 and not is_flat(problem, rule)


def _told(problem: Problem, bent: tuple[bool, ...], found: Reached) -> str:
    bound = "bound proven over parts of all courses" if found.proven else "bound estimated"
    kind = f"{sum(bent)} channels with S-shaped curves, {bound}" if any(bent) else "concave curves"
    return f"{problem.decisions} decisions, {kind}: tables of totals ({found.inner}), ascent on all draws"
