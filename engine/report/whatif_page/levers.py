"""From a question to what its page holds: each channel's money as the planner spends it, and what that meets."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from engine.config.scenario import Budget, Scenario
from engine.optimize import goals
from engine.optimize.budgets.frontier import with_money
from engine.optimize.budgets.targets import target_of
from engine.optimize.flighting import as_history, is_written
from engine.optimize.over_time import several
from engine.optimize.over_time.decisions import FADED, grid
from engine.optimize.plan import Plan, by_draw
from engine.optimize.rules import Problem, channel_limits, open_returns, problem_of
from engine.optimize.selecting import rules_of
from engine.optimize.timing import LONGEST, conditions
from engine.report.whatif_page.records import Before, Best, Lever, WhatIf
from engine.report.whatif_page.saved import around, of_channel
from engine.response.curves import Channel, Curves, chosen, kernel, pace

UNCAPPED = 1 - 1e-9  # of the budget: what may take nearly all of it has no cap of its own


def what_if_of(curves: Curves, scenario: Scenario, plans: tuple[Plan, ...], planned: int) -> WhatIf:
    """The record of a page.

    Args:
        curves: What spend does, joint draws.
        scenario: The question.
        plans: The best ones of some budgets, rising.
        planned: Which of them answers the scenario.
    """
    plan = plans[planned]
    posed = _of_money(scenario, plan.spend) if target_of(scenario) else scenario
    problem = problem_of(curves, posed)
    wide = without_shares(problem_of(curves, with_money(scenario, 2 * max(one.spend for one in plans))))
    today = np.array(plan.baseline.decided).T
    told, held = goals.counted(curves, scenario.goal), grid(curves, scenario)
    levers = tuple(_lever(told, scenario, (problem, wide), at, row) for at, row in enumerate(today))
    return WhatIf(
        scenario=scenario.name,
        currency=curves.currency,
        measure=plan.measure,
        unit=plan.unit,
        outcome=told.measure,
        in_money=plan.in_money,
        start=plan.start,
        end=plan.end,
        period=curves.period,
        decisions=plan.decisions,
        edges=held.edges,
        levers=levers,
        before=by_draw(_without_dates(curves, posed), today.ravel())[1],
        best=tuple(_best(problem, one) for one in plans),
        planned=planned,
        rules=tuple(rule for rule in problem.rules[1:] if not rule.is_discrete),
        unchecked=(
            *(rule.name for rule in problem.rules if rule.is_discrete),
            *(row.name for row in open_returns(problem)),
        ),
        saved=around(scenario),
        warnings=plan.warnings,
        prudence=plan.prudence,
        risk=plan.risk,
        dated=any(_is_dated(lever.channel, scenario) for lever in levers),
    )


def _best(problem: Problem, plan: Plan) -> Best:
    value = by_draw(problem, plan.cells)[1]
    return Best(several.by_cell(problem, plan.cells), value, float(value.mean()), plan.gap)


def _is_dated(channel: Channel, scenario: Scenario) -> bool:
    """Whether a scenario says when a channel spends, as history did not."""
    return bool(rules_of(channel, scenario).flight) or is_written(channel, scenario)


def without_shares(problem: Problem) -> Problem:
    """The question without rules that are shares of its total, which say nothing of another total."""
    return replace(problem, rules=tuple(rule for rule in problem.rules if not rule.share))


def _of_money(scenario: Scenario, money: float) -> Scenario:
    """The scenario with just this money, all of it spent: a target says none of its own."""
    return scenario.model_copy(update={"budget": Budget(total=money)})


def _without_dates(curves: Curves, scenario: Scenario) -> Problem:
    """The question with every date open: history's split kept no flight or burst, so it is not valued by one."""
    every = scenario.every_channel and as_history(scenario.every_channel)
    channels = {name: as_history(rules) for name, rules in scenario.channels.items()}
    return problem_of(curves, scenario.model_copy(update={"every_channel": every, "channels": channels}))


def _lever(curves: Curves, scenario: Scenario, problems: tuple[Problem, Problem], at: int, today: np.ndarray) -> Lever:
    problem, wide = problems
    channel, payoff, horizon = curves.channels[at], problem.payoffs[at], scenario.horizon
    tail = horizon.tail if horizon.from_history else 0
    found = conditions(channel, curves, scenario, horizon.periods + tail)
    if problem.ways:
        shares, cost = problem.ways[at].pace.sum(axis=0), problem.ways[at].cost
    else:
        shares, cost = payoff.timing.pace, np.array([payoff.cost])
    lower, upper = (several.by_cell(wide, side)[at] for side in (wide.lower, wide.upper))
    least, most = (side[at] for side in channel_limits(wide))
    return Lever(
        channel=channel,
        bought=shares * found.had[: horizon.periods],
        worth=found.worth,
        before=_before(channel, curves, horizon.periods + tail) if horizon.from_history else None,
        margin=payoff.margin,
        cost=cost,
        tiers=payoff.tiers,
        least=lower,
        most=_uncapped(upper, wide),
        limits=(float(least), float(_uncapped(np.array([most]), wide)[0])),
        today=today,
        saved=of_channel(channel, scenario),
    )


def _uncapped(most: Float[np.ndarray, " decision"], wide: Problem) -> Float[np.ndarray, " decision"]:
    return np.where(most >= UNCAPPED * wide.budget.high, np.inf, most)


def _before(channel: Channel, curves: Curves, rows: int) -> Before:
    """What still works of the time before the horizon: as the planner looks at it, as far back as it is felt."""
    last = np.array(channel.history.last[-LONGEST:])
    coming = (1 - np.cumsum(kernel(channel, rows + len(last)), axis=1)).clip(0.0)
    felt = int(np.argmax(coming.max(axis=0) <= FADED)) or len(last)
    return Before(pace(channel, curves.period), last[::-1][:felt], len(last))


def thinned(what: WhatIf, some: Int[np.ndarray, " few"]) -> WhatIf:
    """The record on some of its draws; what the planner says of the plans stays that of all."""
    return replace(
        what,
        levers=tuple(replace(lever, channel=chosen(lever.channel, some)) for lever in what.levers),
        before=what.before[some],
        best=tuple(replace(one, value=one.value[some]) for one in what.best),
    )
