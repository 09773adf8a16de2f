"""What would change a plan: effects that are larger or smaller, rules that are dropped or eased, less prudence.

Everything is asked again, nothing is extrapolated from prices. A threshold lies between two neighbours on a ladder of
effects, amounts or prudences: the plans of both were solved, and only the second does what is asked for. Plans of
several decisions are asked again by an ascent from the plan, so there a change that needs another hill is not seen.
"""

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float

from engine.optimize.discrete import again as near_numbers
from engine.optimize.over_time import several
from engine.optimize.plan import by_draw
from engine.optimize.polish import climbed, ground, marginal, untolled
from engine.optimize.prices import binding, removable
from engine.optimize.risk.climb import chances
from engine.optimize.rules import Problem, Rule, broken, with_response
from engine.optimize.solve import Memory, groups_of, solve

NOTABLE = 0.005  # share of the money below which a move counts as none
NOTHING = 1e-4  # of the mean channel's money: less counts as not spent
RUNG = 1.03  # ratio of neighbours on a ladder: the precision of a threshold
COARSE_RUNG = 1.1  # the same for several decisions
FARTHEST = 16.0  # times more or less: farther effects are not looked at
FEWER = 0.9  # of a channel's money: less than that counts as moved
EASED = 3  # rules whose least easing is looked for
DROPPED = 6  # rules that are dropped one by one to find these

DATED = re.compile(r" (from|into) \d{4}-\d\d-\d\d(, (up|down)wards)?$")  # what tells the rows of one rule apart

Because = Literal["prudence", "rules", "either", "both", "best"]


@dataclass(frozen=True, eq=False)
class Setting:
    """A question, its plan, and what the plan is compared with."""

    problem: Problem
    plan: Float[np.ndarray, " cell"]  # [currency]
    today: Float[np.ndarray, " cell"]  # [currency]
    memory: Memory

    @property
    def rung(self) -> float:
        """Ratio of neighbours on a ladder."""
        return COARSE_RUNG if is_near(self.problem) else RUNG

    @property
    def money(self) -> float:
        """What the plan spends, or could [currency]."""
        return float(self.plan.sum()) or self.problem.budget.high

    @property
    def totals(self) -> Float[np.ndarray, " channel"]:
        """Money of each channel in the plan [currency]."""
        return several.by_cell(self.problem, self.plan).sum(axis=1)


@dataclass(frozen=True)
class Threshold:
    """How much one channel's effect must change before the plan does; the plans of both multiples were solved."""

    within: float  # multiple of the effect at which the plan still does not change
    factor: float  # the next one, at which it does
    spend: float  # on the channel then [currency]
    cheaper: bool = False  # whether a price of 1 / factor, solved too, changes the plan as well


@dataclass(frozen=True)
class RuleCost:
    """What it costs to keep a rule: what asking again without it earns."""

    rule: str
    gain: float  # mean objective before tolls; of several decisions at least this
    moved: float  # money that goes elsewhere then [currency]


@dataclass(frozen=True)
class Eased:
    """The least easing of one rule that moves money; the plans of both amounts were solved."""

    rule: str
    within: float  # easing that moves nothing yet [currency]
    by: float  # the next one, which does [currency]


@dataclass(frozen=True)
class Unchanged:
    """Why a plan keeps today's split, and the least that would move something."""

    because: Because
    prudence: float | None  # the largest looked at with which money moves, all rules kept; None: the rules forbid it
    eased: tuple[Eased, ...]  # single rules, prudence kept, the least easing first
    together: tuple[str, ...]  # where no single rule is enough: two channels' rules that are, once dropped


def again(problem: Problem, memory: Memory, starts: tuple[np.ndarray, ...]) -> Float[np.ndarray, " cell"] | None:
    """The plan of a question near one that was answered; None where it has none.

    Of one split it is the best plan, with the planner's own bound. Of several decisions, and under rules across
    channels that need a program, it is the best of what is on the hills near the starts.
    """
    if not is_near(problem):
        return found.spend if (found := solve(problem, memory, starts)) else None
    if problem.is_discrete or not problem.ways:
        return near_numbers(problem, starts) if problem.is_discrete else _polished(problem, starts)
    ascent = importlib.import_module("engine.optimize.over_time.ascent")  # its solver takes long to load
    tops = [top for start in starts if (top := ascent.reached(problem, start)) is not None]
    return max(tops, key=lambda top: several.mean_value(problem, top)) if tops else None


def is_near(problem: Problem) -> bool:
    """Whether a question is asked again near its plan alone, because to ask it anew takes long."""
    return bool(problem.ways) or groups_of(problem) is None


def _polished(problem: Problem, starts: tuple[np.ndarray, ...]) -> np.ndarray | None:
    """The best of what is on the hills near some starts, under rules of any kind on one split."""
    feasible = importlib.import_module("engine.optimize.conflict.feasible")  # cvxpy
    kept = [start if not broken(problem, start) else feasible.nearest(problem.rules, start) for start in starts]
    on = ground(problem)
    tops = [climbed(on, start) for start in kept if start is not None and not broken(problem, start)]
    return max(tops, key=on.worth) if tops else None


def within_reach(setting: Setting) -> Setting:
    """The setting for questions about effects: of a profit with money left over, at most twice the plan's is offered.

    Far limits move with what the channels can earn, and so every table would be made anew.
    """
    problem, budget = setting.problem, setting.problem.budget
    high = 2 * float(setting.plan.sum())
    if (
        problem.ways
        or budget.low == budget.high
        or not any(one.cost for one in problem.payoffs)
        or not high < budget.high
    ):
        return setting
    rules = (replace(budget, high=high), *problem.rules[1:])
    return replace(setting, problem=replace(problem, rules=rules), memory={})


def earned(problem: Problem, spend: Float[np.ndarray, " cell"]) -> float:
    """Mean objective of a plan before tolls, over all draws."""
    values = by_draw(problem, spend)[1]
    return float(chances(problem, len(values)) @ values)


def moved(spend: Float[np.ndarray, " cell"], other: Float[np.ndarray, " cell"]) -> float:
    """The largest change of money on one channel, or on one cell of several decisions [currency]."""
    return float(np.abs(spend - other).max(initial=0.0))


def with_effect(problem: Problem, channel: int, factor: float) -> Problem:
    """The question with one channel's effect, and so its doubt, a multiple of what it is."""
    payoff = problem.payoffs[channel]
    less, more = payoff.toll
    changed = replace(payoff, margin=factor * payoff.margin, toll=(factor * less, factor * more))
    payoffs = (*problem.payoffs[:channel], changed, *problem.payoffs[channel + 1 :])
    return with_response(replace(problem, payoffs=payoffs), channel, factor)


def with_price(problem: Problem, channel: int, factor: float) -> Problem:
    """The question with what one channel's money buys at a multiple of its price, tolls told anew."""
    payoff = problem.payoffs[channel]
    changed = replace(payoff, timing=replace(payoff.timing, gain=payoff.timing.gain / factor))
    payoffs = (*problem.payoffs[:channel], changed, *problem.payoffs[channel + 1 :])
    ways = problem.ways
    if ways:
        way = ways[channel]
        course = replace(way.course, gain=way.course.gain / factor)
        ways = (*ways[:channel], replace(way, course=course), *ways[channel + 1 :])
    again = with_response(replace(problem, payoffs=payoffs, ways=ways), channel)
    return again.with_rules(again.rules)


def with_prudence(problem: Problem, share: float) -> Problem:
    """The question with a share of its prudence."""
    payoffs = tuple(replace(one, toll=(share * one.toll[0], share * one.toll[1])) for one in problem.payoffs)
    return replace(problem, payoffs=payoffs, prudence=share * problem.prudence)


def entering(setting: Setting, channel: int) -> Threshold | None:
    """By how much a channel without money must work better before the plan spends on it; None: not even at 16 times."""
    least = NOTHING * setting.money / len(setting.problem.names)
    starts = starts_near(setting, channel)

    def spent(problem: Problem, memory: Memory) -> float:
        return _on(problem, again(problem, memory, starts), channel)

    tried = _tried(lambda rung: spent(with_effect(setting.problem, channel, setting.rung**rung), setting.memory))
    at = first(lambda rung: tried(rung) > least, _rungs(setting))
    if at is None:
        return None
    cheap = with_price(setting.problem, channel, setting.rung**-at)
    cheaper = spent(cheap, dict(setting.memory)) > least * setting.rung**-at
    return Threshold(setting.rung ** (at - 1), setting.rung**at, tried(at), cheaper)


def lessening(setting: Setting, channel: int) -> tuple[Threshold | None, Threshold | None]:
    """How much worse a channel must work before its money falls by more than a tenth, and before it has none.

    None where not even a sixteenth of its effect does that.
    """
    least = NOTHING * setting.money / len(setting.problem.names)
    now, starts = float(setting.totals[channel]), (setting.plan, setting.today)

    def spent(rung: int) -> float:
        problem = with_effect(setting.problem, channel, setting.rung**-rung)
        return _on(problem, again(problem, setting.memory, starts), channel)

    tried = _tried(spent)
    found = []
    for limit in (FEWER * now, least):
        at = first(_below(tried, limit), _rungs(setting))
        found.append(at and Threshold(setting.rung ** (1 - at), setting.rung**-at, tried(at)))
    return found[0] or None, found[1] or None


def _below(tried: Callable[[int], float], limit: float) -> Callable[[int], bool]:
    """Whether what a rung gives is below a limit."""
    return lambda rung: tried(rung) < limit


def rule_costs(setting: Setting, rules: tuple[str, ...]) -> tuple[RuleCost, ...]:
    """What each of some rules costs, all its rows together, the dearest first."""
    before, found = earned(setting.problem, setting.plan), []
    for name in rules:
        free = without(setting.problem, rows_of(setting.problem, name))
        spend = again(free, setting.memory, (setting.plan, setting.today))
        if spend is not None:
            change = spend - setting.plan
            goes = max(float(change.clip(0.0).sum()), float((-change).clip(0.0).sum()))
            found.append(RuleCost(name, earned(free, spend) - before, goes))
    return tuple(sorted(found, key=lambda cost: -cost.gain))


def asked_as(rule: Rule) -> str:
    """The rule of the scenario that a row belongs to: rows of several decisions differ in their dates alone."""
    return DATED.sub("", rule.name)


def rows_of(problem: Problem, name: str) -> set[int]:
    """The rows of a rule of the scenario that could be dropped."""
    rules = enumerate(problem.rules)
    return {index for index, rule in rules if asked_as(rule) == name and removable(problem, index)}


def without(problem: Problem, rules: set[int]) -> Problem:
    """The question without some rules, as if it had been asked without them."""
    return problem.with_rules(tuple(rule for index, rule in enumerate(problem.rules) if index not in rules))


def is_unchanged(setting: Setting) -> bool:
    """Whether the plan moves no money worth telling."""
    return moved(setting.plan, setting.today) <= NOTABLE * setting.money


def why_unchanged(setting: Setting) -> Unchanged:
    """Why a plan keeps today's split: prudence, rules, or because it is the best there is."""
    problem, memory = setting.problem, setting.memory
    held = [index for index in binding(problem, setting.plan) if removable(problem, index)]
    made = {index for index in range(len(problem.rules)) if removable(problem, index)}
    charged = any(any(payoff.toll) for payoff in problem.payoffs) or bool(problem.prudence)
    bold = with_prudence(problem, 0.0)

    def moves(changed: Problem) -> bool:
        spend = again(changed, memory, (setting.plan, setting.today))
        return spend is not None and moved(spend, setting.today) > NOTABLE * setting.money

    by_prudence = charged and moves(bold)
    by_rules = bool(made) and moves(without(problem, made))
    prudence = _least_prudence(setting, moves) if by_prudence else None
    eased = _least_easings(setting, [at for at in held if not problem.rules[at].is_discrete], moves) if by_rules else ()
    together = _two_channels(setting, held, moves) if by_rules and not eased else ()
    if by_prudence or by_rules:
        because: Because = "either" if by_prudence and by_rules else "prudence" if by_prudence else "rules"
    else:
        because = "both" if charged and made and moves(without(bold, made)) else "best"
    return Unchanged(because, prudence, eased, together)


def first(holds: Callable[[int], bool], last: int) -> int | None:
    """The first of 1 .. `last` at which something holds that does not at 0 and goes on once it does; or None.

    Found by bisection, so of a claim that comes and goes it is one place at which it comes.
    """
    if not holds(last):
        return None
    low, high = 0, last
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _least_prudence(setting: Setting, moves: Callable[[Problem], bool]) -> float:
    """The largest share of the prudence, on the ladder, with which money moves; 0 where a sixteenth is too much."""
    at = first(lambda rung: moves(with_prudence(setting.problem, setting.rung**-rung)), _rungs(setting))
    return 0.0 if at is None else setting.problem.prudence * setting.rung**-at


def _least_easings(setting: Setting, held: list[int], moves: Callable[[Problem], bool]) -> tuple[Eased, ...]:
    """The least easing of each single rule that moves money, all its rows eased by as much."""
    problem, least = setting.problem, NOTABLE * setting.money
    names = list(dict.fromkeys(asked_as(problem.rules[index]) for index in held))[:DROPPED]
    alone = [name for name in names if moves(without(problem, rows_of(problem, name)))]
    last, found = int(np.ceil(np.log(1 / NOTABLE) / np.log(setting.rung))), []
    for name in alone[:EASED]:
        rows = rows_of(problem, name)

        def eased(rung: int, rows: set[int] = rows) -> bool:
            room = least * setting.rung**rung
            rules = (_eased(rule, room) if index in rows else rule for index, rule in enumerate(problem.rules))
            return moves(problem.with_rules(tuple(rules)))

        at = first(eased, last)
        if at is not None:
            found.append(Eased(name, *(least * setting.rung**rung for rung in (at - 1, at))))
    return tuple(sorted(found, key=lambda one: one.by))


def _eased(rule: Rule, amount: float) -> Rule:
    loose = rule.loosened(amount)
    return replace(loose, low=max(0.0, loose.low)) if rule.channel is not None else loose


def _two_channels(setting: Setting, held: list[int], moves: Callable[[Problem], bool]) -> tuple[str, ...]:
    """The rules of the channels that bring most and least at the margin, where money moves without these two's."""
    problem = setting.problem
    slope = slopes(problem, setting.plan)
    own: dict[int, set[int]] = {}
    for index in held:
        channels = np.unique(np.flatnonzero(problem.rules[index].weights) // problem.decisions)
        if len(channels) == 1:
            own.setdefault(int(channels[0]), set()).add(index)
    if len(own) < 2:
        return ()
    pair = own[max(own, key=lambda at: slope[at])] | own[min(own, key=lambda at: slope[at])]
    names = dict.fromkeys(asked_as(problem.rules[index]) for index in sorted(pair))
    return tuple(names) if moves(without(problem, set().union(*(rows_of(problem, name) for name in names)))) else ()


def slopes(problem: Problem, spend: Float[np.ndarray, " cell"]) -> Float[np.ndarray, " channel"]:
    """Mean objective of the next unit of money on each channel before tolls, at next to nothing where there is none."""
    if not problem.ways:
        return marginal(untolled(problem), spend)
    margin = np.array([payoff.margin for payoff in problem.payoffs])
    money, costs = several.by_cell(problem, spend), np.array([way.cost for way in problem.ways])
    total = money.sum(axis=1)
    cost = np.where(total > 0, np.sum(costs * money, axis=1) / np.where(total > 0, total, 1.0), costs.mean(axis=1))
    return margin * several.returns(problem, spend) - cost


def starts_near(setting: Setting, channel: int) -> tuple[np.ndarray, ...]:
    """The plan, and where a search begins on hills nearby, the plan with a fair share of money for the channel."""
    if not is_near(setting.problem):
        return (setting.plan, setting.today)
    count = len(setting.problem.names)
    share = several.spread_over_time(setting.problem, setting.money * np.eye(count)[channel])
    return (setting.plan, (1 - 1 / count) * setting.plan + share / count)


def _on(problem: Problem, spend: np.ndarray | None, channel: int) -> float:
    return 0.0 if spend is None else float(several.by_cell(problem, spend)[channel].sum())


def _rungs(setting: Setting) -> int:
    return int(np.ceil(np.log(FARTHEST) / np.log(setting.rung)))


def _tried(look: Callable[[int], float]) -> Callable[[int], float]:
    """The same look, which remembers what it has seen."""
    seen: dict[int, float] = {}

    def remembered(rung: int) -> float:
        if rung not in seen:
            seen[rung] = look(rung)
        return seen[rung]

    return remembered
