"""The plan whose largest regret is least: how far any draw may fall short of the best plan for that draw.

The best plan of a draw is a solution of its own, and with hundreds of draws only those are solved that can be the
worst. The bound takes off what is certainly within a draw's reach, so it is rigorous however few are solved; the value
takes off a solved draw's bound, and of the others an estimate: the best of all known plans, and as much more as the
solved draws had.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from engine.optimize.climb import Known, climbed, known, solved_under
from engine.optimize.divide import divided
from engine.optimize.measures import Measure
from engine.optimize.minimax import Asked, Searched, begun, searched
from engine.optimize.rules import Problem
from engine.optimize.solve import Memory, Solved

ALL = 40  # draws up to which each is solved
SPREAD = 10  # draws of a first look, evenly from what the best mean plan earns least to most in
BATCH = 4  # draws solved at a time
BATCHES = 8  # at most


@dataclass(frozen=True)
class Bests:
    """What the best plan of each draw earns, at least and at most, as far as it is known."""

    lower: Float[np.ndarray, " draw"]  # what some known plan earns
    upper: Float[np.ndarray, " draw"]  # no plan earns more; only where solved
    solved: Bool[np.ndarray, " draw"]
    missed: float = 0.0  # the most by which known plans fell short of a draw's best, relative
    sure: bool = True  # whether every upper figure is rigorous

    @property
    def proven(self) -> bool:
        """Whether every draw is solved, by a rigorous bound."""
        return self.sure and bool(self.solved.all())

    @property
    def likely(self) -> Float[np.ndarray, " draw"]:
        """The upper figure where it is known, elsewhere an estimate of it."""
        return np.where(self.solved, self.upper, self.lower + self.missed * np.abs(self.lower))


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
    bests = Bests(np.max([p.values for p in plans], axis=0), np.full(draws, np.inf), np.zeros(draws, bool))
    order = np.argsort(plans[0].values, kind="stable")
    chosen = np.arange(draws) if draws <= ALL else order[np.linspace(0, draws - 1, SPREAD).astype(int)]
    bests, plans = _solved(problem, bests, plans, np.unique(chosen), memory)
    for _ in range(BATCHES):
        regretful = _against(measure, bests)
        best = max(plans, key=lambda plan: regretful.value(plan.values))
        best = climbed(problem, regretful, best)[0]
        plans = (best, *plans)
        shortfall = np.where(bests.solved, -np.inf, bests.likely - best.values)
        worst = float(np.max(np.where(bests.solved, bests.upper - best.values, -np.inf)))
        chosen = [int(d) for d in np.argsort(-shortfall, kind="stable")[:BATCH] if shortfall[d] > worst]
        if not chosen:
            break
        bests, plans = _solved(problem, bests, plans, np.array(chosen), memory)
    final = _against(measure, bests)
    worth = abs(first.value)
    asked = Asked(problem, final, memory, worth)
    found = divided(asked, searched(asked, begun(final, plans, first)))
    return replace(found, proven=found.proven and bests.proven), _told(bests)


def _told(bests: Bests) -> str:
    count, of = int(bests.solved.sum()), len(bests.solved)
    if count == of:
        return f"the best plan of each of {of} draws solved"
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
        upper[draw], solved[draw] = max(found.bound, float(lower[draw])), True
        missed = max(bests.missed, more) if bests.solved.sum() >= SPREAD else 0.0
        bests, plans = Bests(lower, upper, solved, missed, bests.sure and found.proven), (*plans, plan)
    return bests, plans
