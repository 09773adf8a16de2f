"""Plans under risk: the best of a measure over joint draws, with a bound that no plan under the rules exceeds."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from engine.config.scenario import Risk
from engine.errors import InputError
from engine.optimize.risk.climb import chances, known, solved_under
from engine.optimize.risk.divide import divided
from engine.optimize.risk.measures import measure_of
from engine.optimize.risk.minimax import Asked, Searched, begun, first_plans, ranked, searched
from engine.optimize.risk.probability import reached
from engine.optimize.risk.regret import least_regret
from engine.optimize.rules import USUAL, Problem
from engine.optimize.solve import Memory, Solved, solve

WORDS = {"cvar": "mean of the worst draws", "robust": "worst mean over odds", "mean": "mean"}


@dataclass(frozen=True)
class AtRisk:
    """The best plan found under a measure of risk, what it is worth, and what no plan can exceed.

    Value and bound are money, of regret below 0; under `probability` they are chances. Of fixed odds the bound is the
    planner's own, so it is rigorous; where the value is estimated `route` says so.
    """

    spend: Float[np.ndarray, " channel"]
    value: float  # the measure of what the plan earns less tolls
    bound: float
    route: str
    odds: Float[np.ndarray, " draw"]  # of the draws, under which the bound was found
    rounds: int  # odds whose bound was looked at, beside those of the mean
    gross: float  # against a bound smaller than `least` of this no gap is measured, but against that
    least: float
    proven: bool = True  # whether value and bound are rigorous, not estimates

    @property
    def solved(self) -> Solved:
        """The same as the answer to a question under one set of odds."""
        return Solved(self.spend, self.value, self.bound, self.route, self.gross, self.least, self.proven)

    @property
    def gap(self) -> float:
        """Distance between value and bound: relative to the bound; of regret to what the plan is worth; of a chance as
        it is."""
        return self.solved.gap


def solve_at_risk(
    problem: Problem, risk: Risk, memory: Memory | None = None, starts: tuple[np.ndarray, ...] = ()
) -> AtRisk | None:
    """The best plan under a measure of risk and a bound on every plan; None where no plan keeps the rules.

    Args:
        problem: The question.
        risk: The measure, over the problem's joint draws.
        memory: Tables of earlier problems on the same curves, used and added to.
        starts: Plans known beforehand; each one that keeps the rules is a candidate.

    Raises:
        InputError: A chance is to be mixed with a mean.
    """
    if risk.measure == "probability" and risk.weight < 1:
        raise InputError(
            f"risk.weight is {risk.weight:g} and the measure is a probability, which is no money and cannot be mixed "
            "with a mean; remove weight, or take another measure"
        )
    memory = {} if memory is None else memory
    first = solve(problem, memory, starts)
    if first is None:
        return None
    plans = first_plans(problem, first, starts)
    measure = measure_of(risk, chances(problem, len(plans[0].values)))
    if risk.measure == "probability":
        found = reached(problem, risk.target or 0.0, first, plans, memory)
        return _at_risk(found, f"chance of the target: {_each(found, first)}", measure.base, (1.0, 1.0))
    if risk.measure == "regret" and risk.weight > 0:
        found, told = least_regret(problem, measure, first, plans, memory)
        route = f"largest regret, {told}: {_each(found, first)}"
        return _at_risk(found, route, measure.mixed(found.odds), (abs(first.value), 1.0))
    scale = (first.gross, first.least)
    if measure.single:
        return _at_risk(begun(measure, plans[:1], first), first.route, measure.base, scale)
    asked = Asked(problem, measure, memory, first.least * first.gross)
    found = _proven(asked, divided(asked, searched(asked, begun(measure, plans, first))))
    return _at_risk(found, f"{WORDS[risk.measure]}: {_each(found, first)}", measure.mixed(found.odds), scale)


def _proven(asked: Asked, found: Searched) -> Searched:
    """The search with a proof in place of an estimate, where one is near under the odds of its limit."""
    if found.proven:
        return found
    mixed = asked.measure.mixed(found.odds)
    problem = replace(asked.problem, effort=max(USUAL, asked.problem.effort))
    solved = solved_under(problem, mixed / mixed.sum(), asked.memory, found.plans[0])
    limit = asked.measure.limit(found.odds, solved.bound)
    if not solved.proven and limit >= found.limit:
        return found
    plan = known(asked.problem, solved.spend)
    return ranked(asked.measure, (plan,), replace(found, limit=limit, proven=solved.proven))


def _each(found: Searched, first: Solved) -> str:
    """How the bound was found."""
    return f"best of {found.rounds + 1} weightings of the draws, each by {first.route}"


def _at_risk(found: Searched, route: str, odds: np.ndarray, scale: tuple[float, float]) -> AtRisk:
    bound = max(found.limit, found.value)
    return AtRisk(found.plans[0].spend, found.value, bound, route, odds, found.rounds, *scale, found.proven)
