"""The plan whose largest regret is least: how far any draw may fall short of the best plan for that draw.

The best plan of a draw is a solution of its own, and with hundreds of draws only those are solved that can be the
worst; of the others a ceiling is known (see `ceilings`). The value takes off a solved draw's bound or a draw's ceiling,
and the bound what some plan is known to earn, so both are rigorous however few draws are solved.

Of several decisions no ceilings are known, a solution takes long and the bound of a single draw is, where curves bend
upwards, an estimate that lies up to two percent above its best plan. An ascent takes little and mostly ends at the plan
of the solution. So there each draw that can be the worst is climbed from the best known plan, few are solved beside,
and regret is told against the best plans found: an estimate. What limits its gap is the bound under the odds of few
draws, and that several decisions are not divided.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from engine.optimize.few_draws import on_draws
from engine.optimize.over_time.ascent import climbed as at_top
from engine.optimize.risk.ceilings import ceilings
from engine.optimize.risk.climb import Known, climbed, known, solved_under
from engine.optimize.risk.divide import divided
from engine.optimize.risk.measures import Measure
from engine.optimize.risk.minimax import Asked, Searched, begun, ranked, searched
from engine.optimize.rules import Problem
from engine.optimize.solve import Memory, Solved

ALL = 40  # draws up to which each is solved
SPREAD = 24  # draws of a first look, evenly from what the best mean plan earns least to most in
SPREAD_OVER_TIME = 4  # those of them that are solved where there are several decisions; the others are climbed
UNTOLD = 8  # plans up to which it says little by how much they fall short
LATELY = 16  # draws whose bests tell what those not solved may have more than known plans
BATCH = 8  # draws solved at a time
BATCH_OVER_TIME = 2  # the same for several decisions
SOLVED_OVER_TIME = 8  # most draws that are solved then
BATCHES = 12  # at most
ANOTHER = 1e-3  # of a draw's best: a solution that is better by so much stands on another hill
NEAR = 0.1  # of the worst regret: draws that come so near to it are solved too
CHECKS = 4  # times that a search is made anew because its plan has other worst draws
PARTS = 8  # most questions that are divided


@dataclass(frozen=True)
class Bests:
    """What the best plan of each draw earns, at least and at most, as far as it is known."""

    lower: Float[np.ndarray, " draw"]  # what some known plan earns
    upper: Float[np.ndarray, " draw"]  # no plan earns more; infinite where that is not known
    solved: Bool[np.ndarray, " draw"]
    short: tuple[float, ...] = ()  # by how much many known plans fell short of a solved draw's best, relative, in order
    sure: bool = True  # whether every upper figure is rigorous
    climbed: frozenset[int] = frozenset()  # draws whose own hill was climbed
    above: float = 0.0  # the most by which an estimated bound lies above the best plan of its draw, relative

    @property
    def proven(self) -> bool:
        """Whether the upper figure of every draw is rigorous."""
        return self.sure and bool(np.isfinite(self.upper).all())

    @property
    def missed(self) -> float:
        """By how much known plans fell short of the bests solved lately, in the mean."""
        lately = self.short[-LATELY:]
        return sum(lately) / len(lately) if lately else 0.0

    @property
    def likely(self) -> Float[np.ndarray, " draw"]:
        """The upper figure where it is known, elsewhere an estimate of it."""
        more = np.where(self.solved, 0.0, self.missed * np.abs(self.lower))
        return np.where(np.isfinite(self.upper), self.upper, self.lower + more)


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
    few = SPREAD if problem.ways else ALL
    tops = np.full(draws, np.inf) if problem.ways else ceilings(problem)
    bests = Bests(np.max([p.values for p in plans], axis=0), tops, np.zeros(draws, bool))
    order = np.argsort(plans[0].values, kind="stable")
    chosen = np.arange(draws) if draws <= few else order[np.linspace(0, draws - 1, SPREAD).astype(int)]
    if problem.ways:
        bests, plans = _climbed(problem, bests, plans, np.unique(chosen))
        chosen = chosen[np.linspace(0, len(chosen) - 1, min(SPREAD_OVER_TIME, len(chosen))).astype(int)]
    bests, plans = _solved(problem, bests, plans, np.unique(chosen), memory)
    bests, plans = _checked(problem, measure, bests, plans, memory)
    asked = Asked(problem, _against(measure, bests), memory, abs(first.value))
    found = begun(asked.measure, plans, first)
    for _ in range(CHECKS):
        found, told = searched(asked, found), bests
        bests, plans = _worst_solved(problem, bests, found.plans, found.plans[0], memory)
        if bests is told:
            break
        before, asked = asked.measure, replace(asked, measure=_against(measure, bests))
        found = _renewed(found, before, asked.measure, plans)
    found = divided(asked, found, PARTS)
    bests, plans = _worst_solved(problem, bests, found.plans, found.plans[0], memory)
    value = _against(measure, bests).value(found.plans[0].values)
    return replace(found, value=value, proven=found.proven and bests.proven), _told(bests)


def _renewed(found: Searched, before: Measure, now: Measure, plans: tuple[Known, ...]) -> Searched:
    """A search whose best plans of draws are known better than before: what its odds prove falls by as much."""
    limit = found.limit - now.weight * float(found.odds @ (now.sure - before.sure))
    return ranked(now, plans, replace(found, plans=(), limit=limit))


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
    chosen = _worst_of(bests, plan)
    if problem.ways and not chosen <= bests.climbed:
        return _climbed(problem, bests, plans, np.array(sorted(chosen - bests.climbed)))
    if problem.ways:
        left = min(BATCH_OVER_TIME, SOLVED_OVER_TIME - int(bests.solved.sum()))
        chosen = set(sorted(chosen, key=lambda draw: plan.values[draw] - bests.likely[draw])[: max(left, 0)])
    return _solved(problem, bests, plans, np.array(sorted(chosen), int), memory) if chosen else (bests, plans)


def _worst_of(bests: Bests, plan: Known) -> set[int]:
    """Draws not solved that may be the worst of a plan, a batch at most."""
    shortfall = np.where(bests.solved, -np.inf, bests.likely - plan.values)
    worst = float(np.max(bests.likely - plan.values))
    order = np.argsort(-shortfall, kind="stable")[:BATCH].tolist()
    return {draw for draw in order if shortfall[draw] > (1 - NEAR) * worst}


def _climbed(
    problem: Problem, bests: Bests, plans: tuple[Known, ...], draws: np.ndarray
) -> tuple[Bests, tuple[Known, ...]]:
    """What is known of the best plans once each draw's own hill was climbed from the plan known to be best on it."""
    for draw in draws.tolist():
        nearest = max(plans, key=lambda plan: plan.values[draw])
        plan = known(problem, at_top(on_draws(problem, np.array([draw])), nearest.spend))
        bests = replace(bests, lower=np.maximum(bests.lower, plan.values), climbed=bests.climbed | {draw})
        plans = (*plans, plan)
    return bests, plans


def _told(bests: Bests) -> str:
    count, of = int(bests.solved.sum()), len(bests.solved)
    if bests.proven:
        return f"best plans of {count} of {of} draws solved, of the others ceilings"
    found = f"{count} of {of} draws solved"
    if bests.climbed:
        found = f"best plans of the worst of {of} draws found by ascents, {count} of them solved"
    higher = f" (their bounds lie up to {100 * bests.above:.2g} % higher)" if bests.above else ""
    return f"value estimated: {found}{higher}, the others taken from known plans and {100 * bests.missed:.2g} % more"


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
        bests = _after(bests, draw, found, plan)
        bests = bests if len(plans) > UNTOLD else replace(bests, short=())
        if problem.ways:  # a hill that ascents had not found may be the best one of other draws, too
            anew = bool(bests.short) and bests.short[-1] > ANOTHER
            bests = replace(bests, climbed=frozenset({draw}) if anew else bests.climbed | {draw})
        plans = (*plans, plan)
    return bests, plans


def _after(bests: Bests, draw: int, found: Solved, plan: Known) -> Bests:
    """What is known once a draw was solved: that no plan earns more than its bound, where that is no estimate."""
    lower, upper, solved = np.maximum(bests.lower, plan.values), bests.upper.copy(), bests.solved.copy()
    solved[draw] = True
    scale, best = max(abs(float(bests.lower[draw])), 1e-300), float(lower[draw])
    if found.proven:
        upper[draw] = max(min(found.bound, upper[draw]), best)
    top = upper[draw] if found.proven else best
    above = bests.above if found.proven else max(bests.above, (found.bound - best) / scale)
    short = (*bests.short, (top - float(bests.lower[draw])) / scale)
    return Bests(lower, upper, solved, short, bests.sure and found.proven, bests.climbed, above)
