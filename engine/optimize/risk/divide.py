"""Where no odds prove the best plan because plans in several places tie, each place gets a search of its own.

S-shaped curves leave a distance between the best plan and the best mixture of plans. The places of such a mixture
differ most in some channel: less than halfway between them or more are two questions, each with a lower bound than both
together (branch and bound over channels' spend).
"""

import heapq
import itertools
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from engine.optimize.risk.climb import known, reweighted
from engine.optimize.risk.minimax import AIM, Asked, Searched, places, ranked, searched
from engine.optimize.rules import Problem, Rule, broken
from engine.optimize.solve import solve

PARTS = 24  # most questions that are divided
PATIENCE = 6  # questions in a row whose division closes less than a tenth of the gap, after which no more are
CLOSED = 0.1


@dataclass(frozen=True)
class Part:
    """A part of a question and where its search stands."""

    problem: Problem
    state: Searched


def divided(asked: Asked, state: Searched, parts: int | None = None) -> Searched:
    """The search after its question was divided until the gap is small, or `parts` questions were.

    Unless given these are `PARTS`. Several decisions are left as they are: their parts take too long.
    """
    order, best, leaves, gaps = itertools.count(), state, -np.inf, [np.inf]
    queue = [(-state.limit, next(order), Part(asked.problem, state))]
    while queue and not asked.problem.ways and not _enough(asked, -queue[0][0], best.value) and not _stuck(gaps, parts):
        _, _, part = heapq.heappop(queue)
        cut = _cut(asked, part.state)
        if cut is None:
            leaves = max(leaves, part.state.limit)
            continue
        gaps.append(part.state.limit - best.value)
        for rule in _halves(part.problem, *cut):
            inner = _searched(asked, part, rule, best.value)
            if inner is None:
                continue
            best = replace(ranked(asked.measure, inner.state.plans, best), rounds=best.rounds + inner.state.rounds)
            heapq.heappush(queue, (-inner.state.limit, next(order), inner))
    limit = max(best.value, leaves, -queue[0][0] if queue else -np.inf)
    return replace(best, limit=min(state.limit, limit), proven=state.proven)


def _enough(asked: Asked, limit: float, value: float) -> bool:
    return limit - value <= AIM * max(abs(limit), asked.size)


def _stuck(gaps: list[float], parts: int | None) -> bool:
    """Whether enough questions were divided, or the last ones did not help."""
    most = PARTS if parts is None else min(parts, PARTS)
    return len(gaps) > most or (len(gaps) > PATIENCE + 1 and gaps[-1] > (1 - CLOSED) * gaps[-PATIENCE - 1])


def _cut(asked: Asked, state: Searched) -> tuple[int, float] | None:
    """The channel in which the two best places differ most, and the spend halfway; None where there is one place."""
    found = places(state.plans, asked.measure.mixed(state.odds))
    if len(found) < 2:
        return None
    apart = np.abs(found[0].spend - found[1].spend)
    channel = int(np.argmax(apart))
    return channel, float(found[0].spend[channel] + found[1].spend[channel]) / 2


def _halves(problem: Problem, channel: int, middle: float) -> tuple[Rule, Rule]:
    """Rules that leave a channel at most, and at least, a spend."""
    unit: Float[np.ndarray, " channel"] = np.eye(len(problem.names))[channel]
    name = f"part of {problem.names[channel]}"
    return Rule(name, unit, high=middle), Rule(name, unit, low=middle)


def _searched(asked: Asked, whole: Part, rule: Rule, reached: float) -> Part | None:
    """The part of a question under one more rule; None where it holds no plan."""
    problem = replace(whole.problem, rules=(*whole.problem.rules, rule))
    mixed = asked.measure.mixed(whole.state.odds)
    first = solve(reweighted(problem, mixed / mixed.sum()), asked.memory)
    if first is None:
        return None
    limit = min(whole.state.limit, asked.measure.limit(whole.state.odds, first.bound))
    plans = (known(problem, first.spend), *(plan for plan in whole.state.plans if not broken(problem, plan.spend)))
    state = ranked(asked.measure, plans, Searched((), -np.inf, limit, whole.state.odds))
    inner = replace(asked, problem=problem, reached=max(asked.reached, reached))
    return Part(problem, searched(inner, state))
