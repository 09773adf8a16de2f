"""Rules: what a scenario allows, as named rows over the channels' spend, each in the user's words."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float

from engine.config.loading import LARGEST_MONEY
from engine.config.scenario import ChannelRules, Scenario
from engine.errors import InputError
from engine.optimize.closeness import ROUNDING
from engine.optimize.discrete_rules import discrete_rules
from engine.optimize.flighting import no_date
from engine.optimize.goals import counted, margins, require_goal
from engine.optimize.last_plan import last_plan_rules
from engine.optimize.learn_rules import learn_rules
from engine.optimize.over_time.course import Course
from engine.optimize.over_time.decision_rules import budget_rules, decision_rules, whole_decision_rules
from engine.optimize.over_time.decisions import Grid, Spent, Way, grid, way
from engine.optimize.over_time.past import left_by_past
from engine.optimize.returns.asked import adapted, returns_of, settled
from engine.optimize.returns.row import Return
from engine.optimize.rule import Rule as Rule
from engine.optimize.selecting import require_known, rules_of, wholes_of
from engine.optimize.share_rules import group_rules, of_total, strategy_rules
from engine.optimize.side_by_side import each
from engine.optimize.tables import Payoff, doubt
from engine.optimize.tiers import tiers_of
from engine.optimize.timing import timing
from engine.response.curves import Curves, pace

Tell = Callable[[str], None]
NOTHING = 1e-9  # of all money: less is what a solver leaves on a channel without money
USUAL, THOROUGH = 600, 100_000  # efforts of a proof: what costs about as much as the plan, and what ends most doubt
NEARBY = (0.3, 3.0)  # times today's spend, or what runs spend on average: moves beyond are in doubt like the farthest


def unheard(_: str) -> None:
    """Nobody is told."""


@dataclass(frozen=True)
class Problem:
    """One question, ready to be solved: what money earns, and the rules it keeps."""

    names: tuple[str, ...]
    payoffs: tuple[Payoff, ...]
    rules: tuple[Rule, ...]  # the budget is the first
    history: Float[np.ndarray, " channel"]  # what was spent in as many periods [currency]
    prudence: float = 0.0  # mean absolute deviations that a move from today's split must be worth
    ways: tuple[Way, ...] = ()  # of each channel's money through several decisions; none for one split of a cycle
    grid: Grid | None = None  # the decisions, with `ways`
    returns: tuple[Return, ...] = ()  # what money must bring; of single channels in one split, rules say it too
    missed: tuple[Rule, ...] = ()  # rules that what is over has broken, as they were asked for
    effort: int = 0  # of a proof over several decisions: parts of courses that may be looked at; 0: an estimate
    tell: Tell = unheard  # whom a long proof tells how far it is

    @cached_property
    def courses(self) -> tuple[Course, ...]:
        """What the money of each channel does, with `ways`."""
        return tuple(way.course for way in self.ways)

    @property
    def decisions(self) -> int:
        """How many decisions each channel has."""
        return self.grid.count if self.grid and self.ways else 1

    @property
    def lower(self) -> Float[np.ndarray, " channel"]:
        """Least spend of each channel by its own rules; the minimum flight where it must fly."""
        return self._bounds[0]

    @property
    def upper(self) -> Float[np.ndarray, " channel"]:
        """Most spend of each channel by its own rules and the budget; 0 where that is less than its flight."""
        return self._bounds[1]

    @property
    def flight(self) -> Float[np.ndarray, " channel"]:
        """Minimum flight of each channel that may also spend nothing, else 0."""
        return self._bounds[2]

    @property
    def budget(self) -> Rule:
        """The rule on total spend."""
        return self.rules[0]

    @property
    def rows(self) -> tuple[Rule, ...]:
        """The rules, beside the budget, about several channels together."""
        return tuple(rule for rule in self.rules[1:] if rule.channel is None and not rule.is_discrete)

    @property
    def is_discrete(self) -> bool:
        """Whether there are steps, or numbers of active channels."""
        return any(rule.is_discrete for rule in self.rules)

    def with_rules(self, rules: tuple[Rule, ...]) -> "Problem":
        """The same problem under other rules, as if it had been asked with them from the start."""
        return _prudent(replace(self, rules=rules))

    @cached_property
    def _bounds(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        cells = len(self.names) * self.decisions
        low, high, flight = np.zeros(cells), np.full(cells, self.budget.high), np.zeros(cells)
        for rule in self.rules[1:]:
            channel = rule.channel
            if channel is not None:
                low[channel] = max(low[channel], rule.low)
                high[channel] = min(high[channel], rule.high)
                flight[channel] = max(flight[channel], rule.flight)
        flies, grounded = low > 0, flight > high * (1 + ROUNDING)
        high = np.where(grounded & ~flies, 0.0, high)
        low = np.where(flies, np.maximum(low, flight), low)
        return low, high, np.where(flies | grounded, 0.0, flight)


def barred_units(problem: Problem, spend: Float[np.ndarray, " cell"]) -> Bool[np.ndarray, " channel"]:
    """Channels without money on which no single unit can be spent: a step or a minimum flight asks for more at once."""
    by_step = np.sum([np.zeros(len(spend)), *(rule.weights for rule in problem.rules if rule.step)], axis=0) > 0
    barred = (by_step | (problem.flight > 0)).reshape(-1, problem.decisions).any(axis=1)
    money = spend.reshape(-1, problem.decisions).sum(axis=1)
    found: np.ndarray = barred & (money <= NOTHING * max(float(spend.sum()), problem.budget.high))
    return found


def open_returns(problem: Problem) -> tuple[Return, ...]:
    """The least returns that no rule says."""
    return tuple(row for row in problem.returns if not row.is_settled(bool(problem.ways)))


def priced_returns(problem: Problem) -> tuple[Return, ...]:
    """Those of them that are kept by prices, not by leaving out spends between two."""
    return tuple(row for row in open_returns(problem) if not row.holes)


def broken(problem: Problem, spend: Float[np.ndarray, " channel"], slack: float = 1e-7) -> list[Rule]:
    """The rules that a spend does not keep, checked one by one from their definition.

    `slack` is what is let pass as rounding, as a share of all that is spent.
    """
    scale = slack * float(np.abs(spend).sum())
    unkept = [
        rule
        for rule in problem.rules
        if not rule.low - scale <= float(rule.weights @ spend) <= rule.high + scale
        or (rule.flight and scale < float(rule.weights @ spend) < rule.flight - scale)
        or not rule.keeps_numbers(spend, problem.decisions, scale)
    ]
    rows = (row for row in open_returns(problem) if not row.is_kept(problem.payoffs, problem.ways, spend))
    return [*unkept, *(row.rule for row in rows)]


def problem_of(curves: Curves, scenario: Scenario, spent: Spent | None = None) -> Problem:
    """The problem that a scenario poses on some curves.

    Args:
        curves: What spend does.
        scenario: The question.
        spent: What the first periods of the horizon have spent, where it has begun.

    Raises:
        InputError: The scenario names a channel that the curves do not have, or profit has no money.
    """
    _require_fitting(curves, scenario)
    whole, curves, cost = curves, counted(curves, scenario.goal), float(scenario.goal.maximise == "profit")
    payoffs = []
    for channel, margin in zip(curves.channels, margins(curves, scenario.goal).tolist(), strict=True):
        when = timing(channel, curves, scenario)
        payoffs.append(Payoff(channel, when, margin, cost * when.cost, tiers=tiers_of(channel, scenario)))
    ways: tuple[Way, ...] = ()
    held = None
    if scenario.horizon.decide != "horizon" or scenario.horizon.from_history:
        held = grid(curves, scenario, spent.periods if spent else 0)
        decided = held
        found = each(lambda channel: way(channel, curves, scenario, decided, spent), curves.channels)
        ways = tuple(replace(one, cost=cost * one.cost) for one in found)
    rules, returns = _rules(curves, scenario, payoffs, ways, held), returns_of(whole, scenario)
    if returns and not ways:
        limits = settled(returns, payoffs, rules[0].high if np.isfinite(rules[0].high) else 1.0)
        returns, rules = limits.returns, [*rules, *limits.rules]
    rules, missed = left_by_past(rules, ways, held)
    careful = scenario.risk.measure != "mean" and scenario.risk.weight > 0  # then the draws are weighed themselves
    usual = 0.0 if careful else curves.prudence
    prudence = usual if scenario.goal.prudence is None else scenario.goal.prudence
    history = history_spend(curves, scenario)
    posed = Problem(curves.names, tuple(payoffs), tuple(rules), history, prudence, ways, held, returns)
    return _prudent(replace(posed, missed=missed))


def with_response(problem: Problem, channel: int, effect: float = 1.0) -> Problem:
    """The problem with least returns told anew, where what one channel's money does was changed.

    `effect` is that of the channel as a multiple of what its payoff tells but for the margin.
    """
    if not problem.returns:
        return problem
    factors = np.ones(len(problem.names))
    factors[channel] = effect
    again = adapted(problem.returns, problem.rules, problem.payoffs, factors)
    return replace(problem, returns=again.returns, rules=problem.rules if problem.ways else again.rules)


def _rules(
    curves: Curves, scenario: Scenario, payoffs: list[Payoff], ways: tuple[Way, ...], held: Grid | None
) -> list[Rule]:
    """Every rule of a scenario over the cells of its problem, the budget first."""
    count = held.count if held else 1
    rules = [_budget(curves, scenario, count)]
    if held:
        rules += budget_rules(scenario, held, len(payoffs))
    for index, channel in enumerate(curves.channels):
        unit = np.repeat(np.eye(len(payoffs))[index], count)
        history = pace(channel, curves.period) * scenario.horizon.periods
        asked = rules_of(channel, scenario)
        rules += _channel_rules(channel.name, unit, asked, history)
        if held:
            rules += decision_rules(channel, curves, scenario, held, ways[index])
        elif asked.minimum_flight:
            rules.append(Rule(f"minimum flight of {channel.name}", unit, flight=asked.minimum_flight))
        if not payoffs[index].timing.active:
            rules.append(Rule(no_date(channel, scenario), unit, high=0.0))
    rules += _whole_rules(curves, scenario, ways, held)
    rules += last_plan_rules(curves, scenario, held)
    rules += learn_rules(curves, scenario, rules[0])
    rules += discrete_rules(curves, scenario, held, rules[0])
    return [*rules, *group_rules(curves, scenario, rules[0]), *strategy_rules(curves, scenario, rules[0])]


def _whole_rules(curves: Curves, scenario: Scenario, ways: tuple[Way, ...], held: Grid | None) -> list[Rule]:
    """The rules of channels with parts, about the sum of these."""
    rules = []
    for name, parts, asked in wholes_of(curves, scenario):
        history = float(history_spend(curves, scenario) @ parts)
        rules += _channel_rules(name, np.repeat(parts.astype(float), held.count if held else 1), asked, history)
        if held:
            rules += whole_decision_rules((name, parts, asked), scenario, held, ways, history)
    return rules


def asked_again(problem: Problem, index: int, rule: Rule) -> Problem:
    """The problem with another rule at `index`, as if it had been asked with that rule from the start.

    Of another budget the rules that are shares of it are shares too, and today's split is history's scaled to it, from
    which tolls are told anew.
    """
    rules = [*problem.rules[:index], rule, *problem.rules[index + 1 :]]
    if index == 0:
        rules = [of_total(one, rule.high) for one in rules]
    return _prudent(replace(problem, rules=tuple(rules)))


def _prudent(problem: Problem) -> Problem:
    """The problem with a toll on moves away from today's split, where it is asked for and history knows a split.

    Rules have no say in it: were doubt looked for only where they let money go, a looser one that changes no plan
    would raise the charge for every move.
    """
    if not problem.prudence or not problem.history.sum():
        return problem
    anchors = today(problem)
    low, high = nearby(problem, anchors)
    payoffs = tuple(
        _charged(payoff, anchor, (low, high), problem.prudence)
        for payoff, anchor, low, high in zip(
            problem.payoffs, anchors.tolist(), low.tolist(), high.tolist(), strict=True
        )
    )
    return replace(problem, payoffs=payoffs)


def nearby(
    problem: Problem, anchors: Float[np.ndarray, "channel *row"]
) -> tuple[Float[np.ndarray, "channel *row"], Float[np.ndarray, "channel *row"]]:
    """The spends between which moves from today's split, of a history that spent, are looked at for their doubt.

    A channel without spend, or next to none, is looked at as far as a usual one.
    """
    least, most = NEARBY
    return least * anchors, most * np.maximum(anchors, anchors[problem.history > 0].mean(axis=0))


def _charged(payoff: Payoff, anchor: float, limits: tuple[float, float], prudence: float) -> Payoff:
    """The payoff with a toll on each side of today's spend."""
    less, more = doubt(payoff, anchor, *limits)
    return replace(payoff, anchor=anchor, toll=(prudence * less, prudence * more))


def compared(problem: Problem) -> Float[np.ndarray, " cell"]:
    """Today's split by cell: even over the open time, what is over as it was.

    Money of decisions in which a channel has no open date goes to its others. A channel without any keeps its even
    course, as in one split: history's split is not valued by the flights of a scenario, and the rule is told as broken.
    """
    held = problem.grid
    if held is None:
        return today(problem)
    parts = held.lengths * (np.arange(held.count) >= held.over)
    over, fixed = np.array([way.spent for way in problem.ways]), problem.budget.low == problem.budget.high
    opened = (parts > 0) * np.array([(way.pace > 0).sum(axis=1) for way in problem.ways])
    opened = np.where(opened.any(axis=1, keepdims=True), opened, parts)
    share = opened / np.maximum(opened.sum(axis=1, keepdims=True), 1)
    rest = today(problem)[:, None] * share * (1.0 if fixed else parts.sum() / held.lengths.sum())
    left = (rest.sum() - over.sum()) / rest.sum() if rest.sum() and fixed else 1.0
    return (over + rest * max(0.0, left)).ravel()


def today(problem: Problem) -> Float[np.ndarray, " channel"]:
    """Today's split: history's, scaled to the budget where that is fixed; an even split where there is no history."""
    history = problem.history
    if not history.sum():
        history = np.full(len(history), problem.budget.high / len(history))
    fixed_budget = problem.budget.low == problem.budget.high
    return history * (problem.budget.high / history.sum() if fixed_budget else 1.0)


def channel_limits(problem: Problem) -> tuple[Float[np.ndarray, " channel"], Float[np.ndarray, " channel"]]:
    """Least and most that each channel can spend over the horizon by its own rules and the budget."""
    count = problem.decisions
    low, high = (side.reshape(-1, count).sum(axis=1) for side in (problem.lower, problem.upper))
    high = np.minimum(high, problem.budget.high)
    for rule in problem.rules[1:]:
        touched = np.flatnonzero(rule.weights)
        channel = int(touched[0]) // count
        if len(touched) == count and np.all(rule.weights[channel * count : (channel + 1) * count] == 1):
            low[channel], high[channel] = max(low[channel], rule.low), min(high[channel], rule.high)
    return low, high


def history_spend(curves: Curves, scenario: Scenario) -> Float[np.ndarray, " channel"]:
    """What history spent on each channel in as many periods, at the pace of its last year [currency].

    Raises:
        InputError: It is more money than can be told.
    """
    spent = np.array([pace(channel, curves.period) * scenario.horizon.periods for channel in curves.channels])
    _require_countable(scenario, "what history spent in as many periods", float(spent.sum()))
    return spent


def _require_countable(scenario: Scenario, what: str, money: float) -> None:
    """Refuse more money than any file may name, which no plan could tell."""
    if money > LARGEST_MONEY:
        raise InputError(
            f"scenario {scenario.name!r}: {what} comes to {money:.10g}, and money is at most {LARGEST_MONEY:g}; count "
            "it in a larger unit, such as thousands"
        )


def _budget(curves: Curves, scenario: Scenario, count: int) -> Rule:
    ones, budget = np.ones(len(curves.channels) * count), scenario.budget
    planned = 1 - budget.reserve
    if budget.at_most is not None:
        return Rule("budget", ones, high=budget.at_most * planned)
    total = budget.total
    if budget.of_history is not None:
        spent = float(history_spend(curves, scenario).sum())
        if not spent:
            raise InputError(
                f"scenario {scenario.name!r}: budget.of_history needs spend in the curves' history, "
                "and there is none; give budget.total"
            )
        total = budget.of_history * spent
        _require_countable(scenario, "budget.of_history", total)
    if total is None:
        raise InputError(
            f"scenario {scenario.name!r}: its budget is still to be found, and here one is needed; give budget.total"
        )
    return Rule("budget", ones, low=total * planned, high=total * planned)


def _channel_rules(name: str, unit: np.ndarray, asked: ChannelRules, history: float) -> list[Rule]:
    rules = []
    if asked.locked is not None:
        rules.append(Rule(f"{name} locked", unit, low=asked.locked, high=asked.locked))
    if asked.floor:
        rules.append(Rule(f"floor of {name}", unit, low=asked.floor))
    if asked.cap is not None:
        rules.append(Rule(f"cap of {name}", unit, high=asked.cap))
    if asked.relative and asked.relative.least == asked.relative.most:
        amount = asked.relative.least * history
        return [*rules, Rule(f"{name} at {100 * asked.relative.least:g} % of history", unit, low=amount, high=amount)]
    if asked.relative and asked.relative.least:
        share = f"{100 * asked.relative.least:g} % of history"
        rules.append(Rule(f"{name} at least {share}", unit, low=asked.relative.least * history))
    if asked.relative and asked.relative.most is not None:
        share = f"{100 * asked.relative.most:g} % of history"
        rules.append(Rule(f"{name} at most {share}", unit, high=asked.relative.most * history))
    return rules


def _require_fitting(curves: Curves, scenario: Scenario) -> None:
    """Every name in the scenario is known to the curves, and profit has money."""
    require_known(curves, scenario)
    require_goal(curves, scenario)
