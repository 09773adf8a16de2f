"""Plan: the answer with its proof, its prices and what it is compared with."""

import importlib
import time
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from jaxtyping import Float

from engine.config.scenario import Budget, Scenario
from engine.optimize import goals
from engine.optimize.above import Fixing, Level, freed, levels
from engine.optimize.asking import Asked, Found, answered
from engine.optimize.beside import ForTests, Past, Tail, for_tests_of, tail_of
from engine.optimize.closeness import CERTIFIED, ROUNDING
from engine.optimize.doubts import far_from_proof, of_units
from engine.optimize.flighting import as_history, is_written
from engine.optimize.over_time import several
from engine.optimize.over_time.decisions import Spent
from engine.optimize.polish import charged, marginal, untolled
from engine.optimize.prices import Price, binding, prices
from engine.optimize.ranges import Range as Range
from engine.optimize.ranges import spread as spread
from engine.optimize.rules import (
    USUAL,
    Problem,
    Tell,
    barred_units,
    broken,
    channel_limits,
    priced_returns,
    problem_of,
    unheard,
)
from engine.optimize.selecting import role_of, rules_of
from engine.optimize.shocked import not_foreseen
from engine.optimize.solve import Solved
from engine.optimize.tables import outcomes
from engine.optimize.tiers import reached
from engine.periods import step
from engine.response.curves import Curves

RISKY = 0.5  # chance of loss above which a plan with a mean gain is warned of


@dataclass(frozen=True)
class Line:
    """One channel of a plan."""

    name: str
    kind: str
    spend: float  # [currency over the horizon]
    baseline: float  # the same in the plan that it is compared with
    outcome: Range  # [currency or outcome over the horizon]
    marginal: float | None  # outcome of the next unit of money; None: idle, and a unit cannot be spent on it
    beyond: bool  # whether spend in some period exceeds all that history shows
    channel: str | None = None  # whose part it is
    geo: str | None = None
    segment: str | None = None
    role: str | None = None
    least: float | None = None  # by its own rules; None: nothing [currency over the horizon]
    most: float | None = None  # by its own rules; None: all of the budget [currency over the horizon]
    worth: float | None = None  # of a unit of its outcome, in profit or lifetime value; None: outcome is what counts


@dataclass(frozen=True)
class Split:
    """A split of money and what it earns."""

    spend: tuple[float, ...]  # by channel [currency over the horizon]
    value: Range  # of the objective
    outcome: Range
    broken: tuple[str, ...] = ()  # rules of the scenario that it does not keep
    decided: tuple[tuple[float, ...], ...] = ()  # by decision and channel [currency]


@dataclass(frozen=True)
class Plan:
    """The best split found, with value, bound and gap; never without them.

    Bound and gap speak of what is maximised: the mean value less the tolls, or another measure of it. Without prudence
    there are no tolls, and they speak of the value itself.
    """

    scenario: str
    currency: str
    measure: str  # what the objective counts
    unit: str  # of the objective, and of an outcome in money: the currency; empty where it is not money
    start: date
    end: date
    periods: int
    period: str
    lines: tuple[Line, ...]
    chosen: Split
    baseline: Split  # history's split of the same money, or history itself where the budget is flexible
    gain: Range  # chosen less baseline, draw by draw
    chance_of_loss: float  # that the baseline would have earned more
    prudence: float  # mean absolute deviations that each move from today's split must be worth
    tolls: float  # what the plan's moves are charged for their doubt [objective]; 0 without prudence
    net: float  # mean value less tolls: what the plan is chosen by [objective]
    bound: float  # no plan under the rules has more than this net of its own tolls [objective]
    gap: float  # distance between net and bound, relative
    route: str
    binding: tuple[str, ...]
    warnings: tuple[str, ...]  # what a reader must know before acting on it
    made_from: str
    schedule: tuple[tuple[float, ...], ...]  # money by period and channel [currency/period]
    decisions: tuple[str, ...]  # first and last day of each
    proven: bool = True  # whether the bound is rigorous, not an estimate
    risk: str = "mean"  # the measure that net and bound are of
    found: Found | None = None  # the budget, where a target asked for one
    prices: tuple[Price, ...] = ()
    above: tuple[Level, ...] = ()  # what it spends by role, kind, geo, segment and channel with parts
    fixing: Fixing | None = None  # what its strategy costs, where one fixes the split above
    in_money: bool = True  # whether the outcome is money; if not, what one costs is told instead of a return
    counts: str = ""  # the outcome, where its name is not that of the measure
    lifetime: tuple[float, ...] = ()  # what a customer won by each channel is worth, where the goal says so [currency]
    draws: int = 0  # of the curves; 0 where that is not known
    reach: int | None = None  # periods after the end that count; None: the end of the horizon runs on into its start
    past: Past | None = None  # history with the money that it spent; none where the horizon has begun
    tail: Tail | None = None  # the mean of the worst draws, where that is what the plan is chosen by
    for_tests: ForTests | None = None  # the money for tests, where the scenario keeps some
    seconds: float = 0.0  # tables, solution, polish and exact revaluation

    @property
    def certified(self) -> bool:
        """Whether the gap is proven to be at most 0.1 %, that of a budget that was found included."""
        by_money = self.found is None or (self.found.sure and self.found.gap <= CERTIFIED)
        return self.proven and self.gap <= CERTIFIED and by_money

    @property
    def cells(self) -> Float[np.ndarray, " cell"]:
        """Money by channel and, within it, decision [currency]."""
        return np.array(self.chosen.decided).T.ravel()

    @property
    def spend(self) -> float:
        """Total spend [currency over the horizon]."""
        return float(sum(self.chosen.spend))


def optimize(
    curves: Curves,
    scenario: Scenario,
    priced: bool = True,
    spent: Spent | None = None,
    effort: int = USUAL,
    tell: Tell = unheard,
) -> Plan:
    """The certified best plan of a scenario on some curves.

    Args:
        curves: What spend does, joint draws.
        scenario: The question.
        priced: Whether binding rules get their prices, which cost one further solution each.
        spent: What the first periods of the horizon have spent, where it has begun.
        effort: Of the proof of a plan over several decisions with S-shaped curves; an effort above the usual one
            reports what was proven, however far it is from the plan.
        tell: Is told how far a long proof is.

    Raises:
        InputError: The scenario does not fit the curves.
        InfeasibleError: No plan keeps every rule; the message names the conflict and the ways out.
    """
    begin = time.perf_counter()
    asked = answered(curves, scenario, spent, (effort, tell))
    seconds = time.perf_counter() - begin
    plan = replace(_plan(curves, scenario, asked), seconds=seconds)
    if not priced:
        return plan
    if plan.risk != "mean":  # multipliers of a mean say nothing of another measure
        pricing = importlib.import_module("engine.optimize.risk.pricing")
        return replace(plan, prices=pricing.budget_price(asked.problem, asked.solved, scenario.risk))
    told = tuple(prices(asked.problem, asked.solved, asked.memory))
    return replace(_beside_free(curves, scenario, asked, plan), prices=told)


def _beside_free(curves: Curves, scenario: Scenario, asked: Asked, plan: Plan) -> Plan:
    """The plan with what its strategy costs, and the split above without it."""
    free = freed(curves, scenario, (asked.problem, asked.solved, asked.memory))
    if free is None:
        return plan
    outcome, value = by_draw(asked.problem, asked.solved.spend)
    split = (np.array(plan.chosen.spend), np.array(plan.baseline.spend))
    gain = float(np.mean(by_draw(free.problem, free.cells)[1] - value))
    fixing = Fixing(gain, free.net - asked.solved.value)
    return replace(plan, above=levels(curves, scenario, split, outcome, free.spend), fixing=fixing)


def by_draw(
    problem: Problem, spend: Float[np.ndarray, " cell"]
) -> tuple[Float[np.ndarray, "channel draw"], Float[np.ndarray, " draw"]]:
    """Outcome by channel and draw, and the objective by draw; a channel without money brings just nothing."""
    if problem.ways:
        outcome, value = several.by_draw(problem, spend)
        idle = several.by_cell(problem, spend).sum(axis=1) == 0
        dust = np.where(idle[:, None], outcome, 0.0)  # of a sum that should be 0
        return outcome - dust, value - np.array([payoff.margin for payoff in problem.payoffs]) @ dust
    outcome = np.stack([outcomes(p, spend[c : c + 1])[0] for c, p in enumerate(problem.payoffs)])
    margin = np.array([payoff.margin for payoff in problem.payoffs])
    cost = np.array([payoff.cost for payoff in problem.payoffs])
    return outcome, margin @ outcome - cost @ spend


def _split(problem: Problem, spend: np.ndarray) -> Split:
    outcome, value = by_draw(problem, spend)
    rules = tuple(rule.name for rule in broken(problem, spend))
    decided = several.by_cell(problem, spend)
    rows = tuple(tuple(row) for row in decided.T.tolist())
    return Split(tuple(decided.sum(axis=1).tolist()), spread(value), spread(outcome.sum(0)), rules, rows)


def _plan(curves: Curves, scenario: Scenario, asked: Asked) -> Plan:
    problem, solved = asked.problem, asked.solved
    _require_returns(scenario, problem, solved.spend)
    outcome, value = by_draw(problem, solved.spend)
    chosen, (baseline, before, really) = _split(problem, solved.spend), _baseline(curves, scenario, asked)
    lines = _lines((curves, scenario), problem, solved.spend, asked.today, outcome)
    gain, loss = spread(value - before), float(np.mean(value < before - 1e-12 * np.abs(before)))
    tolls, risk = _tolls(problem, solved.spend), scenario.risk.measure if scenario.risk.weight else "mean"
    net = chosen.value.mean - tolls if risk == "mean" else solved.value
    doubts = (*of_units(curves, scenario, solved.spend), *_warnings(lines, gain, loss, curves.period))
    spends = np.array(chosen.spend), np.array(baseline.spend)
    return Plan(
        scenario=scenario.name,
        currency=curves.currency,
        **_counted(curves, scenario),
        **_time(curves, scenario, problem),
        lines=lines,
        chosen=chosen,
        baseline=baseline,
        gain=gain,
        chance_of_loss=loss,
        warnings=(*asked.notes, *not_foreseen(scenario), *far_from_proof(problem, solved, risk), *doubts),
        prudence=problem.prudence,
        tolls=tolls,
        net=net,
        bound=max(solved.bound, net),  # the same sum in another order may differ in a digit
        gap=solved.gap,
        route=solved.told,
        binding=_holding(problem, solved),
        made_from=curves.made_from,
        schedule=_schedule(problem, solved.spend),
        proven=solved.proven,
        risk=risk,
        found=asked.found,
        above=levels(curves, scenario, spends, outcome),
        draws=len(value),
        past=_past(problem, value, really),
        tail=tail_of(scenario, problem, value, before) if risk == "cvar" else None,
        for_tests=for_tests_of(curves, scenario, spends[0]),
    )


def _tolls(problem: Problem, spend: np.ndarray) -> float:
    """What the plan's moves are charged for their doubt [objective]."""
    return float(several.tolls(problem, spend).sum()) if problem.ways else charged(problem, spend)


def _past(problem: Problem, value: np.ndarray, really: np.ndarray | None) -> Past | None:
    """What the plan stands beside, where history spent other money."""
    return None if really is None else Past(float(problem.history.sum()), spread(value - really))


def _holding(problem: Problem, solved: Solved) -> tuple[str, ...]:
    """The rules that the plan just keeps."""
    rows = zip(priced_returns(problem), solved.prices, strict=False)  # without prices none of them holds the plan
    names = [problem.rules[index].name for index in binding(problem, solved.spend)]
    totals = several.by_cell(problem, solved.spend).sum(axis=1).tolist()
    parts = zip(problem.payoffs, problem.names, totals, strict=True)
    tiers = (told for payoff, name, money in parts for told in reached(payoff.tiers, name, money))
    return (*names, *(row.name for row, price in rows if price > 0), *tiers)


def _require_returns(scenario: Scenario, problem: Problem, spend: np.ndarray) -> None:
    """See, from their definition and all draws, that every least return is kept, if none may give way."""
    if scenario.soft:
        return
    unkept = [row.name for row in problem.returns if not row.is_kept(problem.payoffs, problem.ways, spend)]
    if unkept:
        raise AssertionError(f"the plan does not keep {unkept}")


def _counted(curves: Curves, scenario: Scenario) -> dict[str, Any]:
    """What a plan counts, as its fields."""
    goal = scenario.goal
    return {
        "measure": goals.measure(curves, goal),
        "unit": goals.unit(curves, goal),
        "in_money": goals.is_money(curves, goal),
        "counts": curves.outcome if goal.maximise == "clv" else "",
        "lifetime": tuple(goals.lifetime_values(curves, goal).tolist()),
    }


def _time(curves: Curves, scenario: Scenario, problem: Problem) -> dict[str, Any]:
    """The time that a plan covers, as its fields."""
    start, periods = scenario.horizon.start, scenario.horizon.periods
    end = step(step(start, periods, curves.period), -1, "day")
    labels = problem.grid.labels if problem.grid else (f"{start} to {end}",)
    reach = scenario.horizon.tail if scenario.horizon.from_history else None
    when = {"start": start, "end": end, "periods": periods, "period": curves.period, "decisions": labels}
    return {**when, "reach": reach}


def _baseline(
    curves: Curves, scenario: Scenario, asked: Asked
) -> tuple[Split, Float[np.ndarray, " draw"], Float[np.ndarray, " draw"] | None]:
    """Today's split, with the rules that it does not keep, and its objective by draw; it is valued without flights.

    Last, the objective of the same split with the money that history spent, where the horizon has not begun.
    """
    free = _without_flights(scenario)
    unflown = asked.problem if free == scenario else problem_of(curves, _of_budget(free, asked.problem), asked.spent)
    unkept = [f"flight of {channel.name}" for channel in curves.channels if rules_of(channel, scenario).flight]
    unkept += [f"flighting of {channel.name}" for channel in curves.channels if is_written(channel, scenario)]
    unkept += [rule.name for rule in broken(asked.problem, asked.today)]
    before, scaled, spent = by_draw(unflown, asked.today)[1], float(asked.today.sum()), asked.problem.history.sum()
    really = None if asked.spent is not None else by_draw(unflown, asked.today * (spent / scaled if scaled else 0.0))[1]
    return replace(_split(unflown, asked.today), broken=tuple(unkept)), before, really


def _of_budget(scenario: Scenario, problem: Problem) -> Scenario:
    """The scenario with the budget of a problem, which may have been found for a target."""
    return scenario.model_copy(update={"budget": Budget(at_most=problem.budget.high)})


def _schedule(problem: Problem, spend: np.ndarray) -> tuple[tuple[float, ...], ...]:
    """Money by period and channel, evenly over the periods of a decision in which each channel may spend."""
    if problem.ways:
        courses = zip(problem.ways, several.by_cell(problem, spend), strict=True)
        rows = np.stack([money @ way.pace for way, money in courses], axis=1)
    else:
        rows = np.stack([payoff.timing.pace for payoff in problem.payoffs], axis=1) * spend
    return tuple(tuple(row) for row in rows.tolist())


def _without_flights(scenario: Scenario) -> Scenario:
    """The scenario with every date open: history's split kept no flight or burst, so it is not valued by one."""
    every = scenario.every_channel and as_history(scenario.every_channel)
    channels = {name: as_history(rules) for name, rules in scenario.channels.items()}
    return scenario.model_copy(update={"every_channel": every, "channels": channels})


def _lines(
    question: tuple[Curves, Scenario], problem: Problem, spend: np.ndarray, today: np.ndarray, outcome: np.ndarray
) -> tuple[Line, ...]:
    curves, scenario = question
    slope = several.returns(problem, spend) if problem.ways else _returns(problem, spend)
    begun = problem.grid.edges[problem.grid.over] if problem.grid else 0  # what is over can no longer be capped
    pace = np.max(_schedule(problem, spend)[begun:], axis=0, initial=0.0)
    before, after = (several.by_cell(problem, split).sum(axis=1) for split in (today, spend))
    barred, (low, high) = barred_units(problem, spend), channel_limits(problem)
    worth = goals.margins(curves, scenario.goal)
    return tuple(
        Line(
            channel.name,
            channel.kind,
            float(after[c]),
            float(before[c]),
            spread(outcome[c]),
            None if barred[c] else float(slope[c]),
            bool(pace[c] > channel.history.max * (1 + 1e-9)),
            channel.part_of,
            channel.geo,
            channel.segment,
            role_of(channel, scenario),
            float(low[c]) if low[c] > 0 else None,
            float(high[c]) if high[c] < problem.budget.high * (1 - ROUNDING) else None,
            float(worth[c]) if scenario.goal.maximise in ("profit", "clv") else None,
        )
        for c, channel in enumerate(curves.channels)
    )


def _returns(problem: Problem, spend: np.ndarray) -> Float[np.ndarray, " channel"]:
    """Outcome of the next unit of money on each channel."""
    payoffs = tuple(replace(payoff, margin=1.0, cost=0.0) for payoff in problem.payoffs)
    return marginal(untolled(replace(problem, payoffs=payoffs)), spend)


def _warnings(lines: tuple[Line, ...], gain: Range, loss: float, period: str) -> tuple[str, ...]:
    """What a reader must know before acting on the plan."""
    told = []
    if not any(line.spend for line in lines) and any(line.baseline for line in lines):
        told.append("nothing is spent: no other plan keeps these rules, or none pays; look at the rules and the margin")
    if loss > RISKY and gain.mean > 0:
        told.append(
            f"the mean gain rests on few draws: in {100 * loss:.0f} % of them it brings less than history; "
            "bound the moves (relative = { min = 0.5, max = 1.5 }) or test first"
        )
    beyond = [line.name for line in lines if line.beyond]
    if beyond:
        told.append(
            f"more a {period} than history ever shows, where the curve is a guess: {', '.join(beyond)}; "
            "cap them, or raise them step by step"
        )
    return tuple(told)
