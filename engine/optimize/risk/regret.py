"""The plan whose largest regret is least: how far any draw may fall short of the best plan for that draw.

The best plan of a draw is a solution of its own, and with hundreds of draws only those are solved that can be the
worst; of the others a ceiling is known (see `ceilings`). The value takes off a solved draw's bound or a draw's ceiling,
and the bound what some plan is known to earn, so both are rigorous however few draws are solved. Of several decisions
no ceilings are known: there the value rests on an estimate, the best of all known plans and as much more as the solved
draws had.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from engine.optimize.risk.ceilings import ceilings
from engine.optimize.risk.climb import Known, climbed, known, solved_under
from engine.optimize.risk.divide import divided
from engine.optimize.risk.measures import Measure
from engine.optimize.risk.minimax import Asked, Searched, begun, searched
from engine.optimize.rules import Problem
from engine.optimize.solve import Memory, Solved

ALL = 40  # draws up to which each is solved
SPREAD = 24  # draws of a first look, evenly from what the best mean plan earns least to most in
UNTOLD = 8  # draws of which the first look says little: few plans were known
LATELY = 16  # draws whose bests tell what those not solved may have more than known plans
BATCH = 8  # draws solved at a time
BATCHES = 12  # at most
NEAR = 0.1  # of the worst regret: draws that come so near to it are solved too
CHECKS = 4  # times that a search is made anew because its plan has other worst draws
PARTS = 8  # most questions that are divided


@dataclass(frozen=True)
class Bests:
    """What the best plan of each draw earns, at least and at most, as far as it is known."""

    lower: Float[np.ndarray, " draw"]  # what some known plan earns
    upper: Float[np.ndarray, " draw"]  # no plan earns more; infinite where that is not known
    solved: Bool[np.ndarray, " draw"]
    short: tuple[float, ...] = ()  # by how much known plans fell short of each solved draw's best, relative, in order
    sure: bool = True  # whether every upper figure is rigorous

    @property
    def proven(self) -> bool:
        """Whether the upper figure of every draw is rigorous."""
        return self.sure and bool(np.isfinite(self.upper).all())

    @property
    def missed(self) -> float:
        """The most by which known plans fell short of the bests solved lately."""
        return max(self.short[UNTOLD:][-LATELY:], default=0.0)

    @property
    def likely(self) -> Float[np.ndarray, " draw"]:
        """The upper figure where it is known, elsewhere an estimate of it."""
        return np.where(np.isfinite(self.upper), self.upper, self.lower + self.missed * np.abs(self.lower))


def least_regret(
    problem: Problem, measure: Measure, first: Solved, plans: tuple[Known, ...], memory: Memory
) -> tuple[Searched, str]:
    """The plan of least largest regret, as a search whose figures are regrets below 0, and how sure its value is.

    Args:
        problem: The question.
        measure: Odds that may single out any draw, and their weight beside the mean.
        first: The plan of the best mean.
        plans: That and other plans; at least one.
        memory: Tables of earlier problems on the same curves.
    """
    draws = len(measure.base)
    tops = np.full(draws, np.inf) if problem.ways else ceilings(problem)
    bests = Bests(np.max([p.values for p in plans], axis=0), tops, np.zeros(draws, bool))
    order = np.argsort(plans[0].values, kind="stable")
    chosen = np.arange(draws) if draws <= ALL else order[np.linspace(0, draws - 1, SPREAD).astype(int)]
    bests, plans = _solved(problem, bests, plans, np.unique(chosen), memory)
    bests, plans = _checked(problem, measure, bests, plans, memory)
    for _ in range(CHECKS):
        asked = Asked(problem, _against(measure, bests), memory, abs(first.value))
        found, told = searched(asked, begun(asked.measure, plans, first)), bests
        bests, plans = _worst_solved(problem, bests, found.plans, found.plans[0], memory)
        if bests is told:
            break
    found = divided(asked, found, PARTS)
    bests, plans = _worst_solved(problem, bests, found.plans, found.plans[0], memory)
    value = _against(measure, bests).value(found.plans[0].values)
    return replace(found, value=value, proven=found.proven and bests.proven), _told(bests)


def _checked(
    problem: Problem, measure: Measure, bests: Bests, plans: tuple[Known, ...], memory: Memory
) -> tuple[Bests, tuple[Known, ...]]:
    """What is known once the draws that can be the worst of a near best plan are solved."""
    for _ in range(BATCHES):
        regretful = _against(measure, bests)
        best = max(plans, key=lambda plan: regretful.value(plan.values))
        best = climbed(problem, regretful, best)[0]
        told = bests
        bests, plans = _worst_solved(problem, bests, (best, *plans), best, memory)
        if bests is told:
            break
    return bests, plans


def _worst_solved(
    problem: Problem, bests: Bests, plans: tuple[Known, ...], plan: Known, memory: Memory
) -> tuple[Bests, tuple[Known, ...]]:
    """What is known once some draws are solved that may be the worst of a plan; the same where there are none."""
    shortfall = np.where(bests.solved, -np.inf, bests.likely - plan.values)
    worst = float(np.max(bests.likely - plan.values))
    chosen = [d for d in np.argsort(-shortfall, kind="stable")[:BATCH].tolist() if shortfall[d] > (1 - NEAR) * worst]
    return _solved(problem, bests, plans, np.array(chosen, int), memory) if chosen else (bests, plans)


def _told(bests: Bests) -> str:
    count, of = int(bests.solved.sum()), len(bests.solved)
    if bests.proven:
        return f"best plans of {count} of {of} draws solved, of the others ceilings"
    return (
        f"value estimated: best plans of {count} of {of} draws solved, the others taken from known plans and "
        f"{100 * bests.missed:.2g} % more"
    )


def _against(measure: Measure, bests: Bests) -> Measure:
    """The measure of regret against what is known of the best plans."""
    return replace(measure, less=bests.likely, sure=bests.lower)


def _solved(
    problem: Problem, bests: Bests, plans: tuple[Known, ...], draws: np.ndarray, memory: Memory
) -> tuple[Bests, tuple[Known, ...]]:
    """What is known of the best plans after some draws were solved, whose plans are plans too."""
    for draw in draws.tolist():
        nearest = max(plans, key=lambda plan: plan.values[draw])
        found = solved_under(problem, np.eye(len(bests.lower))[draw], memory, nearest)
        plan = known(problem, found.spend)
        more = (found.bound - bests.lower[draw]) / max(abs(float(bests.lower[draw])), 1e-300)
        lower, upper, solved = np.maximum(bests.lower, plan.values), bests.upper.copy(), bests.solved.copy()
        upper[draw], solved[draw] = max(min(found.bound, upper[draw]), float(lower[draw])), True
        bests, plans = Bests(lower, upper, solved, (*bests.short, more), bests.sure and found.proven), (*plans, plan)
    return bests, plans
